//! What a store takes and gives beside the mailbox's own terms: contents, answers that are kept, what a
//! batch writes, and the parts of the index of search.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use turbomessage_service_kit::clock::Timestamp;
use uuid::Uuid;

use super::Key;
use crate::domain::{
    Body, Change, Copy, Fingerprint, Folder, Label, Mailbox, Participants, ThreadPart,
};

/// What is known here of an account.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Account {
    /// Its id.
    pub account_id: Uuid,
    /// Its name; empty once deleted.
    pub username: String,
    /// Its display name; empty once deleted.
    pub display_name: String,
    /// Whether it has been deleted.
    pub deleted: bool,
}

/// One copy that a content was delivered to: its owner's id and its own.
pub type Delivery = Key;

/// The immutable part of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Its id.
    pub content_id: Uuid,
    /// Who sent it.
    pub sender_id: Uuid,
    /// When it was sent.
    pub send_time: Timestamp,
    /// The subject.
    pub subject: String,
    /// The text.
    pub body: Body,
    /// Everybody named in it.
    pub participants: Participants,
    /// The `Message-ID` of RFC 5322.
    pub internet_message_id: String,
    /// The `Message-ID` of what it answers, or empty.
    pub in_reply_to: String,
    /// Its size in bytes.
    pub size_bytes: i64,
    /// The copies it was delivered to.
    pub deliveries: Vec<Delivery>,
}

/// What was answered to a request, kept so that the same answer can be given again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// Owner and request id.
    pub request: Key,
    /// What was asked for.
    pub fingerprint: Fingerprint,
    /// What was answered.
    pub answer: Kept,
}

/// An answer, with the object as it was then. The order is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kept {
    /// A message.
    Message(Box<Copy>),
    /// A folder.
    Folder(Folder),
}

/// That a message has a label, with its place in lists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Labelled {
    /// Whose message.
    pub owner_id: Uuid,
    /// The label.
    pub name: String,
    /// The folder the message is in.
    pub folder_id: Uuid,
    /// When the message came.
    pub receive_time: Timestamp,
    /// Which message.
    pub message_id: Uuid,
}

/// What a batch writes. Rows are as they are to be afterwards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// The time of the batch, in microseconds since the Unix epoch.
    pub time: i64,
    /// Mailboxes that changed.
    pub mailboxes: Vec<Mailbox>,
    /// Folders that are new.
    pub new_folders: Vec<Folder>,
    /// Folders whose name or counts changed.
    pub folders: Vec<Folder>,
    /// Folders to delete.
    pub deleted_folders: Vec<Key>,
    /// New contents.
    pub contents: Vec<Content>,
    /// New copies.
    pub new_copies: Vec<Copy>,
    /// Copies whose folder, flags or labels changed.
    pub changed_copies: Vec<Copy>,
    /// Copies that have become others under the same id.
    pub replaced_copies: Vec<Copy>,
    /// Copies to delete.
    pub deleted_copies: Vec<Key>,
    /// Contents that have lost a copy.
    pub orphans: Vec<Uuid>,
    /// Labels whose counts changed; those without messages are to go.
    pub labels: Vec<Label>,
    /// Messages that have got a label, or have it at another place.
    pub labelled: Vec<Labelled>,
    /// Messages that no longer have a label, or not at this place.
    pub unlabelled: Vec<Labelled>,
    /// Parts of conversations that changed; those without messages are to go.
    pub threads: Vec<ThreadPart>,
    /// Conversations (owner and id) that lost a message: when the newest came is to be found anew.
    pub shortened_threads: Vec<Key>,
    /// New entries of the history.
    pub history: Vec<Change>,
    /// Answers to keep.
    pub answers: Vec<KeptAnswer>,
}

/// A message as it goes into the index of search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unindexed {
    /// When it came.
    pub receive_time: Timestamp,
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub body: Body,
    /// Who is named in it, as far as its owner may see.
    pub participants: Participants,
}

/// A part of a mailbox's index of search: everything about some messages that came one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Whose mailbox.
    pub owner_id: Uuid,
    /// Its id.
    pub segment_id: Uuid,
    /// The rules by which text became words.
    pub tokenizer: i16,
    /// How many messages it was made of.
    pub message_count: i64,
    /// When the first of them came.
    pub oldest_time: Timestamp,
    /// When the last of them came.
    pub newest_time: Timestamp,
}

/// What a segment is there for. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i16)]
pub enum SegmentState {
    /// It is being written.
    Building = 1,
    /// It is searched.
    Used = 2,
    /// Another one has taken its place; who has begun to search it may go on for a while.
    Replaced = 3,
}

/// A stretch of a segment's blocks, and the block that may reach into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockRange {
    /// Which segment.
    pub segment_id: Uuid,
    /// The first key, inclusive.
    pub start: Vec<u8>,
    /// The last key, exclusive.
    pub end: Vec<u8>,
}
