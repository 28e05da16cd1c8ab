//! The mailbox's terms, as types that cannot be invalid.

mod folder;
mod mailbox;
mod message;
mod page;
mod send;

pub use folder::{Folder, FolderRole};
pub use mailbox::{Mailbox, MailboxState, State};
pub(crate) use message::snippet;
pub use message::{Body, Copy, Kind, Participant, Participants};
pub use page::{Cursor, Filter, PageSize};
pub use send::{Draft, Fingerprint, Recipients, RequestId};

/// The largest subject, in bytes (RFC 5322's line length).
pub const MAX_SUBJECT_BYTES: usize = 998;
/// The largest text and the largest HTML, in bytes each.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;
/// The most recipients of one message.
pub const MAX_RECIPIENTS: usize = 100;
/// The most messages changed or deleted at once.
pub const MAX_CHANGED: usize = 1000;
/// The most messages read at once.
pub const MAX_READ: usize = 100;
