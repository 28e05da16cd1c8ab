//! `SQLite`: sets go in as JSON, because each statement costs a hop to the driver's thread. One
//! connection writes, others read beside it (write-ahead log); a commit is on the disk when it
//! returns.

use std::{str::FromStr, time::Duration};

use anyhow::Context;
use async_trait::async_trait;
use serde_json::{Value, json};
use sqlx::{
    Sqlite, SqliteConnection, SqlitePool,
    pool::PoolConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use turbomessage_service_kit::clock::{Timestamp, new_id};
use uuid::Uuid;

use super::{
    Account, Changes, Content, Delivery, KeptAnswer, Key, MailStore, StoreError, Tombstone,
    Transaction, rows,
    shared::{shared_reads, shared_writes},
    statements::{
        self, answer_columns, content_columns, copy_columns, folder_columns, mailbox_columns,
    },
};
use crate::domain::{Body, Copy, Cursor, Filter, Folder, Mailbox, PageSize};

const READERS: u32 = 4;
/// How long a writer waits for the one before it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(8);
const READ_TIMEOUT: Duration = Duration::from_secs(2);

macro_rules! id {
    ($n:literal) => {
        concat!("unhex(value ->> ", $n, ")")
    };
}
macro_rules! val {
    ($n:literal) => {
        concat!("value ->> ", $n)
    };
}
/// Keys in, rows of another table out: the set is the outer loop, each key one look-up.
macro_rules! by_key {
    ($columns:expr, $table:literal, $second:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM json_each($1) CROSS JOIN ",
            $table,
            " ON owner_id = unhex(value ->> 0) AND ",
            $second
        )
    };
}

const COPIES: &str = concat!(
    "SELECT ",
    copy_columns!(),
    " FROM copies WHERE owner_id = $1 AND message_id IN (SELECT unhex(value) FROM json_each($2))"
);
const BODIES: &str = "SELECT message_id, body_text, body_html FROM copies JOIN contents USING \
     (content_id) WHERE owner_id = $1 AND message_id IN (SELECT unhex(value) FROM json_each($2))";
const ACCOUNTS: &str = "SELECT account_id, username, display_name, deleted FROM accounts WHERE \
     account_id IN (SELECT unhex(value) FROM json_each($1))";
const LOCK_MAILBOXES: &str = concat!(
    "SELECT ",
    mailbox_columns!(),
    " FROM mailboxes WHERE owner_id IN (SELECT unhex(value) FROM json_each($1))"
);
const CREATE_MAILBOXES: &str = concat!(
    "INSERT INTO mailboxes (",
    mailbox_columns!(),
    ") SELECT ",
    id!(0),
    ", ",
    val!(1),
    ", ",
    id!(2),
    ", ",
    val!(3),
    ", ",
    val!(4),
    ", ",
    val!(5),
    ", ",
    val!(6),
    ", ",
    val!(7),
    ", ",
    val!(8),
    " FROM json_each($1) WHERE true ON CONFLICT (owner_id) DO NOTHING RETURNING owner_id"
);
const CREATE_FOLDERS: &str = concat!(
    "INSERT INTO folders (",
    folder_columns!(),
    ") SELECT ",
    id!(0),
    ", ",
    id!(1),
    ", ",
    val!(2),
    ", ",
    val!(3),
    ", ",
    val!(4),
    ", ",
    val!(5),
    ", ",
    val!(6),
    ", ",
    val!(7),
    " FROM json_each($1)"
);
const KEPT_ANSWERS: &str = by_key!(
    answer_columns!(),
    "answers",
    "request_id = unhex(value ->> 1)"
);
const FOLDERS_OF: &str = concat!(
    "SELECT ",
    folder_columns!(),
    " FROM folders WHERE owner_id IN (SELECT unhex(value) FROM json_each($1))"
);
const COPIES_BY_KEY: &str = by_key!(copy_columns!(), "copies", "message_id = unhex(value ->> 1)");
const COPIES_BY_INTERNET_ID: &str = by_key!(
    copy_columns!(),
    "copies",
    "internet_message_id = value ->> 1"
);
const DELETED: &str = by_key!(
    "owner_id, object_id",
    "tombstones",
    "object_id = unhex(value ->> 1)"
);
const INSERT_CONTENTS: &str = concat!(
    "INSERT INTO contents (",
    content_columns!(),
    ") SELECT ",
    id!(0),
    ", ",
    id!(1),
    ", ",
    val!(2),
    ", ",
    val!(3),
    ", ",
    val!(4),
    ", ",
    val!(5),
    ", ",
    id!(6),
    ", ",
    val!(7),
    ", ",
    val!(8),
    ", ",
    val!(9),
    ", ",
    id!(10),
    " FROM json_each($1)"
);
const INSERT_COPIES: &str = concat!(
    "INSERT INTO copies (",
    copy_columns!(),
    ") SELECT ",
    id!(0),
    ", ",
    id!(1),
    ", ",
    id!(2),
    ", ",
    id!(3),
    ", ",
    id!(4),
    ", ",
    val!(5),
    ", ",
    val!(6),
    ", ",
    val!(7),
    ", ",
    val!(8),
    ", ",
    val!(9),
    ", ",
    val!(10),
    ", ",
    val!(11),
    ", ",
    val!(12),
    ", ",
    val!(13),
    ", ",
    val!(14),
    ", ",
    val!(15),
    ", ",
    id!(16),
    ", ",
    id!(17),
    ", ",
    val!(18),
    ", ",
    val!(19),
    " FROM json_each($1)"
);
const UPDATE_COPIES: &str = concat!(
    "UPDATE copies SET folder_id = n2, change_number = n3, is_read = n4, is_starred = n5, \
     is_answered = n6, is_forwarded = n7 FROM (SELECT ",
    id!(0),
    " AS n0, ",
    id!(1),
    " AS n1, ",
    id!(2),
    " AS n2, ",
    val!(3),
    " AS n3, ",
    val!(4),
    " AS n4, ",
    val!(5),
    " AS n5, ",
    val!(6),
    " AS n6, ",
    val!(7),
    " AS n7 FROM json_each($1)) WHERE owner_id = n0 AND message_id = n1"
);
const DELETE_COPIES: &str = "DELETE FROM copies WHERE (owner_id, message_id) IN \
     (SELECT unhex(value ->> 0), unhex(value ->> 1) FROM json_each($1))";
const INSERT_TOMBSTONES: &str = "INSERT INTO tombstones (owner_id, object_id, change_number, kind, \
     delete_time) SELECT unhex(value ->> 0), unhex(value ->> 1), value ->> 2, 1, $2 FROM \
     json_each($1)";
const INSERT_ORPHANS: &str = "INSERT INTO orphans (orphan_id, content_id) SELECT \
     unhex(value ->> 0), unhex(value ->> 1) FROM json_each($1)";
const UPDATE_MAILBOXES: &str = concat!(
    "UPDATE mailboxes SET state = n1, last_change = n2, last_receive_time = n3, message_count = \
     n4, used_bytes = n5 FROM (SELECT ",
    id!(0),
    " AS n0, ",
    val!(1),
    " AS n1, ",
    val!(2),
    " AS n2, ",
    val!(3),
    " AS n3, ",
    val!(4),
    " AS n4, ",
    val!(5),
    " AS n5 FROM json_each($1)) WHERE owner_id = n0"
);
const UPDATE_FOLDERS: &str = concat!(
    "UPDATE folders SET total_count = n2, unread_count = n3, change_number = n4 FROM (SELECT ",
    id!(0),
    " AS n0, ",
    id!(1),
    " AS n1, ",
    val!(2),
    " AS n2, ",
    val!(3),
    " AS n3, ",
    val!(4),
    " AS n4 FROM json_each($1)) WHERE owner_id = n0 AND folder_id = n1"
);
const INSERT_ANSWERS: &str = "INSERT INTO answers (owner_id, request_id, fingerprint, answer, \
     create_time) SELECT unhex(value ->> 0), unhex(value ->> 1), unhex(value ->> 2), \
     unhex(value ->> 3), $2 FROM json_each($1)";
const DELETE_ORPHANS: &str =
    "DELETE FROM orphans WHERE orphan_id IN (SELECT unhex(value) FROM json_each($1))";
const DELETE_CONTENTS: &str =
    "DELETE FROM contents WHERE content_id IN (SELECT unhex(value) FROM json_each($1))";
const FORGET_ANSWERS: &str = "DELETE FROM answers WHERE owner_id IN (SELECT unhex(value) FROM \
     json_each($1)) AND create_time < $2";
const NOTE_ACCOUNTS: &str = "INSERT INTO accounts (account_id, username, display_name, deleted, \
     position) SELECT unhex(value ->> 0), value ->> 1, value ->> 2, value ->> 3, $2 FROM \
     json_each($1) WHERE true ON CONFLICT (account_id) DO UPDATE SET username = \
     excluded.username, display_name = excluded.display_name, deleted = excluded.deleted, position \
     = excluded.position WHERE accounts.position < excluded.position AND NOT accounts.deleted";

/// Every statement above, for the test that prepares them.
#[cfg(any(test, feature = "conformance"))]
pub(super) const OWN: &[&str] = &[
    COPIES,
    BODIES,
    ACCOUNTS,
    LOCK_MAILBOXES,
    CREATE_MAILBOXES,
    CREATE_FOLDERS,
    KEPT_ANSWERS,
    FOLDERS_OF,
    COPIES_BY_KEY,
    COPIES_BY_INTERNET_ID,
    DELETED,
    INSERT_CONTENTS,
    INSERT_COPIES,
    UPDATE_COPIES,
    DELETE_COPIES,
    INSERT_TOMBSTONES,
    INSERT_ORPHANS,
    UPDATE_MAILBOXES,
    UPDATE_FOLDERS,
    INSERT_ANSWERS,
    DELETE_ORPHANS,
    DELETE_CONTENTS,
    FORGET_ANSWERS,
    NOTE_ACCOUNTS,
];

/// Mailboxes in `SQLite`.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteStore {
    /// Opens (or makes) the database at `url` and brings its schema up to date.
    ///
    /// # Errors
    /// The URL is none, or the file cannot be used.
    pub async fn open(url: &str) -> anyhow::Result<Self> {
        let options = SqliteConnectOptions::from_str(url)
            .context("not a URL of SQLite")?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // NORMAL may lose the last commits at a power cut.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5));
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(WRITE_TIMEOUT)
            .connect_with(options.clone())
            .await?;
        let mut migrations = sqlx::migrate!("migrations/sqlite");
        // A version may start beside, or after, a newer one: migrations only add.
        migrations.set_ignore_missing(true).run(&writer).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(READ_TIMEOUT)
            .connect_with(options.read_only(true))
            .await?;
        Ok(Self { writer, readers })
    }

    /// The readers' pool, for tests that look behind the store.
    #[cfg(any(test, feature = "conformance"))]
    #[must_use]
    pub fn pool(&self) -> &SqlitePool {
        &self.readers
    }
}

mod common {
    use super::{
        Copy, Cursor, Delivery, Filter, Folder, KeptAnswer, Key, Mailbox, PageSize,
        SqliteConnection, SqlitePool, StoreError, Uuid, rows, shared_reads, shared_writes,
        statements,
    };

    shared_reads!(SqlitePool);
    shared_writes!(SqliteConnection);
}

fn hex_of(id: Uuid) -> String {
    id.simple().to_string()
}

/// A set as JSON: one element a row.
fn set<T>(rows: &[T], row: impl FnMut(&T) -> Value) -> String {
    Value::Array(rows.iter().map(row).collect()).to_string()
}

fn ids(ids: &[Uuid]) -> String {
    set(ids, |id| json!(hex_of(*id)))
}

fn keys(keys: &[Key]) -> String {
    set(keys, |(owner, id)| json!([hex_of(*owner), hex_of(*id)]))
}

#[async_trait]
impl MailStore for SqliteStore {
    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError> {
        // Owned by the transaction from the start: whoever gives up while it begins must not leave
        // a connection behind that is inside of one.
        let mut transaction = SqliteTransaction {
            connection: Some(self.writer.acquire().await?),
        };
        // Deferred, the step from reading to writing would ignore the busy timeout.
        sqlx::raw_sql("BEGIN IMMEDIATE")
            .execute(transaction.connection()?)
            .await?;
        Ok(Box::new(transaction))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.readers).await?;
        Ok(())
    }

    async fn mailbox(&self, owner: Uuid) -> Result<Option<Mailbox>, StoreError> {
        common::mailbox(&self.readers, owner).await
    }

    async fn folders(&self, owner: Uuid) -> Result<Vec<Folder>, StoreError> {
        common::folders(&self.readers, owner).await
    }

    async fn copies(&self, owner: Uuid, message_ids: &[Uuid]) -> Result<Vec<Copy>, StoreError> {
        let found: Vec<rows::CopyRow> = sqlx::query_as(COPIES)
            .bind(owner)
            .bind(ids(message_ids))
            .fetch_all(&self.readers)
            .await?;
        rows::all(found)
    }

    async fn bodies(
        &self,
        owner: Uuid,
        message_ids: &[Uuid],
    ) -> Result<Vec<(Uuid, Body)>, StoreError> {
        let found: Vec<rows::BodyRow> = sqlx::query_as(BODIES)
            .bind(owner)
            .bind(ids(message_ids))
            .fetch_all(&self.readers)
            .await?;
        rows::all(found)
    }

    async fn list(
        &self,
        filter: &Filter,
        cursor: Cursor,
        size: PageSize,
    ) -> Result<Vec<Copy>, StoreError> {
        common::list(&self.readers, filter, cursor, size).await
    }

    async fn kept_answer(&self, request: Key) -> Result<Option<KeptAnswer>, StoreError> {
        common::kept_answer(&self.readers, request).await
    }

    async fn accounts(&self, account_ids: &[Uuid]) -> Result<Vec<Account>, StoreError> {
        Ok(sqlx::query_as(ACCOUNTS)
            .bind(ids(account_ids))
            .fetch_all(&self.readers)
            .await?)
    }

    async fn feed_position(&self) -> Result<i64, StoreError> {
        common::feed_position(&self.readers).await
    }

    async fn owners(&self, after: Uuid, limit: i64) -> Result<Vec<Uuid>, StoreError> {
        common::owners(&self.readers, after, limit).await
    }
}

struct SqliteTransaction {
    connection: Option<PoolConnection<Sqlite>>,
}

impl SqliteTransaction {
    fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        let connection = self.connection.as_mut();
        Ok(connection.ok_or_else(|| StoreError::Refused(anyhow::anyhow!("already ended")))?)
    }

    /// Runs a statement over a set, unless the set is empty.
    async fn over(&mut self, statement: &'static str, set: String) -> Result<(), StoreError> {
        if set != "[]" {
            sqlx::query(statement)
                .bind(set)
                .execute(self.connection()?)
                .await?;
        }
        Ok(())
    }

    /// The same with a time beside the set.
    async fn over_at(
        &mut self,
        statement: &'static str,
        set: String,
        time: i64,
    ) -> Result<(), StoreError> {
        if set != "[]" {
            sqlx::query(statement)
                .bind(set)
                .bind(time)
                .execute(self.connection()?)
                .await?;
        }
        Ok(())
    }
}

impl Drop for SqliteTransaction {
    /// A connection whose transaction was not ended is closed, never handed to somebody else.
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(connection.detach());
        }
    }
}

#[async_trait]
impl Transaction for SqliteTransaction {
    /// The one writer has everything locked already.
    async fn lock_mailboxes(&mut self, owners: &[Uuid]) -> Result<Vec<Mailbox>, StoreError> {
        let found: Vec<rows::MailboxRow> = sqlx::query_as(LOCK_MAILBOXES)
            .bind(ids(owners))
            .fetch_all(self.connection()?)
            .await?;
        rows::all(found)
    }

    async fn create_mailboxes(
        &mut self,
        mailboxes: &[Mailbox],
        folders: &[Folder],
    ) -> Result<(), StoreError> {
        let made: Vec<Uuid> = sqlx::query_scalar(CREATE_MAILBOXES)
            .bind(set(mailboxes, mailbox_row))
            .fetch_all(self.connection()?)
            .await?;
        let folders: Vec<&Folder> = folders
            .iter()
            .filter(|f| made.contains(&f.owner_id))
            .collect();
        self.over(CREATE_FOLDERS, set(&folders, |f| folder_row(f)))
            .await
    }

    async fn kept_answers(&mut self, requests: &[Key]) -> Result<Vec<KeptAnswer>, StoreError> {
        let found: Vec<rows::AnswerRow> = sqlx::query_as(KEPT_ANSWERS)
            .bind(keys(requests))
            .fetch_all(self.connection()?)
            .await?;
        rows::all(found)
    }

    async fn folders(&mut self, owners: &[Uuid]) -> Result<Vec<Folder>, StoreError> {
        let found: Vec<rows::FolderRow> = sqlx::query_as(FOLDERS_OF)
            .bind(ids(owners))
            .fetch_all(self.connection()?)
            .await?;
        rows::all(found)
    }

    async fn copies(&mut self, wanted: &[Key]) -> Result<Vec<Copy>, StoreError> {
        let found: Vec<rows::CopyRow> = sqlx::query_as(COPIES_BY_KEY)
            .bind(keys(wanted))
            .fetch_all(self.connection()?)
            .await?;
        rows::all(found)
    }

    async fn copies_by_internet_id(
        &mut self,
        wanted: &[(Uuid, String)],
    ) -> Result<Vec<Copy>, StoreError> {
        let found: Vec<rows::CopyRow> = sqlx::query_as(COPIES_BY_INTERNET_ID)
            .bind(set(wanted, |(owner, id)| json!([hex_of(*owner), id])))
            .fetch_all(self.connection()?)
            .await?;
        rows::all(found)
    }

    async fn deleted(&mut self, wanted: &[Key]) -> Result<Vec<Key>, StoreError> {
        let statement = sqlx::query_as(DELETED).bind(keys(wanted));
        Ok(statement.fetch_all(self.connection()?).await?)
    }

    async fn write(&mut self, changes: &Changes) -> Result<(), StoreError> {
        let deleted: Vec<Key> = changes.deleted_copies.iter().map(|t| t.key).collect();
        let time = changes.time;
        let orphan = |t: &Tombstone| {
            json!([
                hex_of(new_id(Timestamp::from_micros(time))),
                hex_of(t.content_id)
            ])
        };
        self.over(INSERT_CONTENTS, set(&changes.contents, content_row))
            .await?;
        self.over(INSERT_COPIES, set(&changes.new_copies, copy_row))
            .await?;
        self.over(UPDATE_COPIES, set(&changes.changed_copies, changed_row))
            .await?;
        self.over(DELETE_COPIES, keys(&deleted)).await?;
        self.over_at(
            INSERT_TOMBSTONES,
            set(&changes.deleted_copies, tombstone_row),
            time,
        )
        .await?;
        self.over(INSERT_ORPHANS, set(&changes.deleted_copies, orphan))
            .await?;
        self.over(UPDATE_MAILBOXES, set(&changes.mailboxes, mailbox_counts))
            .await?;
        self.over(UPDATE_FOLDERS, set(&changes.folders, folder_counts))
            .await?;
        self.over_at(INSERT_ANSWERS, set(&changes.answers, answer_row), time)
            .await
    }

    async fn some_copies(&mut self, owner: Uuid, limit: i64) -> Result<Vec<Copy>, StoreError> {
        common::some_copies(self.connection()?, owner, limit).await
    }

    async fn purge(&mut self, owner: Uuid) -> Result<(), StoreError> {
        common::purge(self.connection()?, owner).await
    }

    async fn orphans(
        &mut self,
        limit: i64,
    ) -> Result<Vec<(Uuid, Uuid, Vec<Delivery>)>, StoreError> {
        common::orphans(self.connection()?, limit).await
    }

    async fn sweep(&mut self, entries: &[Uuid], contents: &[Uuid]) -> Result<(), StoreError> {
        self.over(DELETE_CONTENTS, ids(contents)).await?;
        self.over(DELETE_ORPHANS, ids(entries)).await
    }

    async fn forget_answers(
        &mut self,
        owners: &[Uuid],
        before: Timestamp,
    ) -> Result<(), StoreError> {
        self.over_at(FORGET_ANSWERS, ids(owners), before.as_micros())
            .await
    }

    async fn note_accounts(
        &mut self,
        accounts: &[Account],
        position: i64,
    ) -> Result<(), StoreError> {
        let rows = set(accounts, |a| {
            json!([
                hex_of(a.account_id),
                a.username,
                a.display_name,
                i64::from(a.deleted)
            ])
        });
        self.over_at(NOTE_ACCOUNTS, rows, position).await?;
        common::note_position(self.connection()?, position).await
    }

    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        sqlx::raw_sql("COMMIT").execute(self.connection()?).await?;
        // Only now is the connection fit for somebody else.
        drop(self.connection.take());
        Ok(())
    }

    async fn rollback(mut self: Box<Self>) {
        let Ok(connection) = self.connection() else {
            return;
        };
        if sqlx::raw_sql("ROLLBACK").execute(connection).await.is_ok() {
            drop(self.connection.take());
        }
    }
}

fn mailbox_row(m: &Mailbox) -> Value {
    json!([
        hex_of(m.owner_id),
        m.state as i16,
        hex_of(m.epoch),
        m.last_change,
        m.last_receive_time,
        m.message_count,
        m.used_bytes,
        m.quota_messages,
        m.quota_bytes
    ])
}

fn mailbox_counts(m: &Mailbox) -> Value {
    json!([
        hex_of(m.owner_id),
        m.state as i16,
        m.last_change,
        m.last_receive_time,
        m.message_count,
        m.used_bytes
    ])
}

fn folder_row(f: &Folder) -> Value {
    json!([
        hex_of(f.owner_id),
        hex_of(f.folder_id),
        f.role.map_or(0, |role| role as i16),
        f.name,
        f.total_count,
        f.unread_count,
        f.change,
        f.create_change
    ])
}

fn folder_counts(f: &Folder) -> Value {
    json!([
        hex_of(f.owner_id),
        hex_of(f.folder_id),
        f.total_count,
        f.unread_count,
        f.change
    ])
}

fn content_row(c: &Content) -> Value {
    json!([
        hex_of(c.content_id),
        hex_of(c.sender_id),
        c.send_time.as_micros(),
        c.subject,
        c.body.text,
        c.body.html,
        hex::encode(rows::pack(&c.participants)),
        c.internet_message_id,
        c.in_reply_to,
        c.size_bytes,
        hex::encode(rows::pack_deliveries(&c.deliveries))
    ])
}

fn copy_row(c: &Copy) -> Value {
    json!([
        hex_of(c.owner_id),
        hex_of(c.message_id),
        hex_of(c.content_id),
        hex_of(c.thread_id),
        hex_of(c.folder_id),
        c.kind as i16,
        c.change,
        c.create_change,
        c.receive_time.as_micros(),
        c.send_time.as_micros(),
        i16::from(c.read),
        i16::from(c.starred),
        i16::from(c.answered),
        i16::from(c.forwarded),
        c.subject,
        c.snippet,
        hex::encode(rows::pack(&c.participants)),
        c.in_reply_to.map(hex_of),
        c.internet_message_id,
        c.size_bytes
    ])
}

fn changed_row(c: &Copy) -> Value {
    json!([
        hex_of(c.owner_id),
        hex_of(c.message_id),
        hex_of(c.folder_id),
        c.change,
        i16::from(c.read),
        i16::from(c.starred),
        i16::from(c.answered),
        i16::from(c.forwarded)
    ])
}

fn tombstone_row(t: &Tombstone) -> Value {
    json!([hex_of(t.key.0), hex_of(t.key.1), t.change])
}

fn answer_row(a: &KeptAnswer) -> Value {
    json!([
        hex_of(a.request.0),
        hex_of(a.request.1),
        hex::encode(a.fingerprint.0),
        hex::encode(rows::pack(&a.answer))
    ])
}
