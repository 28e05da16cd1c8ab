//! What happens to a mailbox as people read it: a line each.

use std::collections::HashMap;

use turbomessage_proto::mail_v1::{Change, Folder, Message, change::Change as Happened};

use super::{
    mail::{marks, name, subject_and_snippet},
    screen::{Screen, Style},
    text::{cut, one_line},
    time::short,
};
use crate::short_id::shorten;

/// The names of the folders, as far as they are known, by id.
#[derive(Debug, Default)]
pub(crate) struct FolderNames(HashMap<String, String>);

impl FolderNames {
    /// The names of `folders`.
    pub(crate) fn of(folders: Vec<Folder>) -> Self {
        let names = folders.into_iter().map(|f| (f.folder_id, f.name));
        Self(names.collect())
    }

    /// What is known after `change`.
    pub(crate) fn follow(&mut self, change: &Change) {
        match &change.change {
            Some(Happened::FolderCreated(folder) | Happened::FolderUpdated(folder)) => {
                let Folder {
                    folder_id, name, ..
                } = folder.clone();
                self.0.insert(folder_id, name);
            }
            Some(Happened::FolderDeleted(id)) => {
                self.0.remove(id);
            }
            Some(
                Happened::MessageCreated(_)
                | Happened::MessageUpdated(_)
                | Happened::MessageDeleted(_),
            )
            | None => {}
        }
    }

    fn get(&self, id: &str) -> &str {
        self.0.get(id).map_or("", String::as_str)
    }
}

/// One line that tells of `change`; empty if it is of no interest to people, such as a new count of
/// a folder. `folders` is what was known before.
pub(crate) fn line(change: &Change, folders: &FolderNames, screen: &Screen) -> String {
    let folder_line = |done: &str, name: &str| format!("folder   {} {done}", one_line(name));
    let line = match &change.change {
        Some(Happened::MessageCreated(new)) => {
            let line = message_line("new", new, folders, screen);
            return screen.paint(Style::Bold, &line);
        }
        Some(Happened::MessageUpdated(now)) => message_line("changed", now, folders, screen),
        Some(Happened::MessageDeleted(id)) => format!("deleted  {}", short_id(id)),
        Some(Happened::FolderCreated(new)) => folder_line("was made", &new.name),
        Some(Happened::FolderUpdated(now)) => match folders.get(&now.folder_id) {
            before if before == now.name => String::new(),
            before => folder_line(&format!("is now called {}", one_line(&now.name)), before),
        },
        Some(Happened::FolderDeleted(id)) => folder_line("was deleted", folders.get(id)),
        None => String::new(),
    };
    fitted(&line, screen)
}

fn message_line(what: &str, message: &Message, folders: &FolderNames, screen: &Screen) -> String {
    let line = format!(
        "{what:<7}  {}  {}  {:>6}  {}  {}: {}",
        short_id(&message.message_id),
        marks(message),
        short(message.receive_time.as_ref(), screen.now),
        one_line(folders.get(&message.folder_id)),
        message.from.as_ref().map(name).unwrap_or_default(),
        subject_and_snippet(message),
    );
    fitted(&line, screen)
}

fn short_id(id: &str) -> String {
    shorten(&[id]).concat()
}

fn fitted(line: &str, screen: &Screen) -> String {
    match screen.width {
        Some(width) => cut(line, width),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use turbomessage_proto::mail_v1::{Participant, ParticipantKind};

    use super::*;

    const ID: &str = "0199a8f3-1c2b-7abc-8def-3fa2c1d00001";

    fn folder(id: &str, name: &str) -> Folder {
        Folder {
            folder_id: id.into(),
            name: name.into(),
            ..Folder::default()
        }
    }

    fn letter() -> Message {
        Message {
            message_id: ID.into(),
            folder_id: "i".into(),
            from: Some(Participant {
                display_name: "Ana\x1b".into(),
                kind: ParticipantKind::User.into(),
                ..Participant::default()
            }),
            subject: "Lunch?".into(),
            snippet: "At one?\x07".into(),
            ..Message::default()
        }
    }

    fn told(change: Happened) -> String {
        let folders = FolderNames::of(vec![folder("i", "Inbox"), folder("w", "Work")]);
        let change = Change {
            change: Some(change),
        };
        line(&change, &folders, &Screen::plain())
    }

    #[test]
    fn every_change_is_a_line() {
        for (change, expected) in [
            (
                Happened::MessageCreated(letter()),
                "new      3fa2c1d0  N             Inbox  Ana\\u{1b}: Lunch? — At one?\\u{7}",
            ),
            (
                Happened::MessageUpdated(Message {
                    read: true,
                    starred: true,
                    ..letter()
                }),
                "changed  3fa2c1d0   *            Inbox  Ana\\u{1b}: Lunch? — At one?\\u{7}",
            ),
            (Happened::MessageDeleted(ID.into()), "deleted  3fa2c1d0"),
            (
                Happened::FolderCreated(folder("n", "New")),
                "folder   New was made",
            ),
            (
                Happened::FolderUpdated(folder("w", "Home")),
                "folder   Work is now called Home",
            ),
            (
                Happened::FolderDeleted("w".into()),
                "folder   Work was deleted",
            ),
        ] {
            assert_eq!(told(change), expected);
        }
    }

    #[test]
    fn a_new_count_is_no_news_for_people() {
        assert_eq!(told(Happened::FolderUpdated(folder("w", "Work"))), "");
    }

    #[test]
    fn folders_are_called_by_their_latest_names() {
        let mut folders = FolderNames::default();
        for (happened, expected) in [
            (Happened::FolderCreated(folder("w", "Work")), "Work"),
            (Happened::FolderUpdated(folder("w", "Home")), "Home"),
            (Happened::FolderDeleted("w".into()), ""),
        ] {
            folders.follow(&Change {
                change: Some(happened),
            });
            assert_eq!(folders.get("w"), expected);
        }
    }

    #[test]
    fn a_line_fits_the_terminal() {
        let narrow = Screen {
            width: Some(30),
            ..Screen::plain()
        };
        let change = Change {
            change: Some(Happened::MessageCreated(letter())),
        };
        let line = line(&change, &FolderNames::default(), &narrow);
        assert!(line.ends_with('…') && line.chars().count() <= 30, "{line}");
    }
}
