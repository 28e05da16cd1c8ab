//! Text of which some parts are what was searched for.

use turbomessage_proto::mail_v1::HighlightPart;

use super::{
    screen::{Screen, Style},
    text::{cut, one_line, width},
};

/// A line of text, some parts of which are marked. Safe for a terminal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Marked(Vec<(String, bool)>);

impl Marked {
    /// `text`, which must be safe for one line, with nothing marked.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self(vec![(text.into(), false)])
    }

    /// What the server found, on one line.
    pub(crate) fn found(parts: &[HighlightPart]) -> Self {
        let part = |part: &HighlightPart| (one_line(&part.text), part.matched);
        Self(parts.iter().map(part).collect())
    }

    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|(text, _)| text.is_empty())
    }

    /// How many columns it takes.
    pub(crate) fn width(&self) -> usize {
        width(&self.text())
    }

    /// Puts `more` at the end.
    pub(crate) fn push(&mut self, more: &Self) {
        self.0.extend_from_slice(&more.0);
    }

    /// The same, cut to at most `columns` with an ellipsis where something is missing.
    pub(crate) fn cut(&self, columns: usize) -> Self {
        if self.width() <= columns {
            return self.clone();
        }
        let short = cut(&self.text(), columns);
        let mut left = short.trim_end_matches('…').len();
        let mut parts = Vec::new();
        for (text, matched) in &self.0 {
            let taken = left.min(text.len());
            parts.push((text[..taken].to_owned(), *matched));
            left -= taken;
        }
        if !short.is_empty() {
            parts.push(("…".into(), false));
        }
        Self(parts)
    }

    /// The text in the look of `style`, what is marked in bold, without white space at its end.
    pub(crate) fn painted(&self, style: Style, screen: &Screen) -> String {
        let mut left = self.text().trim_end().len();
        let mut line = String::new();
        let mut alike = String::new();
        for (text, matched) in &self.0 {
            let text = &text[..left.min(text.len())];
            left -= text.len();
            if *matched {
                line.push_str(&screen.paint(style, &std::mem::take(&mut alike)));
                line.push_str(&screen.paint(Style::Bold, text));
            } else {
                alike.push_str(text);
            }
        }
        line + &screen.paint(style, &alike)
    }

    fn text(&self) -> String {
        self.0.iter().map(|(text, _)| text.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found() -> Marked {
        let part = |text: &str, matched| HighlightPart {
            text: text.into(),
            matched,
        };
        Marked::found(&[
            part("At ", false),
            part("lunch", true),
            part("\x1b time  ", false),
        ])
    }

    fn coloured() -> Screen {
        Screen {
            has_colour: true,
            ..Screen::plain()
        }
    }

    #[test]
    fn what_was_found_is_bold_where_there_is_colour() {
        assert_eq!(
            found().painted(Style::Plain, &coloured()),
            "At \x1b[1mlunch\x1b[0m\\u{1b} time"
        );
        assert_eq!(
            found().painted(Style::Plain, &Screen::plain()),
            "At lunch\\u{1b} time"
        );
    }

    #[test]
    fn a_mark_is_cut_with_its_text() {
        let cut = |columns| found().cut(columns).painted(Style::Plain, &coloured());
        assert_eq!(cut(6), "At \x1b[1mlu\x1b[0m…");
        assert_eq!(cut(3), "At…");
        assert_eq!(cut(0), "");
        assert_eq!(found().cut(100), found());
    }
}
