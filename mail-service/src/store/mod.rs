//! Where mailboxes are kept: SQLite or PostgreSQL behind the same two traits. The rules of the
//! mailbox are not here (see `commit`): a store only reads and writes rows.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod error;
mod postgres;
mod rows;
mod shared;
mod sqlite;
mod statements;

use std::sync::Arc;

use async_trait::async_trait;
use turbomessage_service_kit::{clock::Timestamp, settings::Secret};
use uuid::Uuid;

pub use error::StoreError;
pub use postgres::PostgresStore;
pub use rows::{Account, Changes, Content, Delivery, KeptAnswer, Tombstone};
pub use sqlite::SqliteStore;

use crate::domain::{Body, Copy, Cursor, Filter, Folder, Mailbox, PageSize};

/// A thing in somebody's mailbox: the owner's id and its own.
pub type Key = (Uuid, Uuid);

/// A store that many share.
pub type SharedStore = Arc<dyn MailStore>;

/// Reading, which never waits for writers, and beginning to write.
#[async_trait]
pub trait MailStore: std::fmt::Debug + Send + Sync + 'static {
    /// Begins a transaction. One that is dropped unfinished takes no effect.
    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError>;

    /// Whether the store answers and takes writes.
    async fn ping(&self) -> Result<(), StoreError>;

    /// The mailbox of `owner`, if it was ever used.
    async fn mailbox(&self, owner: Uuid) -> Result<Option<Mailbox>, StoreError>;

    /// The folders of `owner`: by role, then by name.
    async fn folders(&self, owner: Uuid) -> Result<Vec<Folder>, StoreError>;

    /// Those of `ids` that are copies of `owner`'s, in no order.
    async fn copies(&self, owner: Uuid, ids: &[Uuid]) -> Result<Vec<Copy>, StoreError>;

    /// The texts of those of `ids` that are copies of `owner`'s, with the copy's id.
    async fn bodies(&self, owner: Uuid, ids: &[Uuid]) -> Result<Vec<(Uuid, Body)>, StoreError>;

    /// A page of a list, newest first, that begins after `cursor`; one entry more than `size` tells
    /// that another page follows.
    async fn list(
        &self,
        filter: &Filter,
        cursor: Cursor,
        size: PageSize,
    ) -> Result<Vec<Copy>, StoreError>;

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
    async fn write(&mut self, changes: &Changes) -> Result<(), StoreError>;

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

    /// Removes the answers that `owners` were given before `before`.
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

    /// Makes it durable.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;

    /// Undoes it. Failing that, the connection is closed, which undoes it too.
    async fn rollback(self: Box<Self>);
}

/// Opens the store that `url` names (`sqlite:` or `postgres://`) and brings its schema up to date.
///
/// # Errors
/// The URL is of neither kind, or the database cannot be opened.
pub async fn open(url: &Secret) -> anyhow::Result<SharedStore> {
    let url = url.expose();
    if url.starts_with("sqlite:") {
        Ok(Arc::new(SqliteStore::open(url).await?))
    } else {
        Ok(Arc::new(PostgresStore::open(url).await?))
    }
}
