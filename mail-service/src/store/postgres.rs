//! PostgreSQL: sets go in as arrays.

use std::{str::FromStr, time::Duration};

use anyhow::Context;
use async_trait::async_trait;
use sqlx::{
    PgConnection, PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
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

/// Writers have connections of their own, which no number of readers can take: one for each task
/// that commits (four at the most) and some for the work in the background.
const WRITERS: u32 = 6;
const READERS: u32 = 12;
/// Short enough that a caller still hears of it within the call's deadline.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);

const COPIES: &str = concat!(
    "SELECT ",
    copy_columns!(),
    " FROM copies WHERE owner_id = $1 AND message_id = ANY($2)"
);
const BODIES: &str = "SELECT message_id, body_text, body_html FROM copies JOIN contents USING \
     (content_id) WHERE owner_id = $1 AND message_id = ANY($2)";
const ACCOUNTS: &str =
    "SELECT account_id, username, display_name, deleted FROM accounts WHERE account_id = ANY($1)";
const LOCK_MAILBOXES: &str = concat!(
    "SELECT ",
    mailbox_columns!(),
    " FROM mailboxes WHERE owner_id = ANY($1) ORDER BY owner_id FOR UPDATE"
);
const CREATE_MAILBOXES: &str = concat!(
    "INSERT INTO mailboxes (",
    mailbox_columns!(),
    ") SELECT * FROM UNNEST($1::uuid[], $2::smallint[], $3::uuid[], $4::bigint[], $5::bigint[], \
     $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[]) AS new ORDER BY 1 \
     ON CONFLICT (owner_id) DO NOTHING RETURNING owner_id"
);
const CREATE_FOLDERS: &str = concat!(
    "INSERT INTO folders (",
    folder_columns!(),
    ") SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::smallint[], $4::text[], $5::bigint[], \
     $6::bigint[], $7::bigint[], $8::bigint[])"
);
const KEPT_ANSWERS: &str = concat!(
    "SELECT ",
    answer_columns!(),
    " FROM UNNEST($1::uuid[], $2::uuid[]) AS k (k_owner, k_id) JOIN answers ON owner_id = k_owner \
     AND request_id = k_id"
);
const FOLDERS_OF: &str = concat!(
    "SELECT ",
    folder_columns!(),
    " FROM folders WHERE owner_id = ANY($1)"
);
const COPIES_BY_KEY: &str = concat!(
    "SELECT ",
    copy_columns!(),
    " FROM UNNEST($1::uuid[], $2::uuid[]) AS k (k_owner, k_id) JOIN copies ON owner_id = k_owner \
     AND message_id = k_id"
);
const COPIES_BY_INTERNET_ID: &str = concat!(
    "SELECT ",
    copy_columns!(),
    " FROM UNNEST($1::uuid[], $2::text[]) AS k (k_owner, k_id) JOIN copies ON owner_id = k_owner \
     AND internet_message_id = k_id"
);
const DELETED: &str = "SELECT owner_id, object_id FROM UNNEST($1::uuid[], $2::uuid[]) AS \
     k (k_owner, k_id) JOIN tombstones ON owner_id = k_owner AND object_id = k_id";
const INSERT_CONTENTS: &str = concat!(
    "INSERT INTO contents (",
    content_columns!(),
    ") SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], \
     $6::text[], $7::bytea[], $8::text[], $9::text[], $10::bigint[], $11::bytea[])"
);
const INSERT_COPIES: &str = concat!(
    "INSERT INTO copies (",
    copy_columns!(),
    ") SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], \
     $6::smallint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::boolean[], \
     $12::boolean[], $13::boolean[], $14::boolean[], $15::text[], $16::text[], $17::bytea[], \
     $18::uuid[], $19::text[], $20::bigint[])"
);
const UPDATE_COPIES: &str = "UPDATE copies SET folder_id = new.folder_id, change_number = \
     new.change_number, is_read = new.is_read, is_starred = new.is_starred, is_answered = \
     new.is_answered, is_forwarded = new.is_forwarded FROM UNNEST($1::uuid[], $2::uuid[], \
     $3::uuid[], $4::bigint[], $5::boolean[], $6::boolean[], $7::boolean[], $8::boolean[]) AS new \
     (owner_id, message_id, folder_id, change_number, is_read, is_starred, is_answered, \
     is_forwarded) WHERE copies.owner_id = new.owner_id AND copies.message_id = new.message_id";
const DELETE_COPIES: &str = "DELETE FROM copies USING UNNEST($1::uuid[], $2::uuid[]) AS \
     k (k_owner, k_id) WHERE owner_id = k_owner AND message_id = k_id";
const INSERT_TOMBSTONES: &str = "INSERT INTO tombstones (owner_id, change_number, kind, object_id, \
     delete_time) SELECT t.owner_id, t.change_number, 1, t.object_id, $4 FROM UNNEST($1::uuid[], \
     $2::bigint[], $3::uuid[]) AS t (owner_id, change_number, object_id)";
const INSERT_ORPHANS: &str = "INSERT INTO orphans (orphan_id, content_id) SELECT * FROM \
     UNNEST($1::uuid[], $2::uuid[])";
const UPDATE_MAILBOXES: &str = "UPDATE mailboxes SET state = new.state, last_change = \
     new.last_change, last_receive_time = new.last_receive_time, message_count = \
     new.message_count, used_bytes = new.used_bytes FROM UNNEST($1::uuid[], $2::smallint[], \
     $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[]) AS new (owner_id, state, last_change, \
     last_receive_time, message_count, used_bytes) WHERE mailboxes.owner_id = new.owner_id";
const UPDATE_FOLDERS: &str = "UPDATE folders SET total_count = new.total_count, unread_count = \
     new.unread_count, change_number = new.change_number FROM UNNEST($1::uuid[], $2::uuid[], \
     $3::bigint[], $4::bigint[], $5::bigint[]) AS new (owner_id, folder_id, total_count, \
     unread_count, change_number) WHERE folders.owner_id = new.owner_id AND folders.folder_id = \
     new.folder_id";
const INSERT_ANSWERS: &str = "INSERT INTO answers (owner_id, request_id, fingerprint, answer, \
     create_time) SELECT a.owner_id, a.request_id, a.fingerprint, a.answer, $5 FROM \
     UNNEST($1::uuid[], $2::uuid[], $3::bytea[], $4::bytea[]) AS a (owner_id, request_id, \
     fingerprint, answer)";
const DELETE_ORPHANS: &str = "DELETE FROM orphans WHERE orphan_id = ANY($1)";
const DELETE_CONTENTS: &str = "DELETE FROM contents WHERE content_id = ANY($1)";
const FORGET_ANSWERS: &str = "DELETE FROM answers WHERE owner_id = ANY($1) AND create_time < $2";
const NOTE_ACCOUNTS: &str = "INSERT INTO accounts (account_id, username, display_name, deleted, \
     position) SELECT a.account_id, a.username, a.display_name, a.deleted, $5 FROM \
     UNNEST($1::uuid[], $2::text[], $3::text[], $4::boolean[]) AS a (account_id, username, \
     display_name, deleted) ORDER BY 1 ON CONFLICT (account_id) DO UPDATE SET username = \
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
            // that is tried for again.
            .options([
                ("statement_timeout", "8s"),
                ("lock_timeout", "4s"),
                ("idle_in_transaction_session_timeout", "15s"),
            ]);
        let writers = pool(WRITERS, options.clone()).await?;
        let mut migrations = sqlx::migrate!("migrations/postgres");
        // A version may start beside, or after, a newer one: migrations only add.
        migrations.set_ignore_missing(true).run(&writers).await?;
        let readers = pool(READERS, options).await?;
        Ok(Self { writers, readers })
    }

    /// The readers' pool, for tests that look behind the store.
    #[cfg(any(test, feature = "conformance"))]
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.readers
    }
}

async fn pool(connections: u32, options: PgConnectOptions) -> sqlx::Result<PgPool> {
    PgPoolOptions::new()
        .min_connections(1)
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_with(options)
        .await
}

mod common {
    use super::{
        Copy, Cursor, Delivery, Filter, Folder, KeptAnswer, Key, Mailbox, PageSize, PgConnection,
        PgPool, StoreError, Uuid, rows, shared_reads, shared_writes, statements,
    };

    shared_reads!(PgPool);
    shared_writes!(PgConnection);
}

#[async_trait]
impl MailStore for PostgresStore {
    async fn begin(&self) -> Result<Box<dyn Transaction>, StoreError> {
        // Owned by the transaction from the start: whoever gives up while it begins must not leave
        // a connection behind that is inside of one.
        let mut transaction = PostgresTransaction {
            connection: Some(self.writers.acquire().await?),
        };
        sqlx::raw_sql("BEGIN")
            .execute(transaction.connection()?)
            .await?;
        Ok(Box::new(transaction))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let read_only: bool =
            sqlx::query_scalar("SELECT current_setting('transaction_read_only') = 'on'")
                .fetch_one(&self.readers)
                .await?;
        if read_only {
            return Err(StoreError::Unavailable(anyhow::anyhow!(
                "the database is read-only"
            )));
        }
        Ok(())
    }

    async fn mailbox(&self, owner: Uuid) -> Result<Option<Mailbox>, StoreError> {
        common::mailbox(&self.readers, owner).await
    }

    async fn folders(&self, owner: Uuid) -> Result<Vec<Folder>, StoreError> {
        common::folders(&self.readers, owner).await
    }

    async fn copies(&self, owner: Uuid, ids: &[Uuid]) -> Result<Vec<Copy>, StoreError> {
        let found: Vec<rows::CopyRow> = sqlx::query_as(COPIES)
            .bind(owner)
            .bind(ids)
            .fetch_all(&self.readers)
            .await?;
        rows::all(found)
    }

    async fn bodies(&self, owner: Uuid, ids: &[Uuid]) -> Result<Vec<(Uuid, Body)>, StoreError> {
        let found: Vec<rows::BodyRow> = sqlx::query_as(BODIES)
            .bind(owner)
            .bind(ids)
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

    async fn accounts(&self, ids: &[Uuid]) -> Result<Vec<Account>, StoreError> {
        Ok(sqlx::query_as(ACCOUNTS)
            .bind(ids)
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

struct PostgresTransaction {
    connection: Option<PoolConnection<Postgres>>,
}

impl PostgresTransaction {
    fn connection(&mut self) -> Result<&mut PgConnection, StoreError> {
        let connection = self.connection.as_mut();
        Ok(connection.ok_or_else(|| StoreError::Refused(anyhow::anyhow!("already ended")))?)
    }
}

impl Drop for PostgresTransaction {
    /// A connection whose transaction was not ended is closed, never handed to somebody else.
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(connection.detach());
        }
    }
}

/// One column of a set, as the array it goes in as.
fn column<'a, T, C>(rows: &'a [T], get: impl FnMut(&'a T) -> C) -> Vec<C> {
    rows.iter().map(get).collect()
}

fn split(keys: &[Key]) -> (Vec<Uuid>, Vec<Uuid>) {
    keys.iter().copied().unzip()
}

#[async_trait]
impl Transaction for PostgresTransaction {
    async fn lock_mailboxes(&mut self, owners: &[Uuid]) -> Result<Vec<Mailbox>, StoreError> {
        let found: Vec<rows::MailboxRow> = sqlx::query_as(LOCK_MAILBOXES)
            .bind(owners)
            .fetch_all(self.connection()?)
            .await?;
        rows::all(found)
    }

    async fn create_mailboxes(
        &mut self,
        mailboxes: &[Mailbox],
        folders: &[Folder],
    ) -> Result<(), StoreError> {
        let connection = self.connection()?;
        let made: Vec<Uuid> = sqlx::query_scalar(CREATE_MAILBOXES)
            .bind(column(mailboxes, |m| m.owner_id))
            .bind(column(mailboxes, |m| m.state as i16))
            .bind(column(mailboxes, |m| m.epoch))
            .bind(column(mailboxes, |m| m.last_change))
            .bind(column(mailboxes, |m| m.last_receive_time))
            .bind(column(mailboxes, |m| m.message_count))
            .bind(column(mailboxes, |m| m.used_bytes))
            .bind(column(mailboxes, |m| m.quota_messages))
            .bind(column(mailboxes, |m| m.quota_bytes))
            .fetch_all(&mut *connection)
            .await?;
        let folders: Vec<&Folder> = folders
            .iter()
            .filter(|f| made.contains(&f.owner_id))
            .collect();
        sqlx::query(CREATE_FOLDERS)
            .bind(column(&folders, |f| f.owner_id))
            .bind(column(&folders, |f| f.folder_id))
            .bind(column(&folders, |f| f.role.map_or(0, |role| role as i16)))
            .bind(column(&folders, |f| f.name.as_str()))
            .bind(column(&folders, |f| f.total_count))
            .bind(column(&folders, |f| f.unread_count))
            .bind(column(&folders, |f| f.change))
            .bind(column(&folders, |f| f.create_change))
            .execute(connection)
            .await?;
        Ok(())
    }

    async fn kept_answers(&mut self, requests: &[Key]) -> Result<Vec<KeptAnswer>, StoreError> {
        let (owners, ids) = split(requests);
        let found: Vec<rows::AnswerRow> = sqlx::query_as(KEPT_ANSWERS)
            .bind(owners)
            .bind(ids)
            .fetch_all(self.connection()?)
            .await?;
        rows::all(found)
    }

    async fn folders(&mut self, owners: &[Uuid]) -> Result<Vec<Folder>, StoreError> {
        let found: Vec<rows::FolderRow> = sqlx::query_as(FOLDERS_OF)
            .bind(owners)
            .fetch_all(self.connection()?)
            .await?;
        rows::all(found)
    }

    async fn copies(&mut self, keys: &[Key]) -> Result<Vec<Copy>, StoreError> {
        let (owners, ids) = split(keys);
        let found: Vec<rows::CopyRow> = sqlx::query_as(COPIES_BY_KEY)
            .bind(owners)
            .bind(ids)
            .fetch_all(self.connection()?)
            .await?;
        rows::all(found)
    }

    async fn copies_by_internet_id(
        &mut self,
        keys: &[(Uuid, String)],
    ) -> Result<Vec<Copy>, StoreError> {
        let found: Vec<rows::CopyRow> = sqlx::query_as(COPIES_BY_INTERNET_ID)
            .bind(column(keys, |k| k.0))
            .bind(column(keys, |k| k.1.as_str()))
            .fetch_all(self.connection()?)
            .await?;
        rows::all(found)
    }

    async fn deleted(&mut self, keys: &[Key]) -> Result<Vec<Key>, StoreError> {
        let (owners, ids) = split(keys);
        let statement = sqlx::query_as(DELETED).bind(owners).bind(ids);
        Ok(statement.fetch_all(self.connection()?).await?)
    }

    async fn write(&mut self, changes: &Changes) -> Result<(), StoreError> {
        let connection = self.connection()?;
        insert_contents(connection, &changes.contents).await?;
        insert_copies(connection, &changes.new_copies).await?;
        update_copies(connection, &changes.changed_copies).await?;
        delete_copies(connection, &changes.deleted_copies, changes.time).await?;
        update_counts(connection, &changes.mailboxes, &changes.folders).await?;
        insert_answers(connection, &changes.answers, changes.time).await
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
        let connection = self.connection()?;
        sqlx::query(DELETE_CONTENTS)
            .bind(contents)
            .execute(&mut *connection)
            .await?;
        sqlx::query(DELETE_ORPHANS)
            .bind(entries)
            .execute(connection)
            .await?;
        Ok(())
    }

    async fn forget_answers(
        &mut self,
        owners: &[Uuid],
        before: Timestamp,
    ) -> Result<(), StoreError> {
        let statement = sqlx::query(FORGET_ANSWERS)
            .bind(owners)
            .bind(before.as_micros());
        statement.execute(self.connection()?).await?;
        Ok(())
    }

    async fn note_accounts(
        &mut self,
        accounts: &[Account],
        position: i64,
    ) -> Result<(), StoreError> {
        let connection = self.connection()?;
        sqlx::query(NOTE_ACCOUNTS)
            .bind(column(accounts, |a| a.account_id))
            .bind(column(accounts, |a| a.username.as_str()))
            .bind(column(accounts, |a| a.display_name.as_str()))
            .bind(column(accounts, |a| a.deleted))
            .bind(position)
            .execute(&mut *connection)
            .await?;
        common::note_position(connection, position).await
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

async fn insert_contents(
    connection: &mut PgConnection,
    contents: &[Content],
) -> Result<(), StoreError> {
    if contents.is_empty() {
        return Ok(());
    }
    sqlx::query(INSERT_CONTENTS)
        .bind(column(contents, |c| c.content_id))
        .bind(column(contents, |c| c.sender_id))
        .bind(column(contents, |c| c.send_time.as_micros()))
        .bind(column(contents, |c| c.subject.as_str()))
        .bind(column(contents, |c| c.body.text.as_str()))
        .bind(column(contents, |c| c.body.html.as_str()))
        .bind(column(contents, |c| rows::pack(&c.participants)))
        .bind(column(contents, |c| c.internet_message_id.as_str()))
        .bind(column(contents, |c| c.in_reply_to.as_str()))
        .bind(column(contents, |c| c.size_bytes))
        .bind(column(contents, |c| rows::pack_deliveries(&c.deliveries)))
        .execute(connection)
        .await?;
    Ok(())
}

async fn insert_copies(connection: &mut PgConnection, copies: &[Copy]) -> Result<(), StoreError> {
    if copies.is_empty() {
        return Ok(());
    }
    sqlx::query(INSERT_COPIES)
        .bind(column(copies, |c| c.owner_id))
        .bind(column(copies, |c| c.message_id))
        .bind(column(copies, |c| c.content_id))
        .bind(column(copies, |c| c.thread_id))
        .bind(column(copies, |c| c.folder_id))
        .bind(column(copies, |c| c.kind as i16))
        .bind(column(copies, |c| c.change))
        .bind(column(copies, |c| c.create_change))
        .bind(column(copies, |c| c.receive_time.as_micros()))
        .bind(column(copies, |c| c.send_time.as_micros()))
        .bind(column(copies, |c| c.read))
        .bind(column(copies, |c| c.starred))
        .bind(column(copies, |c| c.answered))
        .bind(column(copies, |c| c.forwarded))
        .bind(column(copies, |c| c.subject.as_str()))
        .bind(column(copies, |c| c.snippet.as_str()))
        .bind(column(copies, |c| rows::pack(&c.participants)))
        .bind(column(copies, |c| c.in_reply_to))
        .bind(column(copies, |c| c.internet_message_id.as_str()))
        .bind(column(copies, |c| c.size_bytes))
        .execute(connection)
        .await?;
    Ok(())
}

async fn update_copies(connection: &mut PgConnection, copies: &[Copy]) -> Result<(), StoreError> {
    if copies.is_empty() {
        return Ok(());
    }
    sqlx::query(UPDATE_COPIES)
        .bind(column(copies, |c| c.owner_id))
        .bind(column(copies, |c| c.message_id))
        .bind(column(copies, |c| c.folder_id))
        .bind(column(copies, |c| c.change))
        .bind(column(copies, |c| c.read))
        .bind(column(copies, |c| c.starred))
        .bind(column(copies, |c| c.answered))
        .bind(column(copies, |c| c.forwarded))
        .execute(connection)
        .await?;
    Ok(())
}

async fn delete_copies(
    connection: &mut PgConnection,
    deleted: &[Tombstone],
    time: i64,
) -> Result<(), StoreError> {
    if deleted.is_empty() {
        return Ok(());
    }
    let owners = column(deleted, |t| t.key.0);
    let ids = column(deleted, |t| t.key.1);
    sqlx::query(DELETE_COPIES)
        .bind(&owners)
        .bind(&ids)
        .execute(&mut *connection)
        .await?;
    sqlx::query(INSERT_TOMBSTONES)
        .bind(&owners)
        .bind(column(deleted, |t| t.change))
        .bind(&ids)
        .bind(time)
        .execute(&mut *connection)
        .await?;
    sqlx::query(INSERT_ORPHANS)
        .bind(column(deleted, |_| new_id(Timestamp::from_micros(time))))
        .bind(column(deleted, |t| t.content_id))
        .execute(connection)
        .await?;
    Ok(())
}

async fn update_counts(
    connection: &mut PgConnection,
    mailboxes: &[Mailbox],
    folders: &[Folder],
) -> Result<(), StoreError> {
    if !mailboxes.is_empty() {
        sqlx::query(UPDATE_MAILBOXES)
            .bind(column(mailboxes, |m| m.owner_id))
            .bind(column(mailboxes, |m| m.state as i16))
            .bind(column(mailboxes, |m| m.last_change))
            .bind(column(mailboxes, |m| m.last_receive_time))
            .bind(column(mailboxes, |m| m.message_count))
            .bind(column(mailboxes, |m| m.used_bytes))
            .execute(&mut *connection)
            .await?;
    }
    if !folders.is_empty() {
        sqlx::query(UPDATE_FOLDERS)
            .bind(column(folders, |f| f.owner_id))
            .bind(column(folders, |f| f.folder_id))
            .bind(column(folders, |f| f.total_count))
            .bind(column(folders, |f| f.unread_count))
            .bind(column(folders, |f| f.change))
            .execute(connection)
            .await?;
    }
    Ok(())
}

async fn insert_answers(
    connection: &mut PgConnection,
    answers: &[KeptAnswer],
    time: i64,
) -> Result<(), StoreError> {
    if answers.is_empty() {
        return Ok(());
    }
    sqlx::query(INSERT_ANSWERS)
        .bind(column(answers, |a| a.request.0))
        .bind(column(answers, |a| a.request.1))
        .bind(column(answers, |a| a.fingerprint.0.as_slice()))
        .bind(column(answers, |a| rows::pack(&a.answer)))
        .bind(time)
        .execute(connection)
        .await?;
    Ok(())
}
