//! Changing messages, and undoing it.

use turbomessage_proto::mail_v1::{FolderRole, Message};

use crate::{
    failure::Failure,
    output::one_line,
    screen::{
        change::Modify,
        event::Effect,
        key::Key,
        list::News,
        state::{Mode, State, Sure, Undo},
    },
};

impl State {
    /// Changes the current message, says so, and remembers how to undo it.
    pub(super) fn modify(&mut self, change: &Modify, said: &str) {
        let Some(before) = self.current().cloned() else {
            return;
        };
        let back = change.back(&before);
        self.change(before.clone(), change);
        self.can_undo(Undo::Change {
            back,
            before: Box::new(before),
        });
        self.say(format!("{said}. z undoes it."));
    }

    /// Changes `message` here and at the server.
    pub(super) fn change(&mut self, mut message: Message, change: &Modify) {
        let request = change.request(&message.message_id);
        self.ask(Effect::Modify(Box::new(request)));
        change.apply(&mut message);
        self.learn(message);
    }

    /// Shows a message as it is now, wherever it is shown.
    pub(super) fn learn(&mut self, mut message: Message) {
        if let Some(reader) = &mut self.reader
            && reader.message.message_id == message.message_id
        {
            reader.refresh(&message);
        }
        message.body = None;
        let is_out_of_sight =
            matches!(self.role_of(&message), FolderRole::Spam | FolderRole::Trash);
        self.list.apply(News::Is {
            message: Box::new(message),
            is_out_of_sight,
        });
    }

    /// What the server said to a change: if it did not make it, the list shows what is.
    pub(super) fn changed(&mut self, result: Result<(), Failure>) {
        if let Err(failure) = result {
            // It cannot be known which of them the server has made; a send stands by itself.
            self.undo.retain(|undo| matches!(undo, Undo::Send(_)));
            self.reload();
            self.fail(failure);
        }
    }

    pub(super) fn toggle_star(&mut self) {
        let Some(is_starred) = self.current().map(|message| message.starred) else {
            return;
        };
        let said = if is_starred {
            "Took the star off"
        } else {
            "Starred"
        };
        self.modify(&Modify::Starred(!is_starred), said);
    }

    pub(super) fn archive(&mut self) {
        if let Some(archive) = self.standard(FolderRole::Archive) {
            self.move_to(&archive);
        }
    }

    /// Moves the current message to the Trash; what is there, or a draft, is deleted after a
    /// question.
    pub(super) fn trash(&mut self) {
        let Some(message) = self.current() else {
            return;
        };
        let id = message.message_id.clone();
        match self.role_of(message) {
            FolderRole::Trash | FolderRole::Drafts => self.mode = Mode::Confirm(Sure::Delete(id)),
            FolderRole::Outbox => self.mode = Mode::Confirm(Sure::TakeBack(id)),
            FolderRole::Unspecified
            | FolderRole::Inbox
            | FolderRole::Sent
            | FolderRole::Archive
            | FolderRole::Spam => {
                if let Some(trash) = self.standard(FolderRole::Trash) {
                    self.move_to(&trash);
                }
            }
        }
    }

    /// Moves the current message, and goes back to the list.
    pub(super) fn move_to(&mut self, folder_id: &str) {
        let Some(message) = self.current() else {
            return;
        };
        let name = self.folder(folder_id).map(|folder| one_line(&folder.name));
        let name = name.unwrap_or_default();
        if message.folder_id == folder_id {
            return self.say(format!("It is in {name} already."));
        }
        match self.role_of(message) {
            FolderRole::Drafts => {
                return self
                    .complain("A draft cannot be moved: Enter goes on with it, # deletes it.");
            }
            FolderRole::Outbox => {
                return self.complain("It waits to be sent and cannot be moved: # takes it back.");
            }
            FolderRole::Unspecified
            | FolderRole::Inbox
            | FolderRole::Sent
            | FolderRole::Archive
            | FolderRole::Spam
            | FolderRole::Trash => {}
        }
        self.modify(
            &Modify::Move(folder_id.to_owned()),
            &format!("Moved to {name}"),
        );
        self.reader = None;
    }

    /// Does what it takes to be sure about, if the answer is yes.
    pub(super) fn confirm(&mut self, key: Key, sure: Sure) {
        if key != Key::Char('y') {
            return self.say("Nothing was done.");
        }
        match sure {
            Sure::TakeBack(id) => self.ask(Effect::TakeBack(id)),
            Sure::Delete(id) => {
                self.reader = None;
                self.list.apply(News::Gone(id.clone()));
                self.ask(Effect::Delete(id));
                self.say("Deleted for good.");
            }
        }
    }

    pub(super) fn undo(&mut self) {
        match self.undo.pop() {
            None => self.say("There is nothing to undo."),
            Some(Undo::Send(id)) => self.ask(Effect::TakeBack(id)),
            Some(Undo::Change { back, before }) => {
                let now = self.list.find(&before.message_id).cloned();
                self.change(now.unwrap_or(*before), &back);
                self.say("Undone.");
            }
        }
    }

    /// What became of a send that was to be taken back.
    pub(super) fn taken_back(&mut self, result: Result<(), Failure>) {
        self.outgoing = None;
        match result {
            Ok(()) => self.say("Taken back: it is a draft again, in Drafts (g d)."),
            Err(failure) => self.fail(failure),
        }
    }
}
