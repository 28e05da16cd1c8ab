//! Changing a message: at once on the screen, then at the server, and back again.

use turbomessage_proto::mail_v1::{Message, ModifyMessagesRequest};

/// A change of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Modify {
    /// Mark it as read, or as not read.
    Read(bool),
    /// Star it, or take the star off.
    Starred(bool),
    /// Move it to the folder with this id.
    Move(String),
    /// Put a label on.
    Label(String),
    /// Take a label off.
    Unlabel(String),
}

impl Modify {
    /// The request that changes the message with this id.
    pub(crate) fn request(&self, message_id: &str) -> ModifyMessagesRequest {
        let mut request = ModifyMessagesRequest {
            message_ids: vec![message_id.to_owned()],
            ..ModifyMessagesRequest::default()
        };
        match self {
            Self::Read(read) => request.set_read = Some(*read),
            Self::Starred(starred) => request.set_starred = Some(*starred),
            Self::Move(folder) => request.move_to_folder_id.clone_from(folder),
            Self::Label(label) => request.add_labels.push(label.clone()),
            Self::Unlabel(label) => request.remove_labels.push(label.clone()),
        }
        request
    }

    /// Does it to `message`, as the server will.
    pub(crate) fn apply(&self, message: &mut Message) {
        match self {
            Self::Read(read) => message.read = *read,
            Self::Starred(starred) => message.starred = *starred,
            Self::Move(folder) => message.folder_id.clone_from(folder),
            Self::Unlabel(label) => message.labels.retain(|known| known != label),
            Self::Label(label) => {
                message.labels.push(label.clone());
                message.labels.sort();
                message.labels.dedup();
            }
        }
    }

    /// What makes of `before`, once it was changed so, what it was.
    pub(crate) fn back(&self, before: &Message) -> Self {
        match self {
            Self::Read(_) => Self::Read(before.read),
            Self::Starred(_) => Self::Starred(before.starred),
            Self::Move(_) => Self::Move(before.folder_id.clone()),
            Self::Label(label) | Self::Unlabel(label) if before.labels.contains(label) => {
                Self::Label(label.clone())
            }
            Self::Label(label) | Self::Unlabel(label) => Self::Unlabel(label.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::fixtures::letter;

    #[test]
    fn every_change_can_be_taken_back() {
        let mut before = letter("m1");
        before.labels = vec!["b".into()];
        before.read = false;
        for change in [
            Modify::Read(true),
            Modify::Read(false),
            Modify::Starred(true),
            Modify::Starred(false),
            Modify::Move("archive".into()),
            Modify::Label("a".into()),
            Modify::Label("b".into()),
            Modify::Unlabel("b".into()),
            Modify::Unlabel("c".into()),
        ] {
            let mut message = before.clone();
            change.apply(&mut message);
            change.back(&before).apply(&mut message);
            assert_eq!(message, before, "{change:?}");
        }
    }
}
