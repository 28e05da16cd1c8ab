//! A line of text that is being typed.

use super::key::Key;
use crate::output::{one_line, text::width};

/// A line of text and a cursor in it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct LineEdit {
    before: String,
    after: String,
}

impl LineEdit {
    /// A line that says `text`, with the cursor at its end.
    pub(crate) fn new(text: &str) -> Self {
        Self {
            before: text.to_owned(),
            after: String::new(),
        }
    }

    /// What it says.
    pub(crate) fn text(&self) -> String {
        format!("{}{}", self.before, self.after)
    }

    /// How many columns are left of the cursor.
    pub(crate) fn cursor(&self) -> usize {
        width(&one_line(&self.before))
    }

    /// Puts `text` in at the cursor, on one line.
    pub(crate) fn insert(&mut self, text: &str) {
        self.before.push_str(text.trim_matches(['\r', '\n']));
        self.before = self.before.replace(['\r', '\n', '\t'], " ");
    }

    /// Does what a key means in a line. Says whether it means anything.
    pub(crate) fn press(&mut self, key: Key) -> bool {
        match key {
            Key::Char(c) => self.before.push(c),
            Key::Backspace | Key::Ctrl('h') => drop(self.before.pop()),
            Key::Delete | Key::Ctrl('d') => drop(self.after.drain(..first(&self.after))),
            Key::Left | Key::Ctrl('b') => {
                if let Some(c) = self.before.pop() {
                    self.after.insert(0, c);
                }
            }
            Key::Right | Key::Ctrl('f') => {
                let moved: String = self.after.drain(..first(&self.after)).collect();
                self.before.push_str(&moved);
            }
            Key::Home | Key::Ctrl('a') => {
                self.after = self.text();
                self.before.clear();
            }
            Key::End | Key::Ctrl('e') => *self = Self::new(&self.text()),
            Key::Ctrl('u') => self.before.clear(),
            Key::Ctrl('k') => self.after.clear(),
            Key::Ctrl('w') => {
                let kept = self
                    .before
                    .trim_end()
                    .rfind(' ')
                    .map_or(0, |blank| blank + 1);
                self.before.truncate(kept);
            }
            Key::Ctrl(_)
            | Key::Enter
            | Key::Esc
            | Key::Up
            | Key::Down
            | Key::PageUp
            | Key::PageDown => return false,
        }
        true
    }
}

/// The bytes of the first character.
fn first(text: &str) -> usize {
    text.chars().next().map_or(0, char::len_utf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_edited_as_in_a_shell() {
        let mut line = LineEdit::new("");
        for c in "from:señor x".chars() {
            line.press(Key::Char(c));
        }
        let mut check = |key, expected: &str, cursor| {
            assert!(line.press(key));
            assert_eq!(
                (line.text().as_str(), line.cursor()),
                (expected, cursor),
                "{key:?}"
            );
        };
        check(Key::Backspace, "from:señor ", 11);
        check(Key::Home, "from:señor ", 0);
        check(Key::Delete, "rom:señor ", 0);
        check(Key::Left, "rom:señor ", 0);
        check(Key::Right, "rom:señor ", 1);
        check(Key::End, "rom:señor ", 10);
        check(Key::Ctrl('w'), "", 0);
        line.insert("日本\nx\n");
        assert_eq!((line.text().as_str(), line.cursor()), ("日本 x", 6));
        assert!(!line.press(Key::Enter));
    }
}
