//! `SQLite`: one connection writes, others read beside it (write-ahead log); a commit is on the disk when
//! it returns.

mod connections;
mod query;
mod sql;
#[cfg(test)]
mod tests;
mod transaction;

use std::{path::Path, time::Duration};

use anyhow::Context;
use async_trait::async_trait;
use rusqlite::Connection;
use sqlx::{
    ConnectOptions as _, Connection as _,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use tokio::runtime::Handle;
use turbomessage_service_kit::{
    clock::{Timestamp, first_id_after},
    files,
    telemetry::metrics,
};
use uuid::Uuid;

#[cfg(any(test, feature = "conformance"))]
pub(super) use self::sql::{BLOCKS, COPY_AT, OWN};
use self::{
    connections::Connections,
    query::{fetch, look_up, look_up_each, one},
    transaction::{SqliteTransaction, Synchronous},
};
use super::{
    Account, BlockRange, End, KeptAnswer, Key, MailStore, Queue, Retention, Segment, StoreError,
    Transaction, Unindexed, rows, statements,
};
use crate::{
    domain::{Began, Body, Change, Copy, Cursor, Filter, Folder, Label, Mailbox, ThreadPart},
    search::Block,
};

/// How long migrations wait for another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// To `SQLite`, as many as there are.
const ALL: i64 = -1;

/// Mailboxes in `SQLite`.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    writer: Connections,
    readers: Connections,
    #[cfg(any(test, feature = "conformance"))]
    pool: sqlx::SqlitePool,
}

impl SqliteStore {
    /// Opens the database in the file at `path`, made if it is not there, readable by its owner alone, and brings
    /// its schema up to date.
    ///
    /// # Errors
    /// The file cannot be used.
    pub async fn open(path: &Path) -> anyhow::Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT);
        let cannot_open = || format!("cannot open {}", path.display());
        // SQLite gives its other files the same permissions.
        files::make_private(path).with_context(cannot_open)?;
        let mut connection = options.connect().await?;
        let mut migrations = sqlx::migrate!("migrations/sqlite");
        // A version may start beside, or after, a newer one: migrations only add.
        migrations
            .set_ignore_missing(true)
            .run(&mut connection)
            .await?;
        let writer = Connections::writer(path).with_context(cannot_open)?;
        let readers = Connections::readers(path).with_context(cannot_open)?;
        // Not before: with the last connection the log would go.
        connection.close().await?;
        for (name, connections) in [("mail.writers", &writer), ("mail.readers", &readers)] {
            let (watched, most) = (connections.clone(), connections.most() as u64);
            metrics::watch_connections(name, most, move || {
                let used = watched.used() as u64;
                (used, most - used)
            });
        }
        Ok(Self {
            writer,
            readers,
            #[cfg(any(test, feature = "conformance"))]
            pool: sqlx::SqlitePool::connect_lazy_with(options.read_only(true)),
        })
    }

    /// Connections of their own, for tests that look behind the store.
    #[cfg(any(test, feature = "conformance"))]
    #[must_use]
    pub fn pool(&self) -> &sqlx::SqlitePool {
        &self.pool
    }

    /// What `step` reads.
    async fn read<T: Send + 'static>(
        &self,
        step: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.run(step).await
    }

    /// The texts that `statement` finds of `owner`'s messages.
    async fn texts(
        &self,
        statement: &'static str,
        owner: Uuid,
        message_ids: &[Uuid],
    ) -> Result<Vec<(Uuid, Body)>, StoreError> {
        let ids = message_ids.to_vec();
        self.read(move |connection| {
            let found = look_up(connection, statement, &ids, |id| (owner, *id))?;
            rows::all::<rows::BodyRow, _>(found)
        })
        .await
    }
}

#[async_trait]
impl MailStore for SqliteStore {
    fn home(&self) -> Handle {
        self.writer.home().unwrap_or_else(Handle::current)
    }

    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError> {
        let begun = SqliteTransaction::begin(&self.writer, Synchronous::Full);
        Ok(Box::new(begun.await?))
    }

    async fn begin_derived(&self) -> Result<Box<dyn Transaction>, StoreError> {
        let begun = SqliteTransaction::begin(&self.writer, Synchronous::Normal);
        Ok(Box::new(begun.await?))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        // Something of the file, so that a broken one shows.
        self.feed_position().await.map(drop)
    }

    async fn mailbox(&self, owner: Uuid) -> Result<Option<Mailbox>, StoreError> {
        self.read(move |connection| {
            let found = one::<_, rows::MailboxRow>(connection, statements::MAILBOX, [owner])?;
            Ok(found.map(Into::into))
        })
        .await
    }

    async fn folders(&self, owner: Uuid) -> Result<Vec<Folder>, StoreError> {
        self.read(move |connection| {
            rows::all::<rows::FolderRow, _>(fetch(connection, statements::FOLDERS, [owner])?)
        })
        .await
    }

    async fn copies(&self, owner: Uuid, message_ids: &[Uuid]) -> Result<Vec<Copy>, StoreError> {
        let ids = message_ids.to_vec();
        self.read(move |connection| {
            let found = look_up(connection, sql::COPY, &ids, |id| (owner, *id))?;
            rows::all::<rows::CopyRow, _>(found)
        })
        .await
    }

    async fn bodies(
        &self,
        owner: Uuid,
        message_ids: &[Uuid],
    ) -> Result<Vec<(Uuid, Body)>, StoreError> {
        self.texts(sql::BODY, owner, message_ids).await
    }

    async fn whole(&self, owner: Uuid, id: Uuid) -> Result<Option<(Copy, Body)>, StoreError> {
        // In one hop to the reader: it takes longer than the statements.
        self.read(move |connection| {
            let Some(copy) = one::<_, rows::CopyRow>(connection, sql::COPY, (owner, id))? else {
                return Ok(None);
            };
            let body = one::<_, rows::BodyRow>(connection, sql::BODY, (owner, id))?;
            let Some(body) = body else { return Ok(None) };
            let (_, body) = body.into();
            Ok(Some((copy.into(), body)))
        })
        .await
    }

    async fn openings(
        &self,
        owner: Uuid,
        message_ids: &[Uuid],
    ) -> Result<Vec<(Uuid, Body)>, StoreError> {
        self.texts(sql::OPENING, owner, message_ids).await
    }

    async fn labels(&self, owner: Uuid) -> Result<Vec<Label>, StoreError> {
        self.read(move |connection| {
            rows::all::<rows::LabelRow, _>(fetch(connection, statements::LABELS, [owner])?)
        })
        .await
    }

    async fn list(
        &self,
        filter: &Filter,
        cursor: Cursor,
        limit: i64,
    ) -> Result<Vec<Copy>, StoreError> {
        let filter = filter.clone();
        self.read(move |connection| {
            let statement = statements::list_of(&filter);
            let (owner, folder) = (filter.owner_id, filter.folder_id);
            let (time, id) = (cursor.time.as_micros(), cursor.id);
            let found = match filter.label {
                None => fetch(connection, statement, (owner, folder, time, id, limit)),
                Some(label) => {
                    let place = (owner, folder, label, time, id, limit);
                    fetch(connection, statement, place)
                }
            };
            rows::all::<rows::CopyRow, _>(found?)
        })
        .await
    }

    async fn threads(
        &self,
        owner: Uuid,
        folder_id: Uuid,
        cursor: Cursor,
        limit: i64,
    ) -> Result<Vec<Cursor>, StoreError> {
        let place = (owner, folder_id, cursor.time.as_micros(), cursor.id, limit);
        self.read(move |connection| {
            let found: Vec<(Uuid, i64)> = fetch(connection, statements::THREADS, place)?;
            Ok(found.into_iter().map(Cursor::from).collect())
        })
        .await
    }

    async fn moved_threads(
        &self,
        owner: Uuid,
        folder_id: Uuid,
        began: Began,
    ) -> Result<Vec<Cursor>, StoreError> {
        let (time, change) = (began.time.as_micros(), began.change);
        let then = (time, owner, folder_id, first_id_after(began.time), change);
        self.read(move |connection| {
            let found: Vec<(Uuid, i64)> = fetch(connection, statements::MOVED_THREADS, then)?;
            Ok(found.into_iter().map(Cursor::from).collect())
        })
        .await
    }

    async fn thread_parts(
        &self,
        owner: Uuid,
        thread_ids: &[Uuid],
    ) -> Result<Vec<ThreadPart>, StoreError> {
        let ids = thread_ids.to_vec();
        self.read(move |connection| {
            let found = look_up(connection, sql::THREAD, &ids, |id| (owner, *id))?;
            rows::all::<rows::ThreadRow, _>(found)
        })
        .await
    }

    async fn thread_ends(
        &self,
        owner: Uuid,
        thread_ids: &[Uuid],
        end: End,
        each: i64,
    ) -> Result<Vec<Copy>, StoreError> {
        let ids = thread_ids.to_vec();
        let statement = match end {
            End::Oldest => sql::THREAD_OLDEST,
            End::Newest => sql::THREAD_NEWEST,
        };
        self.read(move |connection| {
            let found = look_up(connection, statement, &ids, |id| (owner, *id, each))?;
            rows::all::<rows::CopyRow, _>(found)
        })
        .await
    }

    async fn thread_page(
        &self,
        owner: Uuid,
        thread_id: Uuid,
        cursor: Cursor,
        limit: i64,
    ) -> Result<Vec<Copy>, StoreError> {
        let place = (owner, thread_id, cursor.time.as_micros(), cursor.id, limit);
        self.read(move |connection| {
            rows::all::<rows::CopyRow, _>(fetch(connection, statements::THREAD_PAGE, place)?)
        })
        .await
    }

    async fn changes(
        &self,
        owner: Uuid,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Change>, StoreError> {
        self.read(move |connection| {
            let found = fetch(connection, statements::CHANGES, (owner, after, limit))?;
            rows::all::<rows::ChangeRow, _>(found)
        })
        .await
    }

    async fn last_changes(&self, owners: &[Uuid]) -> Result<Vec<(Uuid, i64)>, StoreError> {
        let owners = owners.to_vec();
        self.read(move |connection| {
            look_up(connection, sql::LAST_CHANGE, &owners, |owner| [*owner])
        })
        .await
    }

    async fn due(&self, queue: Queue, time: Timestamp, limit: i64) -> Result<Vec<Key>, StoreError> {
        let statement = match queue {
            Queue::Outbox => statements::DUE,
            Queue::Trash => statements::TRASHED,
        };
        self.read(move |connection| fetch(connection, statement, (time.as_micros(), limit)))
            .await
    }

    async fn long_histories(
        &self,
        (after, last): (Uuid, Uuid),
        kept: Retention,
    ) -> Result<Vec<Uuid>, StoreError> {
        let wanted = (after, last, kept.since.as_micros(), kept.changes);
        self.read(move |connection| {
            let found: Vec<(Uuid,)> = fetch(connection, statements::LONG_HISTORIES, wanted)?;
            Ok(found.into_iter().map(|(owner,)| owner).collect())
        })
        .await
    }

    async fn copies_at(&self, owner: Uuid, times: &[Timestamp]) -> Result<Vec<Copy>, StoreError> {
        let times = times.to_vec();
        self.read(move |connection| {
            let at = |time: &Timestamp| (owner, time.as_micros());
            rows::all::<rows::CopyRow, _>(look_up(connection, sql::COPY_AT, &times, at)?)
        })
        .await
    }

    async fn times(
        &self,
        owner: Uuid,
        (oldest, newest): (Timestamp, Timestamp),
    ) -> Result<Vec<Timestamp>, StoreError> {
        let stretch = (owner, oldest.as_micros(), newest.as_micros());
        self.read(move |connection| {
            let found: Vec<(i64,)> = fetch(connection, statements::TIMES, stretch)?;
            let times = found.into_iter();
            Ok(times.map(|(time,)| Timestamp::from_micros(time)).collect())
        })
        .await
    }

    async fn unindexed(
        &self,
        owner: Uuid,
        (after, until): (Timestamp, Timestamp),
    ) -> Result<Vec<Unindexed>, StoreError> {
        let stretch = (owner, after.as_micros(), until.as_micros());
        self.read(move |connection| {
            let found = fetch(connection, statements::UNINDEXED, stretch)?;
            rows::all::<rows::UnindexedRow, _>(found)
        })
        .await
    }

    async fn unindexed_sizes(
        &self,
        owner: Uuid,
        after: Timestamp,
        limit: i64,
    ) -> Result<Vec<(Timestamp, i64)>, StoreError> {
        let wanted = (owner, after.as_micros(), limit);
        self.read(move |connection| {
            let found: Vec<(i64, i64)> = fetch(connection, statements::UNINDEXED_SIZES, wanted)?;
            let size = |(time, bytes)| (Timestamp::from_micros(time), bytes);
            Ok(found.into_iter().map(size).collect())
        })
        .await
    }

    async fn backlogs(
        &self,
        (after, last): (Uuid, Uuid),
        messages: i64,
    ) -> Result<Vec<Uuid>, StoreError> {
        self.read(move |connection| {
            let wanted = (after, last, messages);
            let found: Vec<(Uuid,)> = fetch(connection, statements::BACKLOGS, wanted)?;
            Ok(found.into_iter().map(|(owner,)| owner).collect())
        })
        .await
    }

    async fn segments(&self, owner: Uuid) -> Result<Vec<Segment>, StoreError> {
        self.read(move |connection| {
            rows::all::<rows::SegmentRow, _>(fetch(connection, sql::SEGMENTS, [owner])?)
        })
        .await
    }

    async fn blocks(
        &self,
        owner: Uuid,
        ranges: &[BlockRange],
    ) -> Result<Vec<(Uuid, Block)>, StoreError> {
        let ranges = ranges.to_vec();
        self.read(move |connection| {
            let all = |r: &BlockRange| (owner, r.segment_id, r.end.clone(), r.start.clone(), ALL);
            let found = look_up(connection, sql::BLOCKS, &ranges, all)?;
            Ok(found.into_iter().map(rows::BlockRow::into_block).collect())
        })
        .await
    }

    async fn first_blocks(
        &self,
        owner: Uuid,
        ranges: &[BlockRange],
        most: i64,
    ) -> Result<Vec<(usize, Block)>, StoreError> {
        let ranges = ranges.to_vec();
        self.read(move |connection| {
            let first =
                |r: &BlockRange| (owner, r.segment_id, r.end.clone(), r.start.clone(), most);
            let found = look_up_each(connection, sql::BLOCKS, &ranges, first)?;
            let found = found.into_iter().enumerate();
            let numbered = found.flat_map(|(number, blocks): (_, Vec<rows::BlockRow>)| {
                let blocks = blocks.into_iter();
                blocks.map(move |row| (number, row.into_block().1))
            });
            Ok(numbered.collect())
        })
        .await
    }

    async fn blocks_after(
        &self,
        (owner, segment_id): Key,
        after: &[u8],
        limit: i64,
    ) -> Result<Vec<Block>, StoreError> {
        let place = (owner, segment_id, after.to_vec(), limit);
        self.read(move |connection| {
            let found: Vec<rows::BlockRow> = fetch(connection, statements::BLOCKS_AFTER, place)?;
            Ok(found.into_iter().map(|row| row.into_block().1).collect())
        })
        .await
    }

    async fn correspondents(&self, owner: Uuid) -> Result<Vec<Uuid>, StoreError> {
        self.read(move |connection| {
            let found: Vec<(Uuid,)> = fetch(connection, statements::CORRESPONDENTS, [owner])?;
            Ok(found.into_iter().map(|(account,)| account).collect())
        })
        .await
    }

    async fn unused_segments(&self, before: Timestamp, limit: i64) -> Result<Vec<Key>, StoreError> {
        self.read(move |connection| {
            let wanted = (before.as_micros(), limit);
            fetch(connection, statements::UNUSED_SEGMENTS, wanted)
        })
        .await
    }

    async fn kept_answer(&self, request: Key) -> Result<Option<KeptAnswer>, StoreError> {
        self.read(move |connection| {
            let row = one::<_, rows::AnswerRow>(connection, statements::ANSWER, request)?;
            row.map(TryInto::try_into).transpose()
        })
        .await
    }

    async fn accounts(&self, account_ids: &[Uuid]) -> Result<Vec<Account>, StoreError> {
        let ids = account_ids.to_vec();
        self.read(move |connection| {
            let found = look_up(connection, sql::ACCOUNT, &ids, |id| [*id])?;
            let account = |(account_id, username, display_name, deleted)| Account {
                account_id,
                username,
                display_name,
                deleted,
            };
            Ok(found.into_iter().map(account).collect())
        })
        .await
    }

    async fn feed_position(&self) -> Result<i64, StoreError> {
        self.read(move |connection| {
            let found: Option<(i64,)> = one(connection, statements::FEED_POSITION, [])?;
            let none = || StoreError::Refused(anyhow::anyhow!("the log's position is gone"));
            Ok(found.ok_or_else(none)?.0)
        })
        .await
    }

    async fn owners(&self, after: Uuid, limit: i64) -> Result<Vec<Uuid>, StoreError> {
        self.read(move |connection| {
            let found: Vec<(Uuid,)> = fetch(connection, statements::OWNERS, (after, limit))?;
            Ok(found.into_iter().map(|(owner,)| owner).collect())
        })
        .await
    }
}
