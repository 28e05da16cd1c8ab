//! Other people's text on a terminal: it must show what it is and change nothing else. Control
//! characters could move the cursor, rename the window or hide what follows; bidirectional
//! overrides could show words in another order than they stand in.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// `text` on one line: whatever breaks or advances a line becomes a space, other characters that
/// steer a terminal are spelled out.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => line.push(' '),
            c => push_spelled(&mut line, c),
        }
    }
    line
}

/// A message's body for a terminal: lines and tabs stay, other characters that steer a terminal
/// are spelled out.
pub(crate) fn shown_body(text: &str) -> String {
    let mut body = String::with_capacity(text.len());
    for c in text.replace("\r\n", "\n").chars() {
        match c {
            '\n' | '\t' => body.push(c),
            c => push_spelled(&mut body, c),
        }
    }
    body
}

fn push_spelled(out: &mut String, c: char) {
    if c.is_control() || is_bidi_override(c) {
        out.extend(c.escape_unicode());
    } else {
        out.push(c);
    }
}

/// Embeddings, overrides and isolates. Plain right-to-left marks stay: honest text needs them.
fn is_bidi_override(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// How many columns `text` takes on a terminal.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// `text`, cut to at most `columns` with an ellipsis where something is missing.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let Some(room) = columns.checked_sub(1) else {
        return String::new();
    };
    let mut taken = 0;
    let mut end = 0;
    for (start, c) in text.char_indices() {
        taken += c.width().unwrap_or(0);
        if taken > room {
            break;
        }
        end = start + c.len_utf8();
    }
    format!("{}…", text[..end].trim_end())
}

/// The end of `text`, at most `columns` of it, with an ellipsis where something is missing.
pub(super) fn cut_start(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut ends = text.char_indices().map(|(at, _)| &text[at..]);
    let end = ends.find(|end| end.width() < columns).unwrap_or_default();
    format!("…{end}")
}

/// `text`, filled with spaces to `columns`.
pub(crate) fn pad(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(text.width());
    format!("{text}{}", " ".repeat(missing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobodys_text_can_steer_the_terminal() {
        let evil = "a\x1b[2Jb\u{9b}1mc\x07\x7f\u{202e}d\u{2066}e\nf\tg\r\nh\0";
        let line = one_line(evil);
        assert_eq!(
            line,
            "a\\u{1b}[2Jb\\u{9b}1mc\\u{7}\\u{7f}\\u{202e}d\\u{2066}e f g  h\\u{0}"
        );
        let body = shown_body(evil);
        assert!(body.ends_with("e\nf\tg\nh\\u{0}"), "{body}");
        for text in [line, body] {
            let steers = |c: char| c.is_control() && !"\n\t".contains(c) || is_bidi_override(c);
            assert!(!text.contains(steers), "{text:?}");
        }
    }

    #[test]
    fn honest_text_stays_as_it_is() {
        for text in ["Grüße, señor", "日本語", "שלום\u{200f}!", "👩‍👩‍👧 e\u{301}"]
        {
            assert_eq!(one_line(text), text);
            assert_eq!(shown_body(text), text);
        }
    }

    #[test]
    fn text_is_cut_by_columns_not_by_characters() {
        for (text, columns, expected) in [
            ("hello", 5, "hello"),
            ("hello!", 5, "hell…"),
            ("日本語", 6, "日本語"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
            ("a bcdef", 3, "a…"),
            ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
            ("hello", 1, "…"),
            ("hello", 0, ""),
        ] {
            let short = cut(text, columns);
            assert_eq!(short, expected);
            assert!(width(&short) <= columns);
        }
    }

    #[test]
    fn text_is_filled_by_columns() {
        assert_eq!(pad("日本", 6), "日本  ");
        assert_eq!(pad("toolong", 3), "toolong");
    }
}
