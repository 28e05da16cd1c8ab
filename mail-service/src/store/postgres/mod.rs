//! PostgreSQL: sets go in as arrays.

mod reads;
mod sets;
mod sql;
mod transaction;
mod writes;

use std::{str::FromStr, time::Duration};

use anyhow::Context;
use async_trait::async_trait;
use sqlx::{Connection as _, PgConnection, PgPool, postgres::PgConnectOptions};
use turbomessage_service_kit::{
    clock::{Timestamp, first_id_after},
    pool,
    telemetry::{database::traced, metrics},
};
use uuid::Uuid;

#[cfg(any(test, feature = "conformance"))]
pub(super) use self::sql::{BLOCKS, COPIES_AT, OWN};
use self::{
    sets::column,
    transaction::{BEGIN, BEGIN_DERIVED, PostgresTransaction},
};
use super::{
    Account, BlockRange, End, KeptAnswer, Key, MailStore, Queue, Retention, Segment, StoreError,
    Transaction, Unindexed, rows, statements,
};
use crate::{
    domain::{Began, Body, Change, Copy, Cursor, Filter, Folder, Label, Mailbox, ThreadPart},
    search::Block,
};

/// Writers have connections of their own, which no number of readers can take: one for each task
/// that commits (four at the most) and some for the work in the background.
const WRITERS: u32 = 6;
const READERS: u32 = 12;
/// Short enough that a caller still hears of it within the call's deadline.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

/// Mailboxes in PostgreSQL.
#[derive(Debug, Clone)]
pub struct PostgresStore {
    writers: PgPool,
    readers: PgPool,
}

impl PostgresStore {
    /// Opens the database at `url` and brings its schema up to date, one replica at a time.
    ///
    /// # Errors
    /// The URL is none, or the database does not answer.
    pub async fn open(url: &str) -> anyhow::Result<Self> {
        let options = PgConnectOptions::from_str(url)
            .context("not a URL of PostgreSQL")?
            .application_name("turbomessage-mail-service")
            // A statement ends before the caller's deadline; a lock that is not given up within
            // that is tried for again. To plan anew for the keys of each call takes longer than to read
            // what they name, and every statement has one plan that is right (a test explains them all).
            .options([
                ("statement_timeout", "8s"),
                ("lock_timeout", "4s"),
                ("idle_in_transaction_session_timeout", "15s"),
                ("plan_cache_mode", "force_generic_plan"),
            ]);
        migrate(&options).await?;
        let writers = connect(WRITERS, options.clone()).await?;
        let readers = connect(READERS, options).await?;
        metrics::watch_pool("mail.writers", &writers);
        metrics::watch_pool("mail.readers", &readers);
        Ok(Self { writers, readers })
    }

    /// The readers' pool, for tests that look behind the store.
    #[cfg(any(test, feature = "conformance"))]
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.readers
    }
}

async fn connect(connections: u32, options: PgConnectOptions) -> sqlx::Result<PgPool> {
    pool::options()
        .min_connections(1)
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_with(options)
        .await
}

/// Over a connection of its own: in a large database a change of the schema may take longer than any call.
async fn migrate(options: &PgConnectOptions) -> anyhow::Result<()> {
    // A packet that is lost on the way to a server that is not there yet must not cost two minutes.
    let connecting = PgConnection::connect_with(options);
    let mut connection = tokio::time::timeout(ACQUIRE_TIMEOUT, connecting).await??;
    sqlx::raw_sql("SET statement_timeout = 0; SET lock_timeout = 0")
        .execute(&mut connection)
        .await?;
    let mut migrations = sqlx::migrate!("migrations/postgres");
    // A version may start beside, or after, a newer one: migrations only add.
    migrations
        .set_ignore_missing(true)
        .run(&mut connection)
        .await?;
    connection.close().await?;
    Ok(())
}

#[async_trait]
impl MailStore for PostgresStore {
    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError> {
        let connection = self.writers.acquire().await?;
        let begun = PostgresTransaction::begin(connection, BEGIN).await?;
        Ok(Box::new(begun))
    }

    async fn begin_derived(&self) -> Result<Box<dyn Transaction>, StoreError> {
        let connection = self.writers.acquire().await?;
        let begun = PostgresTransaction::begin(connection, BEGIN_DERIVED).await?;
        Ok(Box::new(begun))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let read_only: bool =
            sqlx::query_scalar("SELECT current_setting('transaction_read_only') = 'on'")
                .fetch_one(traced(&self.readers))
                .await?;
        if read_only {
            return Err(StoreError::Unavailable(anyhow::anyhow!(
                "the database is read-only"
            )));
        }
        Ok(())
    }

    async fn mailbox(&self, owner: Uuid) -> Result<Option<Mailbox>, StoreError> {
        reads::mailbox(&self.readers, owner).await
    }

    async fn folders(&self, owner: Uuid) -> Result<Vec<Folder>, StoreError> {
        reads::folders(&self.readers, owner).await
    }

    async fn copies(&self, owner: Uuid, ids: &[Uuid]) -> Result<Vec<Copy>, StoreError> {
        let found: Vec<rows::CopyRow> = sqlx::query_as(sql::COPIES)
            .bind(owner)
            .bind(ids)
            .fetch_all(traced(&self.readers))
            .await?;
        rows::all(found)
    }

    async fn bodies(&self, owner: Uuid, ids: &[Uuid]) -> Result<Vec<(Uuid, Body)>, StoreError> {
        let found: Vec<rows::BodyRow> = sqlx::query_as(sql::BODIES)
            .bind(owner)
            .bind(ids)
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
            .bind(message_ids)
            .fetch_all(traced(&self.readers))
            .await?;
        rows::all(found)
    }

    async fn labels(&self, owner: Uuid) -> Result<Vec<Label>, StoreError> {
        reads::labels(&self.readers, owner).await
    }

    async fn list(
        &self,
        filter: &Filter,
        cursor: Cursor,
        limit: i64,
    ) -> Result<Vec<Copy>, StoreError> {
        reads::list(&self.readers, filter, cursor, limit).await
    }

    async fn threads(
        &self,
        owner: Uuid,
        folder_id: Uuid,
        cursor: Cursor,
        limit: i64,
    ) -> Result<Vec<Cursor>, StoreError> {
        reads::threads(&self.readers, owner, folder_id, cursor, limit).await
    }

    async fn moved_threads(
        &self,
        owner: Uuid,
        folder_id: Uuid,
        began: Began,
    ) -> Result<Vec<Cursor>, StoreError> {
        let found: Vec<(Uuid, i64)> = sqlx::query_as(statements::MOVED_THREADS)
            .bind(began.time.as_micros())
            .bind(owner)
            .bind(folder_id)
            .bind(first_id_after(began.time))
            .bind(began.change)
            .fetch_all(traced(&self.readers))
            .await?;
        Ok(found.into_iter().map(Cursor::from).collect())
    }

    async fn thread_parts(
        &self,
        owner: Uuid,
        thread_ids: &[Uuid],
    ) -> Result<Vec<ThreadPart>, StoreError> {
        let found: Vec<rows::ThreadRow> = sqlx::query_as(sql::THREAD_PARTS)
            .bind(owner)
            .bind(thread_ids)
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
            .bind(thread_ids)
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
        reads::thread_page(&self.readers, owner, thread_id, cursor, limit).await
    }

    async fn changes(
        &self,
        owner: Uuid,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Change>, StoreError> {
        reads::changes(&self.readers, owner, after, limit).await
    }

    async fn last_changes(&self, owners: &[Uuid]) -> Result<Vec<(Uuid, i64)>, StoreError> {
        let statement = sqlx::query_as(sql::LAST_CHANGES).bind(owners);
        Ok(statement.fetch_all(traced(&self.readers)).await?)
    }

    async fn due(&self, queue: Queue, time: Timestamp, limit: i64) -> Result<Vec<Key>, StoreError> {
        reads::due(&self.readers, queue, time, limit).await
    }

    async fn long_histories(
        &self,
        owners: (Uuid, Uuid),
        kept: Retention,
    ) -> Result<Vec<Uuid>, StoreError> {
        reads::long_histories(&self.readers, owners, kept).await
    }

    async fn copies_at(&self, owner: Uuid, times: &[Timestamp]) -> Result<Vec<Copy>, StoreError> {
        let found: Vec<rows::CopyRow> = sqlx::query_as(sql::COPIES_AT)
            .bind(owner)
            .bind(column(times, |t| t.as_micros()))
            .fetch_all(traced(&self.readers))
            .await?;
        rows::all(found)
    }

    async fn times(
        &self,
        owner: Uuid,
        stretch: (Timestamp, Timestamp),
    ) -> Result<Vec<Timestamp>, StoreError> {
        reads::times(&self.readers, owner, stretch).await
    }

    async fn unindexed(
        &self,
        owner: Uuid,
        stretch: (Timestamp, Timestamp),
    ) -> Result<Vec<Unindexed>, StoreError> {
        reads::unindexed(&self.readers, owner, stretch).await
    }

    async fn unindexed_sizes(
        &self,
        owner: Uuid,
        after: Timestamp,
        limit: i64,
    ) -> Result<Vec<(Timestamp, i64)>, StoreError> {
        reads::unindexed_sizes(&self.readers, owner, after, limit).await
    }

    async fn backlogs(&self, owners: (Uuid, Uuid), messages: i64) -> Result<Vec<Uuid>, StoreError> {
        reads::backlogs(&self.readers, owners, messages).await
    }

    async fn segments(&self, owner: Uuid) -> Result<Vec<Segment>, StoreError> {
        reads::segments(&self.readers, owner).await
    }

    async fn blocks(
        &self,
        owner: Uuid,
        ranges: &[BlockRange],
    ) -> Result<Vec<(Uuid, Block)>, StoreError> {
        let found: Vec<rows::BlockRow> = sqlx::query_as(sql::BLOCKS)
            .bind(owner)
            .bind(column(ranges, |range| range.segment_id))
            .bind(column(ranges, |range| range.start.as_slice()))
            .bind(column(ranges, |range| range.end.as_slice()))
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
            .bind(column(ranges, |range| range.segment_id))
            .bind(column(ranges, |range| range.start.as_slice()))
            .bind(column(ranges, |range| range.end.as_slice()))
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
        reads::blocks_after(&self.readers, segment, after, limit).await
    }

    async fn correspondents(&self, owner: Uuid) -> Result<Vec<Uuid>, StoreError> {
        reads::correspondents(&self.readers, owner).await
    }

    async fn unused_segments(&self, before: Timestamp, limit: i64) -> Result<Vec<Key>, StoreError> {
        reads::unused_segments(&self.readers, before, limit).await
    }

    async fn kept_answer(&self, request: Key) -> Result<Option<KeptAnswer>, StoreError> {
        reads::kept_answer(&self.readers, request).await
    }

    async fn accounts(&self, ids: &[Uuid]) -> Result<Vec<Account>, StoreError> {
        Ok(sqlx::query_as(sql::ACCOUNTS)
            .bind(ids)
            .fetch_all(traced(&self.readers))
            .await?)
    }

    async fn feed_position(&self) -> Result<i64, StoreError> {
        reads::feed_position(&self.readers).await
    }

    async fn owners(&self, after: Uuid, limit: i64) -> Result<Vec<Uuid>, StoreError> {
        reads::owners(&self.readers, after, limit).await
    }
}
