//! The mailbox as a whole, and the points in its history.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use uuid::Uuid;

/// Whether a mailbox can be used. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i16)]
pub enum MailboxState {
    /// In use.
    Active = 1,
    /// Its account was deleted. The row stays, so that nothing brings it back to life.
    Erased = 2,
}

/// A mailbox as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// Whose it is.
    pub owner_id: Uuid,
    /// Whether it can be used.
    pub state: MailboxState,
    /// Names this history of changes: a new one makes every state handed out before expire.
    pub epoch: Uuid,
    /// The number of the last change.
    pub last_change: i64,
    /// The last `receive_time` given out, in microseconds since the Unix epoch.
    pub last_receive_time: i64,
    /// Messages in all folders.
    pub message_count: i64,
    /// Bytes they take.
    pub used_bytes: i64,
    /// Messages there may be.
    pub quota_messages: i64,
    /// Bytes they may take.
    pub quota_bytes: i64,
}

impl Mailbox {
    /// Whether `messages` more with `bytes` together fit.
    #[must_use]
    pub fn has_room(&self, messages: i64, bytes: i64) -> bool {
        self.message_count.saturating_add(messages) <= self.quota_messages
            && self.used_bytes.saturating_add(bytes) <= self.quota_bytes
    }

    /// The point in history that this shows.
    #[must_use]
    pub fn point(&self) -> State {
        State {
            epoch: self.epoch,
            change: self.last_change,
        }
    }
}

/// A point in a mailbox's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// Which history.
    pub epoch: Uuid,
    /// The number of the last change before it.
    pub change: i64,
}

impl State {
    /// The opaque form that clients keep.
    #[must_use]
    pub fn encode(self) -> String {
        let mut bytes = [0; 24];
        bytes[..16].copy_from_slice(self.epoch.as_bytes());
        bytes[16..].copy_from_slice(&self.change.to_be_bytes());
        BASE64.encode(bytes)
    }
}
