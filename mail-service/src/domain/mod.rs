//! The mailbox's terms, as types that cannot be invalid.

mod change;
mod folder;
mod label;
mod mailbox;
mod message;
mod page;
mod send;
mod thread;

pub use change::{Change, Event};
pub use folder::{Folder, FolderRole, MAX_FOLDERS};
pub use label::{Label, parse_labels, parse_name};
pub use mailbox::{Mailbox, MailboxState, State};
pub(crate) use message::snippet;
pub use message::{Body, Copy, Kind, Participant, Participants};
pub use page::{Began, Cursor, Filter, List, PageSize, Walk};
pub use send::{Draft, Fingerprint, Recipients, RequestId};
pub use thread::ThreadPart;

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
/// The most labels of one mailbox.
pub const MAX_LABELS: usize = 100;
/// How far ahead a delivery may be: a year, a leap year too.
pub const MAX_DELAY: std::time::Duration = std::time::Duration::from_hours(366 * 24);
