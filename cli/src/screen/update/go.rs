//! Going to another list: a folder, a label, a search.

use turbomessage_proto::mail_v1::{Folder, FolderRole, Label};

use crate::{
    failure::Failure,
    output::one_line,
    screen::{
        change::Modify,
        event::Effect,
        key::Key,
        line::LineEdit,
        list::Source,
        picker::{Choice, Item, Picker},
        state::{Mode, State},
        view::help,
    },
};

impl State {
    /// Shows `source` as soon as it is there.
    pub(super) fn show(&mut self, source: Source) {
        self.reader = None;
        let effect = self.list.load(source);
        self.ask(effect);
    }

    /// Asks anew for what is listed.
    pub(super) fn reload(&mut self) {
        if let Some(source) = self.list.source.clone() {
            let effect = self.list.load(source);
            self.ask(effect);
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "most keys mean nothing here"
    )]
    pub(super) fn go(&mut self, key: Key) {
        match key {
            Key::Char('g') => self.browse(Key::Home),
            Key::Char('i') => self.go_to(FolderRole::Inbox),
            Key::Char('s') => self.go_to(FolderRole::Sent),
            Key::Char('d') => self.go_to(FolderRole::Drafts),
            Key::Char('o') => self.go_to(FolderRole::Outbox),
            Key::Char('a') => self.go_to(FolderRole::Archive),
            Key::Char('p') => self.go_to(FolderRole::Spam),
            Key::Char('t') => self.go_to(FolderRole::Trash),
            Key::Char('*') => self.show(Source::Search("is:starred".to_owned())),
            Key::Char('f') => self.choose_folder(Choice::GoToFolder, |_| true),
            Key::Char('l') => self.want_labels(Choice::GoToLabel),
            _ => {}
        }
    }

    fn go_to(&mut self, role: FolderRole) {
        if let Some(folder) = self.standard(role) {
            self.show(Source::Folder(folder));
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "every other key is for the line"
    )]
    pub(super) fn type_query(&mut self, key: Key, mut line: LineEdit) {
        match key {
            Key::Esc => {}
            Key::Enter if line.text().trim().is_empty() => {}
            Key::Enter => self.show(Source::Search(line.text())),
            key => {
                line.press(key);
                self.mode = Mode::Search(line, None);
            }
        }
    }

    fn choose_folder(&mut self, choice: Choice, fits: impl Fn(&Folder) -> bool) {
        let item = |folder: &Folder| Item {
            name: one_line(&folder.name),
            note: match folder.unread_count {
                0 => String::new(),
                unread => unread.to_string(),
            },
            value: folder.folder_id.clone(),
        };
        let fitting = self.folders.iter().filter(|folder| fits(folder));
        self.mode = Mode::Pick(Picker::new(choice, fitting.map(item).collect()));
    }

    /// Chooses among the folders that the current message can be moved to.
    pub(super) fn choose_folder_to_move_to(&mut self) {
        let Some(message) = self.current() else {
            return;
        };
        let here = message.folder_id.clone();
        let sender = message.from.as_ref().map(|from| from.account_id.clone());
        let is_own = sender.as_deref() == Some(self.account.account_id.as_str());
        self.choose_folder(Choice::Move, |folder| match folder.role() {
            FolderRole::Drafts | FolderRole::Outbox => false,
            FolderRole::Sent if !is_own => false,
            FolderRole::Unspecified
            | FolderRole::Inbox
            | FolderRole::Sent
            | FolderRole::Archive
            | FolderRole::Spam
            | FolderRole::Trash => folder.folder_id != here,
        });
    }

    /// Chooses a label for the current message.
    pub(super) fn choose_label(&mut self) {
        if self.current().is_some() {
            self.want_labels(Choice::Label);
        }
    }

    fn want_labels(&mut self, choice: Choice) {
        self.mode = Mode::Pick(Picker::new(choice, Vec::new()));
        self.ask(Effect::Labels);
    }

    /// Fills the choice of labels in.
    pub(super) fn labels_came(&mut self, result: Result<Vec<Label>, Failure>) {
        let labels = match result {
            Ok(labels) => labels,
            Err(failure) => return self.fail(failure),
        };
        let on = self.current().map(|message| message.labels.clone());
        let on = on.unwrap_or_default();
        let Mode::Pick(picker) = &mut self.mode else {
            return;
        };
        let is_for_message = picker.choice == Choice::Label;
        let item = |label: Label| Item {
            name: one_line(&label.name),
            note: match is_for_message {
                true if on.contains(&label.name) => "on, takes it off".to_owned(),
                true => String::new(),
                false => label.total_count.to_string(),
            },
            value: label.name,
        };
        if matches!(picker.choice, Choice::Label | Choice::GoToLabel) {
            picker.fill(labels.into_iter().map(item).collect());
        }
    }

    pub(super) fn pick(&mut self, key: Key, mut picker: Picker) {
        match (key, picker.chosen()) {
            (Key::Esc, _) => {}
            (Key::Enter, Some(item)) => self.picked(picker.choice, item.value),
            (key, _) => {
                picker.press(key);
                self.mode = Mode::Pick(picker);
            }
        }
    }

    fn picked(&mut self, choice: Choice, value: String) {
        match choice {
            Choice::GoToFolder => self.show(Source::Folder(value)),
            Choice::GoToLabel => self.show(Source::Search(label_query(&value))),
            Choice::Move => self.move_to(&value),
            Choice::Label => {
                let shown = one_line(&value);
                let labels = self.current().map(|message| message.labels.as_slice());
                if labels.is_some_and(|labels| labels.contains(&value)) {
                    self.modify(&Modify::Unlabel(value), &format!("Took {shown} off"));
                } else {
                    self.modify(&Modify::Label(value), &format!("Labelled {shown}"));
                }
            }
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "any other key closes the help"
    )]
    pub(super) fn scroll_help(&mut self, key: Key, top: usize) {
        let last = help::last_top(self.size);
        let page = usize::from(self.size.1.max(2)) - 1;
        self.mode = match key {
            Key::Char('j') | Key::Down => Mode::Help((top + 1).min(last)),
            Key::Char('k') | Key::Up => Mode::Help(top.saturating_sub(1)),
            Key::PageDown | Key::Char(' ') => Mode::Help((top + page).min(last)),
            Key::PageUp => Mode::Help(top.saturating_sub(page)),
            _ => Mode::Browse,
        };
    }
}

/// The query that finds what has a label.
fn label_query(label: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    if label.chars().all(is_plain) {
        format!("label:{label}")
    } else {
        format!("label:\"{}\"", label.replace('"', ""))
    }
}
