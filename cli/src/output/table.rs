//! Tables for people: columns as wide as what is in them, the last cut to what is left of a line.

use super::{
    marked::Marked,
    screen::{Screen, Style},
    text::width,
};

const GAP: &str = "  ";
/// The last column gets at least this much, though the line then runs over.
const LEAST_LAST: usize = 10;

/// A table in the making. Its cells must hold text that was made safe for one line.
#[derive(Debug)]
pub(crate) struct Table {
    titles: Vec<&'static str>,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    style: Style,
    cells: Vec<Marked>,
    /// A line of its own below the row.
    below: Option<Marked>,
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
        let cells = cells.into_iter().map(Marked::plain).collect();
        self.rows.push(Row {
            style,
            cells,
            below: None,
        });
    }

    /// Adds a row with another line below it.
    pub(crate) fn row_with_line(&mut self, cells: Vec<Marked>, below: Marked) {
        self.rows.push(Row {
            style: Style::Plain,
            cells,
            below: Some(below),
        });
    }

    /// The table as lines of text, its titles first.
    pub(crate) fn render(&self, screen: &Screen) -> String {
        let widths = self.widths(screen);
        let titles: Vec<Marked> = self.titles.iter().copied().map(Marked::plain).collect();
        let mut text = line(screen, Style::Dim, &titles, &widths);
        for row in &self.rows {
            text.push_str(&line(screen, row.style, &row.cells, &widths));
            if let Some(below) = &row.below {
                text.push_str(&line_below(screen, below, &widths));
            }
        }
        text
    }

    fn widths(&self, screen: &Screen) -> Vec<usize> {
        let mut widths: Vec<usize> = self.titles.iter().map(|title| width(title)).collect();
        for row in &self.rows {
            for (widest, cell) in widths.iter_mut().zip(&row.cells) {
                *widest = (*widest).max(cell.width());
            }
        }
        if let (Some(line), Some((last, others))) = (screen.width, widths.split_last_mut()) {
            let taken: usize = others.iter().map(|width| width + GAP.len()).sum();
            *last = (*last).min(line.saturating_sub(taken).max(LEAST_LAST));
        }
        widths
    }
}

fn line(screen: &Screen, style: Style, cells: &[Marked], widths: &[usize]) -> String {
    let mut line = Marked::default();
    for (cell, &width) in cells.iter().zip(widths) {
        let cell = cell.cut(width);
        line.push(&cell);
        line.push(&Marked::plain(" ".repeat(width - cell.width() + GAP.len())));
    }
    line.painted(style, screen) + "\n"
}

/// A line that begins below the second column.
fn line_below(screen: &Screen, below: &Marked, widths: &[usize]) -> String {
    let indent = widths.first().map_or(0, |first| first + GAP.len());
    let mut line = Marked::plain(" ".repeat(indent));
    let room = screen.width.map(|width| width.saturating_sub(indent));
    line.push(&room.map_or_else(|| below.clone(), |room| below.cut(room)));
    line.painted(Style::Plain, screen) + "\n"
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
