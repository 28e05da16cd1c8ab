//! The history of a mailbox: what happened, one number each.

use uuid::Uuid;

/// What happened to an object. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i16)]
#[expect(missing_docs, reason = "explained in change.proto, once")]
pub enum Event {
    MessageCreated = 1,
    MessageUpdated = 2,
    MessageDeleted = 3,
    FolderCreated = 4,
    FolderUpdated = 5,
    FolderDeleted = 6,
}

impl Event {
    /// The event stored as `number`, if there is one.
    #[must_use]
    pub fn from_number(number: i16) -> Option<Self> {
        [
            Self::MessageCreated,
            Self::MessageUpdated,
            Self::MessageDeleted,
            Self::FolderCreated,
            Self::FolderUpdated,
            Self::FolderDeleted,
        ]
        .into_iter()
        .find(|event| *event as i16 == number)
    }
}

/// One entry of the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Whose mailbox.
    pub owner_id: Uuid,
    /// Its number: the entries of a mailbox have each number once, without a gap.
    pub number: i64,
    /// What happened.
    pub event: Event,
    /// To which message or folder.
    pub object_id: Uuid,
}
