//! Keys on the list and on the message that is read.

use turbomessage_proto::mail_v1::FolderRole;

use crate::screen::{
    change::Modify,
    event::{Effect, Purpose},
    key::Key,
    line::LineEdit,
    list::Source,
    reader::Reader,
    state::{Mode, State},
};

impl State {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "every other key acts, or means nothing"
    )]
    pub(super) fn browse(&mut self, key: Key) {
        match key {
            Key::Char('j') | Key::Down => self.move_by(1),
            Key::Char('k') | Key::Up => self.move_by(-1),
            Key::PageDown | Key::Char(' ') | Key::Ctrl('f') => self.move_by(self.page()),
            Key::PageUp | Key::Ctrl('b') => self.move_by(-self.page()),
            Key::Home => self.move_by(isize::MIN + 1),
            Key::End | Key::Char('G') => self.move_by(isize::MAX),
            Key::Char('n') => self.step(1),
            Key::Char('N') => self.step(-1),
            Key::Enter | Key::Char('o') => self.open(),
            Key::Char('u') | Key::Esc | Key::Backspace => self.back(),
            Key::Char('q') => self.quit(),
            Key::Char('?') => self.mode = Mode::Help(0),
            Key::Char('g') => self.mode = Mode::Go,
            Key::Char('/') => self.mode = Mode::Search(LineEdit::default(), None),
            key => self.act(key),
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "most keys mean nothing here"
    )]
    fn act(&mut self, key: Key) {
        match key {
            Key::Char('c') => self.compose(),
            Key::Char('r') => self.want(Purpose::Reply),
            Key::Char('a') => self.want(Purpose::ReplyAll),
            Key::Char('f') => self.want(Purpose::Forward),
            Key::Char('e') => self.archive(),
            Key::Char('#') | Key::Delete => self.trash(),
            Key::Char('s') => self.toggle_star(),
            Key::Char('i') => self.mark(true),
            Key::Char('U') => self.mark(false),
            Key::Char('z') => self.undo(),
            Key::Char('v') => self.choose_folder_to_move_to(),
            Key::Char('l') => self.choose_label(),
            _ => {}
        }
    }

    /// A page, less a row to find the place again.
    fn page(&self) -> isize {
        let areas = self.areas();
        let rows = if self.reader.is_some() {
            areas.reader.height
        } else {
            areas.list.height
        };
        isize::try_from(rows).unwrap_or(0).saturating_sub(1).max(1)
    }

    fn move_by(&mut self, rows: isize) {
        match &mut self.reader {
            Some(reader) => reader.scroll_by(rows),
            None => self.list.select_by(rows),
        }
    }

    /// Goes to the next message or the one before, and reads it if one was being read.
    fn step(&mut self, rows: isize) {
        let before = self.list.selected;
        self.list.select_by(rows);
        if self.reader.is_none() {
            return;
        }
        if self.list.selected == before {
            self.say(if rows > 0 {
                "This is the last message."
            } else {
                "This is the first message."
            });
        } else {
            self.open();
        }
    }

    fn open(&mut self) {
        let Some(message) = self.list.current().cloned() else {
            return;
        };
        let id = message.message_id.clone();
        if self.role_of(&message) == FolderRole::Drafts {
            self.reader = None;
            self.ask(Effect::Fetch(id, Purpose::Draft));
            return;
        }
        let is_open = |reader: &Reader| reader.message.message_id == id;
        if !self.reader.as_ref().is_some_and(is_open) {
            self.reader = Some(Reader::new(message));
            self.ask(Effect::Fetch(id, Purpose::Read));
        }
    }

    /// From the message to the list, from a search to the folder.
    fn back(&mut self) {
        if self.reader.take().is_some() {
            return;
        }
        if let (Some(Source::Search(_)), Some(home)) = (&self.list.source, self.home.clone()) {
            self.show(Source::Folder(home));
        }
    }

    fn mark(&mut self, read: bool) {
        if !read && self.reader.is_some() {
            // It would be marked as read again: it is on the screen.
            self.modify(&Modify::Read(false), "Marked as unread");
            self.reader = None;
        } else {
            let said = if read {
                "Marked as read"
            } else {
                "Marked as unread"
            };
            self.modify(&Modify::Read(read), said);
        }
    }
}
