//! What callers ask the writer for, and what they hear.

use turbomessage_service_kit::problem::Problem;
use uuid::Uuid;

use crate::domain::{Copy, Draft, FolderRole, RequestId};

/// Something to do in one mailbox, or in several.
#[derive(Debug, Clone)]
pub enum Job {
    /// Send a message.
    Send(Box<Send>),
    /// Mark, star or move messages.
    Modify(Modify),
    /// Delete messages.
    Delete(Delete),
}

/// A recipient whose account is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The account.
    pub account_id: Uuid,
    /// The name the sender wrote.
    pub username: String,
}

/// A message to send.
#[derive(Debug, Clone)]
pub struct Send {
    /// Who sends it.
    pub sender_id: Uuid,
    /// What makes repeating it safe.
    pub request: Option<RequestId>,
    /// The content.
    pub draft: Draft,
    /// The accounts of `draft.recipients.to`.
    pub to: Vec<Recipient>,
    /// The accounts of `draft.recipients.cc`.
    pub cc: Vec<Recipient>,
    /// The accounts of `draft.recipients.bcc`.
    pub bcc: Vec<Recipient>,
}

impl Send {
    /// Everybody who gets a copy but the sender as such.
    pub fn recipients(&self) -> impl Iterator<Item = &Recipient> {
        self.to.iter().chain(&self.cc).chain(&self.bcc)
    }
}

/// Where to move messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The folder with this id.
    Folder(Uuid),
    /// The standard folder.
    Role(FolderRole),
}

/// Changes to messages, for all of them or none.
#[derive(Debug, Clone)]
pub struct Modify {
    /// Whose messages.
    pub owner_id: Uuid,
    /// Which.
    pub message_ids: Vec<Uuid>,
    /// Mark as read or not.
    pub read: Option<bool>,
    /// Make a favourite or not.
    pub starred: Option<bool>,
    /// Where to move them.
    pub place: Option<Place>,
    /// Only if the (one) message still has this etag.
    pub etag: Option<String>,
}

/// Messages to delete for good, all of them or none.
#[derive(Debug, Clone)]
pub struct Delete {
    /// Whose messages.
    pub owner_id: Uuid,
    /// Which.
    pub message_ids: Vec<Uuid>,
}

impl Job {
    /// Every mailbox that the job may touch.
    pub fn owners(&self) -> Vec<Uuid> {
        match self {
            Self::Send(send) => std::iter::once(send.sender_id)
                .chain(send.recipients().map(|r| r.account_id))
                .collect(),
            Self::Modify(modify) => vec![modify.owner_id],
            Self::Delete(delete) => vec![delete.owner_id],
        }
    }

    /// How much the job weighs in a batch: rows it writes, and bytes of content.
    #[must_use]
    pub fn weight(&self) -> (usize, usize) {
        match self {
            Self::Send(send) => {
                let bytes = usize::try_from(send.draft.size_bytes()).unwrap_or(usize::MAX);
                (send.recipients().count() + 1, bytes + 256)
            }
            Self::Modify(modify) => (modify.message_ids.len(), modify.message_ids.len() * 64),
            Self::Delete(delete) => (delete.message_ids.len(), delete.message_ids.len() * 64),
        }
    }
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Sent: the sender's copy.
    Sent(Box<Copy>),
    /// Changed: the copies as they are now, in the order asked for.
    Modified(Vec<Copy>),
    /// Deleted.
    Deleted,
}

/// Why a job was not done. Nothing of it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The caller's account has been deleted.
    OwnerGone,
    /// The request id was used for something else.
    RequestIdReused,
    /// The message to answer is not the sender's.
    ParentNotFound(Uuid),
    /// These accounts have been deleted.
    RecipientsGone(Vec<Uuid>),
    /// These mailboxes have no room.
    MailboxesFull(Vec<Uuid>),
    /// These are no messages of the owner's.
    MessagesNotFound(Vec<Uuid>),
    /// There is no such folder.
    FolderNotFound(Uuid),
    /// Messages do not come into, or leave, this folder this way.
    FolderProtected(Uuid),
    /// The message has changed.
    EtagMismatch,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Failure {
    /// The mailbox's rules say no.
    Refused(Refusal),
    /// Something else went wrong.
    Problem(Problem),
}
