//! `SQLite`: one connection writes, others read beside it (write-ahead log); a commit is on the disk when
//! it returns.

mod sets;
mod sql;
mod transaction;
mod writer;

use std::{str::FromStr, time::Duration};

use anyhow::Context;
use async_trait::async_trait;
use serde_json::json;
use sqlx::{
    ConnectOptions as _, Connection as _, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use turbomessage_service_kit::{
    clock::Timestamp,
    files, pool,
    telemetry::{database::traced, metrics},
};
use uuid::Uuid;

#[cfg(any(test, feature = "conformance"))]
pub(super) use self::sql::{BLOCKS, COPIES_AT, OWN};
use self::{
    sets::{hex_of, ids, set},
    transaction::SqliteTransaction,
    writer::Writer,
};
use super::{
    Account, BlockRange, End, KeptAnswer, Key, MailStore, Queue, Retention, Segment, StoreError,
    Transaction, Unindexed, reads::shared_reads, rows, statements,
};
use crate::{
    domain::{Body, Change, Copy, Cursor, Filter, Folder, Label, Mailbox, ThreadPart},
    search::Block,
};

const READERS: u32 = 4;
const READ_TIMEOUT: Duration = Duration::from_secs(2);

/// Mailboxes in `SQLite`.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    writer: Writer,
    readers: SqlitePool,
}

impl SqliteStore {
    /// Opens the database at `url`, made if it is not there, readable by its owner alone, and brings
    /// its schema up to date.
    ///
    /// # Errors
    /// The URL is none, or the file cannot be used.
    pub async fn open(url: &str) -> anyhow::Result<Self> {
        let options = SqliteConnectOptions::from_str(url)
            .context("not a URL of SQLite")?
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5));
        // SQLite gives its other files the same permissions.
        let path = options.get_filename();
        files::make_private(path).with_context(|| format!("cannot open {}", path.display()))?;
        let mut connection = options.connect().await?;
        let mut migrations = sqlx::migrate!("migrations/sqlite");
        // A version may start beside, or after, a newer one: migrations only add.
        migrations
            .set_ignore_missing(true)
            .run(&mut connection)
            .await?;
        let writer = Writer::open(path)?;
        // Not before: with the last connection the log would go.
        connection.close().await?;
        let readers = pool::options()
            .max_connections(READERS)
            .acquire_timeout(READ_TIMEOUT)
            .connect_with(options.read_only(true))
            .await?;
        metrics::watch_pool("mail.readers", &readers);
        let watched = writer.clone();
        metrics::watch_connections("mail.writers", 1, move || {
            let used = u64::from(watched.is_used());
            (used, 1 - used)
        });
        Ok(Self { writer, readers })
    }

    /// The readers' pool, for tests that look behind the store.
    #[cfg(any(test, feature = "conformance"))]
    #[must_use]
    pub fn pool(&self) -> &SqlitePool {
        &self.readers
    }
}

fn wanted(ranges: &[BlockRange]) -> String {
    set(ranges, |range| {
        json!([
            hex_of(range.segment_id),
            hex::encode(&range.start),
            hex::encode(&range.end)
        ])
    })
}

/// What both engines read in the same words.
mod common {
    use super::{
        Block, Change, Copy, Cursor, Filter, Folder, KeptAnswer, Key, Label, Mailbox, Queue,
        Retention, Segment, SqlitePool, StoreError, Timestamp, Unindexed, Uuid, rows, shared_reads,
        statements, traced,
    };

    shared_reads!(SqlitePool);
}

#[async_trait]
impl MailStore for SqliteStore {
    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError> {
        Ok(Box::new(SqliteTransaction::begin(&self.writer).await?))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1")
            .execute(traced(&self.readers))
            .await?;
        Ok(())
    }

    async fn mailbox(&self, owner: Uuid) -> Result<Option<Mailbox>, StoreError> {
        common::mailbox(&self.readers, owner).await
    }

    async fn folders(&self, owner: Uuid) -> Result<Vec<Folder>, StoreError> {
        common::folders(&self.readers, owner).await
    }

    async fn copies(&self, owner: Uuid, message_ids: &[Uuid]) -> Result<Vec<Copy>, StoreError> {
        let found: Vec<rows::CopyRow> = sqlx::query_as(sql::COPIES)
            .bind(owner)
            .bind(ids(message_ids))
            .fetch_all(traced(&self.readers))
            .await?;
        rows::all(found)
    }

    async fn bodies(
        &self,
        owner: Uuid,
        message_ids: &[Uuid],
    ) -> Result<Vec<(Uuid, Body)>, StoreError> {
        let found: Vec<rows::BodyRow> = sqlx::query_as(sql::BODIES)
            .bind(owner)
            .bind(ids(message_ids))
            .fetch_all(traced(&self.readers))
            .await?;
        rows::all(found)
    }

    async fn openings(
        &self,
        owner: Uuid,
        message_ids: &[Uuid],
    ) -> Result<Vec<(Uuid, Body)>, StoreError> {
        let found: Vec<rows::BodyRow> = sqlx::query_as(sql::OPENINGS)
            .bind(owner)
            .bind(ids(message_ids))
            .fetch_all(traced(&self.readers))
            .await?;
        rows::all(found)
    }

    async fn labels(&self, owner: Uuid) -> Result<Vec<Label>, StoreError> {
        common::labels(&self.readers, owner).await
    }

    async fn list(
        &self,
        filter: &Filter,
        cursor: Cursor,
        limit: i64,
    ) -> Result<Vec<Copy>, StoreError> {
        common::list(&self.readers, filter, cursor, limit).await
    }

    async fn threads(
        &self,
        owner: Uuid,
        folder_id: Uuid,
        cursor: Cursor,
        limit: i64,
    ) -> Result<Vec<Cursor>, StoreError> {
        common::threads(&self.readers, owner, folder_id, cursor, limit).await
    }

    async fn thread_parts(
        &self,
        owner: Uuid,
        thread_ids: &[Uuid],
    ) -> Result<Vec<ThreadPart>, StoreError> {
        let found: Vec<rows::ThreadRow> = sqlx::query_as(sql::THREAD_PARTS)
            .bind(owner)
            .bind(ids(thread_ids))
            .fetch_all(traced(&self.readers))
            .await?;
        rows::all(found)
    }

    async fn thread_ends(
        &self,
        owner: Uuid,
        thread_ids: &[Uuid],
        end: End,
        each: i64,
    ) -> Result<Vec<Copy>, StoreError> {
        let statement = match end {
            End::Oldest => sql::THREAD_OLDEST,
            End::Newest => sql::THREAD_NEWEST,
        };
        let found: Vec<rows::CopyRow> = sqlx::query_as(statement)
            .bind(owner)
            .bind(ids(thread_ids))
            .bind(each)
            .fetch_all(traced(&self.readers))
            .await?;
        rows::all(found)
    }

    async fn thread_page(
        &self,
        owner: Uuid,
        thread_id: Uuid,
        cursor: Cursor,
        limit: i64,
    ) -> Result<Vec<Copy>, StoreError> {
        common::thread_page(&self.readers, owner, thread_id, cursor, limit).await
    }

    async fn changes(
        &self,
        owner: Uuid,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Change>, StoreError> {
        common::changes(&self.readers, owner, after, limit).await
    }

    async fn last_changes(&self, owners: &[Uuid]) -> Result<Vec<(Uuid, i64)>, StoreError> {
        let statement = sqlx::query_as(sql::LAST_CHANGES).bind(ids(owners));
        Ok(statement.fetch_all(traced(&self.readers)).await?)
    }

    async fn due(&self, queue: Queue, time: Timestamp, limit: i64) -> Result<Vec<Key>, StoreError> {
        common::due(&self.readers, queue, time, limit).await
    }

    async fn long_histories(
        &self,
        owners: (Uuid, Uuid),
        kept: Retention,
    ) -> Result<Vec<Uuid>, StoreError> {
        common::long_histories(&self.readers, owners, kept).await
    }

    async fn copies_at(&self, owner: Uuid, times: &[Timestamp]) -> Result<Vec<Copy>, StoreError> {
        let found: Vec<rows::CopyRow> = sqlx::query_as(sql::COPIES_AT)
            .bind(owner)
            .bind(set(times, |t| json!(t.as_micros())))
            .fetch_all(traced(&self.readers))
            .await?;
        rows::all(found)
    }

    async fn times(
        &self,
        owner: Uuid,
        stretch: (Timestamp, Timestamp),
    ) -> Result<Vec<Timestamp>, StoreError> {
        common::times(&self.readers, owner, stretch).await
    }

    async fn unindexed(
        &self,
        owner: Uuid,
        stretch: (Timestamp, Timestamp),
    ) -> Result<Vec<Unindexed>, StoreError> {
        common::unindexed(&self.readers, owner, stretch).await
    }

    async fn unindexed_sizes(
        &self,
        owner: Uuid,
        after: Timestamp,
        limit: i64,
    ) -> Result<Vec<(Timestamp, i64)>, StoreError> {
        common::unindexed_sizes(&self.readers, owner, after, limit).await
    }

    async fn backlogs(&self, owners: (Uuid, Uuid), messages: i64) -> Result<Vec<Uuid>, StoreError> {
        common::backlogs(&self.readers, owners, messages).await
    }

    async fn segments(&self, owner: Uuid) -> Result<Vec<Segment>, StoreError> {
        common::segments(&self.readers, owner).await
    }

    async fn blocks(
        &self,
        owner: Uuid,
        ranges: &[BlockRange],
    ) -> Result<Vec<(Uuid, Block)>, StoreError> {
        let found: Vec<rows::BlockRow> = sqlx::query_as(sql::BLOCKS)
            .bind(owner)
            .bind(wanted(ranges))
            .fetch_all(traced(&self.readers))
            .await?;
        Ok(found.into_iter().map(rows::BlockRow::into_block).collect())
    }

    async fn first_blocks(
        &self,
        owner: Uuid,
        ranges: &[BlockRange],
        most: i64,
    ) -> Result<Vec<(usize, Block)>, StoreError> {
        let found: Vec<rows::FirstBlockRow> = sqlx::query_as(sql::FIRST_BLOCKS)
            .bind(owner)
            .bind(wanted(ranges))
            .bind(most)
            .fetch_all(traced(&self.readers))
            .await?;
        rows::all(found)
    }

    async fn blocks_after(
        &self,
        segment: Key,
        after: &[u8],
        limit: i64,
    ) -> Result<Vec<Block>, StoreError> {
        common::blocks_after(&self.readers, segment, after, limit).await
    }

    async fn correspondents(&self, owner: Uuid) -> Result<Vec<Uuid>, StoreError> {
        common::correspondents(&self.readers, owner).await
    }

    async fn unused_segments(&self, before: Timestamp, limit: i64) -> Result<Vec<Key>, StoreError> {
        common::unused_segments(&self.readers, before, limit).await
    }

    async fn kept_answer(&self, request: Key) -> Result<Option<KeptAnswer>, StoreError> {
        common::kept_answer(&self.readers, request).await
    }

    async fn accounts(&self, account_ids: &[Uuid]) -> Result<Vec<Account>, StoreError> {
        Ok(sqlx::query_as(sql::ACCOUNTS)
            .bind(ids(account_ids))
            .fetch_all(traced(&self.readers))
            .await?)
    }

    async fn feed_position(&self) -> Result<i64, StoreError> {
        common::feed_position(&self.readers).await
    }

    async fn owners(&self, after: Uuid, limit: i64) -> Result<Vec<Uuid>, StoreError> {
        common::owners(&self.readers, after, limit).await
    }
}
