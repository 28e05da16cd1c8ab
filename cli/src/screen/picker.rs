//! Choosing one of several by typing a part of it.

use super::{key::Key, line::LineEdit};

/// What is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// A folder to look at.
    GoToFolder,
    /// A label to look for.
    GoToLabel,
    /// A folder to move a message to.
    Move,
    /// A label to put on a message, or to take off.
    Label,
}

/// One of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    /// What it is called.
    pub(crate) name: String,
    /// What stands beside it.
    pub(crate) note: String,
    /// What is done with it: a folder's id, a label.
    pub(crate) value: String,
}

/// Several, of which one can be chosen.
#[derive(Debug)]
pub(crate) struct Picker {
    /// What for.
    pub(crate) choice: Choice,
    /// What was typed.
    pub(crate) line: LineEdit,
    /// Which of those that fit is chosen.
    pub(crate) selected: usize,
    items: Vec<Item>,
}

impl Picker {
    /// A choice among `items`.
    pub(crate) fn new(choice: Choice, items: Vec<Item>) -> Self {
        Self {
            choice,
            line: LineEdit::default(),
            selected: 0,
            items,
        }
    }

    /// Puts in what can be chosen.
    pub(crate) fn fill(&mut self, items: Vec<Item>) {
        self.items = items;
    }

    /// Those that fit what was typed, those first that begin with it. A label may also be new.
    pub(crate) fn fitting(&self) -> Vec<Item> {
        let typed = self.line.text().trim().to_owned();
        let wanted = typed.to_lowercase();
        let fits = |item: &&Item| item.name.to_lowercase().contains(&wanted);
        let mut items: Vec<Item> = self.items.iter().filter(fits).cloned().collect();
        items.sort_by_key(|item| !item.name.to_lowercase().starts_with(&wanted));
        let is_known = self.items.iter().any(|item| item.value == typed);
        if self.choice == Choice::Label && !typed.is_empty() && !is_known {
            items.push(Item {
                name: typed.clone(),
                note: "new".to_owned(),
                value: typed,
            });
        }
        items
    }

    /// The chosen one, if any fits.
    pub(crate) fn chosen(&self) -> Option<Item> {
        self.fitting().into_iter().nth(self.selected)
    }

    /// Does what a key means: moves the choice, or types.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "every other key is for the line"
    )]
    pub(crate) fn press(&mut self, key: Key) {
        match key {
            Key::Up | Key::Ctrl('p') => self.selected = self.selected.saturating_sub(1),
            Key::Down | Key::Ctrl('n') => {
                let last = self.fitting().len().saturating_sub(1);
                self.selected = (self.selected + 1).min(last);
            }
            typed => {
                if self.line.press(typed) {
                    self.selected = 0;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picker(choice: Choice) -> Picker {
        let items = ["Inbox", "Archive", "In progress", "Work"].map(|name| Item {
            name: name.into(),
            note: String::new(),
            value: name.into(),
        });
        Picker::new(choice, items.into())
    }

    fn typed(picker: &mut Picker, text: &str) -> Vec<String> {
        text.chars().for_each(|c| picker.press(Key::Char(c)));
        picker.fitting().into_iter().map(|item| item.name).collect()
    }

    #[test]
    fn typing_a_part_is_enough() {
        let mut picker = picker(Choice::Move);
        assert_eq!(typed(&mut picker, "r"), ["Archive", "In progress", "Work"]);
        picker.press(Key::Down);
        assert_eq!(picker.chosen().unwrap().name, "In progress");
        assert_eq!(typed(&mut picker, "k"), ["Work"]);
        assert_eq!(picker.chosen().unwrap().name, "Work");
        assert!(typed(&mut picker, "!").is_empty());
        assert_eq!(picker.chosen(), None);
    }

    #[test]
    fn what_begins_with_it_comes_first_and_the_choice_stays_inside() {
        let mut picker = picker(Choice::GoToFolder);
        assert_eq!(typed(&mut picker, "i")[..2], ["Inbox", "In progress"]);
        for _ in 0..9 {
            picker.press(Key::Down);
        }
        assert_eq!(picker.selected, picker.fitting().len() - 1);
    }

    #[test]
    fn a_label_may_be_new() {
        let mut picker = picker(Choice::Label);
        assert_eq!(typed(&mut picker, "work"), ["Work", "work"], "case matters");
        assert_eq!(typed(&mut picker, "!"), ["work!"]);
        assert_eq!(picker.chosen().unwrap().value, "work!");
    }
}
