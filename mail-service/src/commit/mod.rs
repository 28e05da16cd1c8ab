//! Group commit: what waits while the last transaction runs goes into the next one together.
//!
//! `job` is what callers ask for, `desk` where a batch's jobs are carried out in memory by the
//! mailbox's rules, `batch` how a batch is loaded, written and retried, `writer` the task that does
//! it again and again.

mod batch;
mod desk;
mod erase;
#[cfg(feature = "fault-points")]
mod fault;
mod job;
mod writer;

pub(crate) use batch::create_mailboxes;
pub use batch::{Changed, MailboxDefaults};
pub use erase::{erase_mailbox, sweep};
pub use job::{
    Addressees, Answer, Cancel, CreateFolder, Delete, DeleteFolder, Failure, Job, Modify, Notice,
    Place, Recipient, Refusal, RenameFolder, Save, Send, Source,
};
pub use writer::{Announce, Writer};
