//! Breaking text into rows of a screen, by the columns it takes.

use ratatui::{style::Style, text::Span};

use crate::output::text::width;

/// How far apart tab stops are.
const TAB: usize = 8;

/// `text` in rows of at most `columns` columns, broken between words where that is possible.
/// Whatever steers a terminal must be out of it, but for line ends and tabs.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut rows = Vec::new();
    for line in text.split('\n') {
        wrap_line(&without_tabs(line), columns.max(1), &mut rows);
    }
    rows
}

fn wrap_line(line: &str, columns: usize, rows: &mut Vec<String>) {
    let mut row = String::new();
    let mut used = 0;
    for word in line.split_inclusive(' ') {
        if used > 0 && used + width(word.trim_end()) > columns {
            rows.push(taken(&mut row, &mut used));
        }
        let span = Span::raw(word);
        for grapheme in span.styled_graphemes(Style::new()) {
            let wide = width(grapheme.symbol);
            if used + wide > columns {
                if grapheme.symbol == " " {
                    continue;
                }
                if used > 0 {
                    rows.push(taken(&mut row, &mut used));
                }
            }
            row.push_str(grapheme.symbol);
            used += wide;
        }
    }
    rows.push(taken(&mut row, &mut used));
}

fn taken(row: &mut String, used: &mut usize) -> String {
    *used = 0;
    let row = std::mem::take(row);
    row.trim_end().to_owned()
}

fn without_tabs(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for (n, part) in line.split('\t').enumerate() {
        if n > 0 {
            let missing = TAB - width(&out) % TAB;
            out.push_str(&" ".repeat(missing));
        }
        out.push_str(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_by_columns() {
        for (text, columns, expected) in [
            ("", 10, &[""][..]),
            ("one two three", 7, &["one two", "three"]),
            ("one two three", 8, &["one two", "three"]),
            ("one\n\ntwo", 8, &["one", "", "two"]),
            ("  code stays in", 9, &["  code", "stays in"]),
            ("abcdefgh", 3, &["abc", "def", "gh"]),
            ("x abcdefgh", 4, &["x", "abcd", "efgh"]),
            ("日本語の文", 5, &["日本", "語の", "文"]),
            ("日本", 1, &["日", "本"]),
            ("a\tb", 20, &["a       b"]),
            (
                "e\u{301}e\u{301}e\u{301}",
                2,
                &["e\u{301}e\u{301}", "e\u{301}"],
            ),
            ("👩‍👩‍👧👩‍👩‍👧", 3, &["👩‍👩‍👧", "👩‍👩‍👧"]),
        ] {
            assert_eq!(wrap(text, columns), expected, "{text:?} in {columns}");
        }
    }

    #[test]
    fn no_row_is_wider_than_the_screen() {
        let text = "A word, averyveryverylongword, 日本語 and\ta tab  with   spaces. ".repeat(3);
        for columns in 2..40 {
            for row in wrap(&text, columns) {
                assert!(width(&row) <= columns, "{row:?} in {columns}");
            }
        }
    }
}
