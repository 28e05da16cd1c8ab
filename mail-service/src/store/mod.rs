//! Where mailboxes are kept: SQLite or PostgreSQL behind the same two traits. The rules of the
//! mailbox are not here (see `commit`): a store only reads and writes rows.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod error;
mod postgres;
mod records;
mod rows;
mod sqlite;
mod statements;

use std::sync::Arc;

use async_trait::async_trait;
use tokio::runtime::Handle;
use turbomessage_service_kit::{
    clock::Timestamp,
    settings::{Secret, sqlite_path},
};
use uuid::Uuid;

pub use error::StoreError;
pub use postgres::PostgresStore;
pub use records::{
    Account, BlockRange, Changes, Content, Delivery, Kept, KeptAnswer, Labelled, Segment,
    SegmentState, Unindexed,
};
pub use sqlite::SqliteStore;

use crate::{
    domain::{Began, Body, Change, Copy, Cursor, Filter, Folder, Label, Mailbox, ThreadPart},
    search::Block,
};

/// A thing in somebody's mailbox: the owner's id and its own.
pub type Key = (Uuid, Uuid);

/// A store that many share.
pub type SharedStore = Arc<dyn MailStore>;

/// Messages for which something is due at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    /// To be delivered.
    Outbox,
    /// To be deleted.
    Trash,
}

/// How much of a mailbox's history is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Nothing older than this.
    pub since: Timestamp,
    /// And of that, at most as many of the last changes.
    pub changes: i64,
}

/// Which messages of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The first ones.
    Oldest,
    /// The last ones.
    Newest,
}

/// More changes than a mailbox can have lost with what came after a backup: numbers that were given out
/// then, and that clients may still show as an etag, do not come again.
const LOST_CHANGES: i64 = 1 << 40;

/// Reading, which never waits for writers, and beginning to write.
#[async_trait]
pub trait MailStore: std::fmt::Debug + Send + Sync + 'static {
    /// Where tasks are at home that do little but write: transactions take the least time there. They must not hold up
    /// that runtime with anything else.
    fn home(&self) -> Handle {
        Handle::current()
    }

    /// Begins a transaction. One that is dropped unfinished takes no effect.
    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError>;

    /// Begins a transaction of what can be made again from everything else, as the index of search can. Its commit does
    /// not wait for the disk: a power cut may undo it, and those like it that came after it, but nothing that a commit
    /// waited for, nor what that was built on.
    async fn begin_derived(&self) -> Result<Box<dyn Transaction>, StoreError>;

    /// Whether the store answers and takes writes.
    async fn ping(&self) -> Result<(), StoreError>;

    /// The mailbox of `owner`, if it was ever used.
    async fn mailbox(&self, owner: Uuid) -> Result<Option<Mailbox>, StoreError>;

    /// The folders of `owner`, in no order.
    async fn folders(&self, owner: Uuid) -> Result<Vec<Folder>, StoreError>;

    /// The labels of `owner`, by name.
    async fn labels(&self, owner: Uuid) -> Result<Vec<Label>, StoreError>;

    /// Those of `ids` that are copies of `owner`'s, in no order.
    async fn copies(&self, owner: Uuid, ids: &[Uuid]) -> Result<Vec<Copy>, StoreError>;

    /// The texts of those of `ids` that are copies of `owner`'s, with the copy's id.
    async fn bodies(&self, owner: Uuid, ids: &[Uuid]) -> Result<Vec<(Uuid, Body)>, StoreError>;

    /// A copy of `owner`'s, with its text.
    async fn whole(&self, owner: Uuid, id: Uuid) -> Result<Option<(Copy, Body)>, StoreError> {
        let Some(copy) = self.copies(owner, &[id]).await?.pop() else {
            return Ok(None);
        };
        let body = self.bodies(owner, &[id]).await?.pop();
        Ok(body.map(|(_, body)| (copy, body)))
    }

    /// The beginnings of their texts (16,384 characters; four times as many of HTML).
    async fn openings(&self, owner: Uuid, ids: &[Uuid]) -> Result<Vec<(Uuid, Body)>, StoreError>;

    /// Up to `limit` messages of a list after `cursor`, newest first.
    async fn list(
        &self,
        filter: &Filter,
        cursor: Cursor,
        limit: i64,
    ) -> Result<Vec<Copy>, StoreError>;

    /// Up to `limit` conversations with messages in a folder after `cursor`, those with the newest
    /// messages first: when the newest came, and their ids.
    async fn threads(
        &self,
        owner: Uuid,
        folder_id: Uuid,
        cursor: Cursor,
        limit: i64,
    ) -> Result<Vec<Cursor>, StoreError>;

    /// The conversations with messages in a folder, of which the mailbox had some when a walk `began`, and that have new ones
    /// since, in no order: when the newest had come by then, and their ids. Not those in which a message of then was
    /// written anew: where they stood is not known any more.
    async fn moved_threads(
        &self,
        owner: Uuid,
        folder_id: Uuid,
        began: Began,
    ) -> Result<Vec<Cursor>, StoreError>;

    /// All parts of those of `thread_ids` that are conversations of `owner`'s, in no order.
    async fn thread_parts(
        &self,
        owner: Uuid,
        thread_ids: &[Uuid],
    ) -> Result<Vec<ThreadPart>, StoreError>;

    /// Up to `each` messages of each of these conversations, in no order.
    async fn thread_ends(
        &self,
        owner: Uuid,
        thread_ids: &[Uuid],
        end: End,
        each: i64,
    ) -> Result<Vec<Copy>, StoreError>;

    /// Up to `limit` messages of a conversation after `cursor`, oldest first.
    async fn thread_page(
        &self,
        owner: Uuid,
        thread_id: Uuid,
        cursor: Cursor,
        limit: i64,
    ) -> Result<Vec<Copy>, StoreError>;

    /// Up to `limit` entries of the history after number `after`, in order.
    async fn changes(&self, owner: Uuid, after: i64, limit: i64)
    -> Result<Vec<Change>, StoreError>;

    /// The numbers of the last changes of those of `owners` who have a mailbox.
    async fn last_changes(&self, owners: &[Uuid]) -> Result<Vec<(Uuid, i64)>, StoreError>;

    /// Up to `limit` messages of anybody's for which something was due at `time`.
    async fn due(&self, queue: Queue, time: Timestamp, limit: i64) -> Result<Vec<Key>, StoreError>;

    /// Those of the owners after the first of `owners`, up to the second, who have more history
    /// than is `kept`.
    async fn long_histories(
        &self,
        owners: (Uuid, Uuid),
        kept: Retention,
    ) -> Result<Vec<Uuid>, StoreError>;

    /// Those of `owner`'s messages that came at these times, in no order.
    async fn copies_at(&self, owner: Uuid, times: &[Timestamp]) -> Result<Vec<Copy>, StoreError>;

    /// When those of `owner`'s messages came that came in this stretch (inclusive), in no order.
    async fn times(
        &self,
        owner: Uuid,
        stretch: (Timestamp, Timestamp),
    ) -> Result<Vec<Timestamp>, StoreError>;

    /// The messages that came after the first time, and at the second at the latest, oldest first,
    /// as they go into the index of search.
    async fn unindexed(
        &self,
        owner: Uuid,
        stretch: (Timestamp, Timestamp),
    ) -> Result<Vec<Unindexed>, StoreError>;

    /// Up to `limit` messages that came after `after`, oldest first: when, and their sizes in bytes.
    async fn unindexed_sizes(
        &self,
        owner: Uuid,
        after: Timestamp,
        limit: i64,
    ) -> Result<Vec<(Timestamp, i64)>, StoreError>;

    /// Those of the owners after the first of `owners`, up to the second, who have at least so many
    /// messages that are not indexed.
    async fn backlogs(&self, owners: (Uuid, Uuid), messages: i64) -> Result<Vec<Uuid>, StoreError>;

    /// The segments of an owner's index that are in use, in no order.
    async fn segments(&self, owner: Uuid) -> Result<Vec<Segment>, StoreError>;

    /// All blocks that may hold keys of `ranges`, each with its segment, in no order; one may come
    /// more than once.
    async fn blocks(
        &self,
        owner: Uuid,
        ranges: &[BlockRange],
    ) -> Result<Vec<(Uuid, Block)>, StoreError>;

    /// The first blocks that may hold keys of each of `ranges`, up to `most` of each, with the range's number, in
    /// no order.
    async fn first_blocks(
        &self,
        owner: Uuid,
        ranges: &[BlockRange],
        most: i64,
    ) -> Result<Vec<(usize, Block)>, StoreError>;

    /// Up to `limit` blocks of a segment after the one that begins with `after`, in order.
    async fn blocks_after(
        &self,
        segment: Key,
        after: &[u8],
        limit: i64,
    ) -> Result<Vec<Block>, StoreError>;

    /// The accounts named in an owner's indexed messages.
    async fn correspondents(&self, owner: Uuid) -> Result<Vec<Uuid>, StoreError>;

    /// Up to `limit` segments of anybody's that have not been in use since before `before`.
    async fn unused_segments(&self, before: Timestamp, limit: i64) -> Result<Vec<Key>, StoreError>;

    /// What was answered to `request`, a key of owner and request id.
    async fn kept_answer(&self, request: Key) -> Result<Option<KeptAnswer>, StoreError>;

    /// What is known of these accounts.
    async fn accounts(&self, ids: &[Uuid]) -> Result<Vec<Account>, StoreError>;

    /// How far the log of account events has been followed.
    async fn feed_position(&self) -> Result<i64, StoreError>;

    /// Up to `limit` owners of mailboxes after `after`, in the order of their ids.
    async fn owners(&self, after: Uuid, limit: i64) -> Result<Vec<Uuid>, StoreError>;
}

/// One transaction. Its statements take whole sets, so that many calls share each round trip.
#[async_trait]
pub trait Transaction: Send {
    /// Locks the mailboxes of `owners` in the order of their ids, until the end of the
    /// transaction, and reads them; those never used are left out.
    async fn lock_mailboxes(&mut self, owners: &[Uuid]) -> Result<Vec<Mailbox>, StoreError>;

    /// Makes those of `mailboxes` that are not there, each with its `folders`.
    async fn create_mailboxes(
        &mut self,
        mailboxes: &[Mailbox],
        folders: &[Folder],
    ) -> Result<(), StoreError>;

    /// What was answered to these requests (keys of owner and request id).
    async fn kept_answers(&mut self, requests: &[Key]) -> Result<Vec<KeptAnswer>, StoreError>;

    /// All folders of `owners`.
    async fn folders(&mut self, owners: &[Uuid]) -> Result<Vec<Folder>, StoreError>;

    /// All labels of `owners`.
    async fn labels(&mut self, owners: &[Uuid]) -> Result<Vec<Label>, StoreError>;

    /// All parts of the conversations that `keys` name.
    async fn thread_parts(&mut self, keys: &[Key]) -> Result<Vec<ThreadPart>, StoreError>;

    /// Up to `limit` copies in a folder.
    async fn copies_in(&mut self, folder: Key, limit: i64) -> Result<Vec<Copy>, StoreError>;

    /// The copies that `keys` name.
    async fn copies(&mut self, keys: &[Key]) -> Result<Vec<Copy>, StoreError>;

    /// The copies that an owner has of the message with an RFC 5322 `Message-ID`.
    async fn copies_by_internet_id(
        &mut self,
        keys: &[(Uuid, String)],
    ) -> Result<Vec<Copy>, StoreError>;

    /// Those of `keys` that name messages deleted not too long ago.
    async fn deleted(&mut self, keys: &[Key]) -> Result<Vec<Key>, StoreError>;

    /// Writes what a batch has changed.
    async fn write(&mut self, changes: &Arc<Changes>) -> Result<(), StoreError>;

    /// Up to `limit` copies of `owner`'s.
    async fn some_copies(&mut self, owner: Uuid, limit: i64) -> Result<Vec<Copy>, StoreError>;

    /// Removes everything of `owner`'s but the mailbox row and the copies.
    async fn purge(&mut self, owner: Uuid) -> Result<(), StoreError>;

    /// Up to `limit` contents that lost a copy, each with the entry of the queue that says so and
    /// the copies it was delivered to.
    async fn orphans(&mut self, limit: i64)
    -> Result<Vec<(Uuid, Uuid, Vec<Delivery>)>, StoreError>;

    /// Removes entries of that queue, and contents.
    async fn sweep(&mut self, entries: &[Uuid], contents: &[Uuid]) -> Result<(), StoreError>;

    /// Adds a segment without blocks to the index of a mailbox that is locked before the commit.
    async fn add_segment(
        &mut self,
        segment: &Segment,
        state: SegmentState,
        time: Timestamp,
    ) -> Result<(), StoreError>;

    /// Adds blocks to a segment of a mailbox that is locked before the commit.
    async fn add_blocks(&mut self, segment: Key, blocks: &[Block]) -> Result<(), StoreError>;

    /// Brings a segment from one state to another; answers whether it was in the first.
    async fn set_segment(
        &mut self,
        segment: Key,
        change: (SegmentState, SegmentState),
        time: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Removes a segment.
    async fn drop_segment(&mut self, segment: Key) -> Result<(), StoreError>;

    /// Notes accounts that are named in an owner's indexed messages.
    async fn add_correspondents(
        &mut self,
        owner: Uuid,
        accounts: &[Uuid],
    ) -> Result<(), StoreError>;

    /// Locks a mailbox and notes that its messages are indexed up to the second of these times; answers whether it is in
    /// use, and they were up to the first.
    async fn set_indexed(
        &mut self,
        owner: Uuid,
        times: (Timestamp, Timestamp),
    ) -> Result<bool, StoreError>;

    /// Removes up to `limit` of the oldest entries of a locked mailbox's history, as far as they are
    /// not `kept`.
    async fn forget_history(
        &mut self,
        mailbox: &Mailbox,
        kept: Retention,
        limit: i64,
    ) -> Result<(), StoreError>;

    /// Removes answers that were given before `before`: those of `owners`, or a few thousand of the oldest,
    /// whoever's they are.
    async fn forget_answers(
        &mut self,
        owners: &[Uuid],
        before: Timestamp,
    ) -> Result<(), StoreError>;

    /// Notes accounts as they are now, and how far the log of account events has been followed;
    /// neither ever goes back.
    async fn note_accounts(
        &mut self,
        accounts: &[Account],
        position: i64,
    ) -> Result<(), StoreError>;

    /// Notes that the database was restored from a backup. Unless this `mark` is known, all histories begin
    /// anew, in `epoch`, and so does what is to be learned of accounts. Answers whether they did.
    async fn begin_anew(
        &mut self,
        mark: &str,
        epoch: Uuid,
        time: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Makes it seen by everybody and, unless it is derived, durable.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;

    /// Undoes it. Failing that, the connection is closed, which undoes it too.
    async fn rollback(self: Box<Self>);
}

/// Opens the store that `url` names (`sqlite:` or `postgres://`) and brings its schema up to date.
///
/// # Errors
/// The URL is of neither kind, or the database cannot be opened.
pub async fn open(url: &Secret) -> anyhow::Result<SharedStore> {
    match sqlite_path(url)? {
        Some(path) => Ok(Arc::new(SqliteStore::open(&path).await?)),
        None => Ok(Arc::new(PostgresStore::open(url.expose()).await?)),
    }
}
