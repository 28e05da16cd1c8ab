//! Folders.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The most folders that an owner may make.
pub const MAX_FOLDERS: usize = 100;

/// What a standard folder is for. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(i16)]
#[expect(missing_docs, reason = "explained in folder.proto, once")]
pub enum FolderRole {
    Inbox = 1,
    Sent = 2,
    Drafts = 3,
    Outbox = 4,
    Archive = 5,
    Spam = 6,
    Trash = 7,
}

impl FolderRole {
    /// Every standard folder, in the order of lists.
    pub const ALL: [Self; 7] = [
        Self::Inbox,
        Self::Sent,
        Self::Drafts,
        Self::Outbox,
        Self::Archive,
        Self::Spam,
        Self::Trash,
    ];

    /// The role stored as `number`, if there is one.
    #[must_use]
    pub fn from_number(number: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|role| *role as i16 == number)
    }

    /// The folder's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inbox => "Inbox",
            Self::Sent => "Sent",
            Self::Drafts => "Drafts",
            Self::Outbox => "Outbox",
            Self::Archive => "Archive",
            Self::Spam => "Spam",
            Self::Trash => "Trash",
        }
    }

    /// Whether messages come and go here only by being written and sent.
    #[must_use]
    pub const fn is_protected(self) -> bool {
        matches!(self, Self::Drafts | Self::Outbox)
    }
}

/// A folder as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folder {
    /// Whose it is.
    pub owner_id: Uuid,
    /// Its id.
    pub folder_id: Uuid,
    /// What it is for, unless the owner made it.
    pub role: Option<FolderRole>,
    /// Its name.
    pub name: String,
    /// Messages in it.
    pub total_count: i64,
    /// Messages in it that are not read.
    pub unread_count: i64,
    /// The number of its last change.
    pub change: i64,
    /// The number of the change that made it.
    pub create_change: i64,
}

impl Folder {
    /// Whether the folder cannot be told apart from one called `name`: names differ by more than
    /// case.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.name.to_lowercase() == name.to_lowercase()
    }
}
