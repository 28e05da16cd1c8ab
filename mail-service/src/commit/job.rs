//! What callers ask the writer for, and what they hear.

use turbomessage_service_kit::{clock::Timestamp, problem::Problem};
use uuid::Uuid;

use crate::domain::{Copy, Draft, Folder, FolderRole, RequestId};

/// Something to do in one mailbox, or in several.
#[derive(Debug, Clone)]
pub enum Job {
    /// Send a message.
    Send(Box<Send>),
    /// Keep a message that is being written.
    Save(Box<Save>),
    /// Take back a message that waits in the Outbox.
    Cancel(Box<Cancel>),
    /// Mark, star, label or move messages.
    Modify(Modify),
    /// Delete messages.
    Delete(Delete),
    /// Make a folder.
    CreateFolder(CreateFolder),
    /// Rename a folder.
    RenameFolder(RenameFolder),
    /// Delete a folder, or at least move some of its messages to Trash.
    DeleteFolder(DeleteFolder),
}

/// A recipient whose account is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The account.
    pub account_id: Uuid,
    /// The name the sender wrote; empty where it is not known any more.
    pub username: String,
}

/// The recipients of a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Addressees {
    /// The first recipients.
    pub to: Vec<Recipient>,
    /// Those who get it for information.
    pub cc: Vec<Recipient>,
    /// Those whom others do not see.
    pub bcc: Vec<Recipient>,
}

impl Addressees {
    /// Everybody.
    pub fn all(&self) -> impl Iterator<Item = &Recipient> {
        self.to.iter().chain(&self.cc).chain(&self.bcc)
    }
}

/// A message to send. The names in `draft.recipients` do not count: the accounts do.
#[derive(Debug, Clone)]
pub struct Send {
    /// Who sends it.
    pub sender_id: Uuid,
    /// What makes repeating it safe.
    pub request: Option<RequestId>,
    /// The content.
    pub draft: Draft,
    /// The accounts it goes to.
    pub addressees: Addressees,
    /// The copy of the sender's that it is already, which keeps its id.
    pub source: Option<Source>,
}

/// What is to be sent, as it was when it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// The sender's copy.
    pub message_id: Uuid,
    /// The number of its last change: if there was another since, it has to be read again.
    pub change: i64,
    /// Whether it waits in the Outbox; else it is a draft.
    pub waiting: bool,
}

/// A message to keep in the Drafts folder.
#[derive(Debug, Clone)]
pub struct Save {
    /// Whose it is.
    pub owner_id: Uuid,
    /// What makes repeating it safe.
    pub request: Option<RequestId>,
    /// The content.
    pub draft: Draft,
    /// The accounts it is to go to.
    pub addressees: Addressees,
    /// The draft that it replaces, and its etag.
    pub replaced: Option<(Uuid, String)>,
}

/// A message to take back from the Outbox.
#[derive(Debug, Clone)]
pub struct Cancel {
    /// Whose it is.
    pub owner_id: Uuid,
    /// Which message.
    pub message_id: Uuid,
    /// Because it could not be delivered: only if it still is what was tried, and with a message
    /// that tells the owner.
    pub failed: Option<(Source, Notice)>,
}

/// A message from the system to an owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub text: String,
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
#[derive(Debug, Clone, Default)]
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
    /// Labels to put on.
    pub add_labels: Vec<String>,
    /// Labels to take off.
    pub remove_labels: Vec<String>,
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
    /// Only those that have been in Trash since before this; the others are passed over.
    pub trashed_before: Option<Timestamp>,
}

/// A folder to make.
#[derive(Debug, Clone)]
pub struct CreateFolder {
    /// Whose.
    pub owner_id: Uuid,
    /// What makes repeating it safe.
    pub request: Option<RequestId>,
    /// Its name.
    pub name: String,
}

/// A folder to rename.
#[derive(Debug, Clone)]
pub struct RenameFolder {
    /// Whose.
    pub owner_id: Uuid,
    /// What makes repeating it safe.
    pub request: Option<RequestId>,
    /// Which folder.
    pub folder_id: Uuid,
    /// Its new name.
    pub name: String,
}

/// A folder to delete.
#[derive(Debug, Clone, Copy)]
pub struct DeleteFolder {
    /// Whose.
    pub owner_id: Uuid,
    /// Which folder.
    pub folder_id: Uuid,
}

/// How many messages of a deleted folder go to Trash in one transaction.
pub(super) const FOLDER_STEP: i64 = 1000;

impl Job {
    /// Every mailbox that the job may touch.
    pub fn owners(&self) -> Vec<Uuid> {
        match self {
            Self::Send(send) => std::iter::once(send.sender_id)
                .chain(send.addressees.all().map(|r| r.account_id))
                .collect(),
            Self::Save(save) => vec![save.owner_id],
            Self::Cancel(cancel) => vec![cancel.owner_id],
            Self::Modify(modify) => vec![modify.owner_id],
            Self::Delete(delete) => vec![delete.owner_id],
            Self::CreateFolder(create) => vec![create.owner_id],
            Self::RenameFolder(rename) => vec![rename.owner_id],
            Self::DeleteFolder(delete) => vec![delete.owner_id],
        }
    }

    /// The key of the request that makes repeating the job safe.
    pub(super) fn request(&self) -> Option<(Uuid, RequestId)> {
        match self {
            Self::Send(send) => Some((send.sender_id, send.request?)),
            Self::Save(save) => Some((save.owner_id, save.request?)),
            Self::CreateFolder(create) => Some((create.owner_id, create.request?)),
            Self::RenameFolder(rename) => Some((rename.owner_id, rename.request?)),
            Self::Cancel(_) | Self::Modify(_) | Self::Delete(_) | Self::DeleteFolder(_) => None,
        }
    }

    /// The copies of its owner's that the job looks at.
    pub(super) fn copies(&self) -> Vec<(Uuid, Uuid)> {
        let of = |owner: Uuid, ids: &[Uuid]| ids.iter().map(|&id| (owner, id)).collect();
        let named = |draft: &Draft| draft.in_reply_to.into_iter().chain(draft.forward_of);
        match self {
            Self::Send(send) => {
                let own = send.source.map(|source| source.message_id);
                let ids: Vec<Uuid> = named(&send.draft).chain(own).collect();
                of(send.sender_id, &ids)
            }
            Self::Save(save) => {
                let own = save.replaced.as_ref().map(|(id, _)| *id);
                let ids: Vec<Uuid> = named(&save.draft).chain(own).collect();
                of(save.owner_id, &ids)
            }
            Self::Cancel(cancel) => of(cancel.owner_id, &[cancel.message_id]),
            Self::Modify(modify) => of(modify.owner_id, &modify.message_ids),
            Self::Delete(delete) => of(delete.owner_id, &delete.message_ids),
            Self::CreateFolder(_) | Self::RenameFolder(_) | Self::DeleteFolder(_) => Vec::new(),
        }
    }

    /// The owner in whose mailbox the job puts on or takes off labels.
    pub(super) fn labels(&self) -> Option<Uuid> {
        let labels = |owner: Uuid, some: bool| some.then_some(owner);
        match self {
            Self::Send(send) => labels(send.sender_id, !send.draft.labels.is_empty()),
            Self::Save(save) => labels(save.owner_id, !save.draft.labels.is_empty()),
            Self::Modify(modify) => labels(modify.owner_id, !modify.add_labels.is_empty()),
            Self::Cancel(_)
            | Self::Delete(_)
            | Self::CreateFolder(_)
            | Self::RenameFolder(_)
            | Self::DeleteFolder(_) => None,
        }
    }

    /// How much the job weighs in a batch: rows it writes, and bytes of content.
    #[must_use]
    pub fn weight(&self) -> (usize, usize) {
        let bytes = |draft: &Draft| usize::try_from(draft.size_bytes()).unwrap_or(usize::MAX);
        match self {
            Self::Send(send) => (send.addressees.all().count() + 1, bytes(&send.draft) + 256),
            Self::Save(save) => (1, bytes(&save.draft) + 256),
            Self::Modify(modify) => (modify.message_ids.len(), modify.message_ids.len() * 64),
            Self::Delete(delete) => (delete.message_ids.len(), delete.message_ids.len() * 64),
            Self::DeleteFolder(_) => {
                let rows = usize::try_from(FOLDER_STEP).unwrap_or(usize::MAX);
                (rows, rows * 64)
            }
            Self::Cancel(_) | Self::CreateFolder(_) | Self::RenameFolder(_) => (1, 256),
        }
    }
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Sent, saved or taken back: the owner's copy.
    Message(Box<Copy>),
    /// Changed: the copies as they are now, in the order asked for.
    Modified(Vec<Copy>),
    /// Deleted.
    Deleted,
    /// Made or renamed: the folder as it is now.
    Folder(Folder),
    /// Some messages have gone to Trash; the folder has more.
    FolderShrunk,
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
    /// The message to pass on is not the sender's.
    OriginalNotFound(Uuid),
    /// These accounts have been deleted.
    RecipientsGone(Vec<Uuid>),
    /// These mailboxes have no room.
    MailboxesFull(Vec<Uuid>),
    /// These are no messages of the owner's.
    MessagesNotFound(Vec<Uuid>),
    /// There is no such folder.
    FolderNotFound(Uuid),
    /// The folder is a standard one, or messages do not come into, or leave, it this way.
    FolderProtected(Uuid),
    /// Another folder has this name.
    FolderNameTaken,
    /// There are as many folders as there may be.
    TooManyFolders,
    /// There would be more labels than there may be.
    TooManyLabels,
    /// The message has changed.
    EtagMismatch,
    /// What was to be sent has changed since it was read.
    SourceChanged,
    /// The message is not a draft.
    NotADraft,
    /// The message has been delivered, or was never sent from here.
    AlreadyDelivered,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Failure {
    /// The mailbox's rules say no.
    Refused(Refusal),
    /// Something else went wrong.
    Problem(Problem),
}
