//! Tables for people: columns as wide as what is in them, the last cut to what is left of a line.

use super::{
    screen::{Screen, Style},
    text::{cut, pad, width},
};

const GAP: &str = "  ";
/// The last column gets at least this much, though the line then runs over.
const LEAST_LAST: usize = 10;

/// A table in the making. Its cells must hold text that was made safe for one line.
#[derive(Debug)]
pub(crate) struct Table {
    titles: Vec<&'static str>,
    rows: Vec<(Style, Vec<String>)>,
}

impl Table {
    /// An empty table with these columns.
    pub(crate) fn new(titles: &[&'static str]) -> Self {
        Self {
            titles: titles.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row, a cell for each column.
    pub(crate) fn row(&mut self, style: Style, cells: Vec<String>) {
        self.rows.push((style, cells));
    }

    /// The table as lines of text, its titles first.
    pub(crate) fn render(&self, screen: &Screen) -> String {
        let widths = self.widths(screen);
        let titles: Vec<String> = self.titles.iter().map(|&title| title.to_owned()).collect();
        let mut text = line(screen, Style::Dim, &titles, &widths);
        for (style, cells) in &self.rows {
            text.push_str(&line(screen, *style, cells, &widths));
        }
        text
    }

    fn widths(&self, screen: &Screen) -> Vec<usize> {
        let mut widths: Vec<usize> = self.titles.iter().map(|title| width(title)).collect();
        for (_, cells) in &self.rows {
            for (widest, cell) in widths.iter_mut().zip(cells) {
                *widest = (*widest).max(width(cell));
            }
        }
        if let (Some(line), Some((last, others))) = (screen.width, widths.split_last_mut()) {
            let taken: usize = others.iter().map(|width| width + GAP.len()).sum();
            *last = (*last).min(line.saturating_sub(taken).max(LEAST_LAST));
        }
        widths
    }
}

fn line(screen: &Screen, style: Style, cells: &[String], widths: &[usize]) -> String {
    let cells: Vec<String> = cells
        .iter()
        .zip(widths)
        .map(|(cell, &width)| pad(&cut(cell, width), width))
        .collect();
    let line = screen.paint(style, cells.join(GAP).trim_end());
    format!("{line}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["ID", "SUBJECT"]);
        table.row(Style::Bold, vec!["1".into(), "日本語 and more".into()]);
        table.row(Style::Plain, vec!["123".into(), String::new()]);
        table
    }

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let text = table().render(&Screen::plain());
        assert_eq!(text, "ID   SUBJECT\n1    日本語 and more\n123\n");
    }

    #[test]
    fn lines_fit_the_terminal() {
        let narrow = Screen {
            width: Some(16),
            ..Screen::plain()
        };
        let text = table().render(&narrow);
        assert_eq!(text, "ID   SUBJECT\n1    日本語 and…\n123\n");
        assert!(text.lines().all(|line| width(line) <= 16));
    }
}
