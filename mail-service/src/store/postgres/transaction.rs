//! Writing.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::{PgConnection, Postgres, pool::PoolConnection};
use turbomessage_service_kit::{clock::Timestamp, telemetry::database::traced};
use uuid::Uuid;

use super::{
    sets::{
        column, insert_answers, insert_changes, insert_contents, insert_copies, insert_folders,
        insert_orphans, over_keys, over_labelled, put_labels, put_threads, split, update_copies,
        update_folders, update_mailboxes,
    },
    sql, writes,
};
use crate::{
    domain::{Copy, Folder, Label, Mailbox, ThreadPart},
    search::Block,
    store::{
        Account, Changes, Delivery, KeptAnswer, Key, Retention, Segment, SegmentState, StoreError,
        Transaction, rows,
    },
};

/// What a transaction begins with.
pub(super) const BEGIN: &str = "BEGIN";
/// Commits without waiting for the disk, in the order of all commits
/// ([Asynchronous Commit](https://www.postgresql.org/docs/current/wal-async-commit.html)).
pub(super) const BEGIN_DERIVED: &str = "BEGIN; SET LOCAL synchronous_commit = off";

pub(super) struct PostgresTransaction {
    connection: Option<PoolConnection<Postgres>>,
}

impl PostgresTransaction {
    /// The connection is the transaction's from the start: whoever gives up while it begins must
    /// not leave one behind that is inside of a transaction.
    pub(super) async fn begin(
        connection: PoolConnection<Postgres>,
        statements: &'static str,
    ) -> Result<Self, StoreError> {
        let mut transaction = Self {
            connection: Some(connection),
        };
        sqlx::raw_sql(statements)
            .execute(traced(transaction.connection()?))
            .await?;
        Ok(transaction)
    }

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

#[async_trait]
impl Transaction for PostgresTransaction {
    async fn lock_mailboxes(&mut self, owners: &[Uuid]) -> Result<Vec<Mailbox>, StoreError> {
        let found: Vec<rows::MailboxRow> = sqlx::query_as(sql::LOCK_MAILBOXES)
            .bind(owners)
            .fetch_all(traced(self.connection()?))
            .await?;
        rows::all(found)
    }

    async fn create_mailboxes(
        &mut self,
        mailboxes: &[Mailbox],
        folders: &[Folder],
    ) -> Result<(), StoreError> {
        let connection = self.connection()?;
        let made: Vec<Uuid> = sqlx::query_scalar(sql::CREATE_MAILBOXES)
            .bind(column(mailboxes, |m| m.owner_id))
            .bind(column(mailboxes, |m| m.state as i16))
            .bind(column(mailboxes, |m| m.epoch))
            .bind(column(mailboxes, |m| m.last_change))
            .bind(column(mailboxes, |m| m.oldest_change))
            .bind(column(mailboxes, |m| m.last_receive_time))
            .bind(column(mailboxes, |m| m.message_count))
            .bind(column(mailboxes, |m| m.used_bytes))
            .bind(column(mailboxes, |m| m.quota_messages))
            .bind(column(mailboxes, |m| m.quota_bytes))
            .bind(column(mailboxes, |m| m.indexed_time.as_micros()))
            .fetch_all(traced(&mut *connection))
            .await?;
        let folders: Vec<&Folder> = folders
            .iter()
            .filter(|f| made.contains(&f.owner_id))
            .collect();
        insert_folders(connection, &folders).await
    }

    async fn kept_answers(&mut self, requests: &[Key]) -> Result<Vec<KeptAnswer>, StoreError> {
        let (owners, ids) = split(requests);
        let found: Vec<rows::AnswerRow> = sqlx::query_as(sql::KEPT_ANSWERS)
            .bind(owners)
            .bind(ids)
            .fetch_all(traced(self.connection()?))
            .await?;
        rows::all(found)
    }

    async fn folders(&mut self, owners: &[Uuid]) -> Result<Vec<Folder>, StoreError> {
        let found: Vec<rows::FolderRow> = sqlx::query_as(sql::FOLDERS_OF)
            .bind(owners)
            .fetch_all(traced(self.connection()?))
            .await?;
        rows::all(found)
    }

    async fn copies(&mut self, keys: &[Key]) -> Result<Vec<Copy>, StoreError> {
        let (owners, ids) = split(keys);
        let found: Vec<rows::CopyRow> = sqlx::query_as(sql::COPIES_BY_KEY)
            .bind(owners)
            .bind(ids)
            .fetch_all(traced(self.connection()?))
            .await?;
        rows::all(found)
    }

    async fn copies_by_internet_id(
        &mut self,
        keys: &[(Uuid, String)],
    ) -> Result<Vec<Copy>, StoreError> {
        let found: Vec<rows::CopyRow> = sqlx::query_as(sql::COPIES_BY_INTERNET_ID)
            .bind(column(keys, |k| k.0))
            .bind(column(keys, |k| k.1.as_str()))
            .fetch_all(traced(self.connection()?))
            .await?;
        rows::all(found)
    }

    async fn deleted(&mut self, keys: &[Key]) -> Result<Vec<Key>, StoreError> {
        let (owners, ids) = split(keys);
        let statement = sqlx::query_as(sql::DELETED).bind(owners).bind(ids);
        Ok(statement.fetch_all(traced(self.connection()?)).await?)
    }

    async fn labels(&mut self, owners: &[Uuid]) -> Result<Vec<Label>, StoreError> {
        let found: Vec<rows::LabelRow> = sqlx::query_as(sql::LABELS_OF)
            .bind(owners)
            .fetch_all(traced(self.connection()?))
            .await?;
        rows::all(found)
    }

    async fn thread_parts(&mut self, keys: &[Key]) -> Result<Vec<ThreadPart>, StoreError> {
        let (owners, ids) = split(keys);
        let found: Vec<rows::ThreadRow> = sqlx::query_as(sql::THREADS_BY_KEY)
            .bind(owners)
            .bind(ids)
            .fetch_all(traced(self.connection()?))
            .await?;
        rows::all(found)
    }

    async fn copies_in(&mut self, folder: Key, limit: i64) -> Result<Vec<Copy>, StoreError> {
        writes::copies_in(self.connection()?, folder, limit).await
    }

    async fn write(&mut self, changes: &Arc<Changes>) -> Result<(), StoreError> {
        let time = changes.time;
        let connection = self.connection()?;
        let replaced: Vec<Key> = changes
            .replaced_copies
            .iter()
            .map(|c| (c.owner_id, c.message_id))
            .collect();
        let new_folders: Vec<&Folder> = changes.new_folders.iter().collect();

        insert_contents(connection, &changes.contents).await?;
        over_keys(connection, sql::DELETE_COPIES, &replaced).await?;
        insert_copies(connection, &changes.replaced_copies).await?;
        insert_copies(connection, &changes.new_copies).await?;
        update_copies(connection, &changes.changed_copies).await?;
        over_keys(connection, sql::DELETE_COPIES, &changes.deleted_copies).await?;
        insert_orphans(connection, &changes.orphans, time).await?;

        insert_folders(connection, &new_folders).await?;
        update_folders(connection, &changes.folders).await?;
        over_keys(connection, sql::DELETE_FOLDERS, &changes.deleted_folders).await?;
        put_labels(connection, &changes.labels).await?;
        over_labelled(connection, sql::DELETE_LABELLED, &changes.unlabelled).await?;
        over_labelled(connection, sql::INSERT_LABELLED, &changes.labelled).await?;
        put_threads(connection, &changes.threads).await?;
        over_keys(connection, sql::SHORTEN_THREADS, &changes.shortened_threads).await?;

        insert_changes(connection, &changes.history, time).await?;
        update_mailboxes(connection, &changes.mailboxes).await?;
        insert_answers(connection, &changes.answers, time).await
    }

    async fn some_copies(&mut self, owner: Uuid, limit: i64) -> Result<Vec<Copy>, StoreError> {
        writes::some_copies(self.connection()?, owner, limit).await
    }

    async fn purge(&mut self, owner: Uuid) -> Result<(), StoreError> {
        writes::purge(self.connection()?, owner).await
    }

    async fn orphans(
        &mut self,
        limit: i64,
    ) -> Result<Vec<(Uuid, Uuid, Vec<Delivery>)>, StoreError> {
        writes::orphans(self.connection()?, limit).await
    }

    async fn sweep(&mut self, entries: &[Uuid], contents: &[Uuid]) -> Result<(), StoreError> {
        let connection = self.connection()?;
        sqlx::query(sql::DELETE_CONTENTS)
            .bind(contents)
            .execute(traced(&mut *connection))
            .await?;
        sqlx::query(sql::DELETE_ORPHANS)
            .bind(entries)
            .execute(traced(connection))
            .await?;
        Ok(())
    }

    async fn add_segment(
        &mut self,
        segment: &Segment,
        state: SegmentState,
        time: Timestamp,
    ) -> Result<(), StoreError> {
        writes::add_segment(self.connection()?, segment, state, time).await
    }

    async fn add_blocks(
        &mut self,
        (owner, segment_id): Key,
        blocks: &[Block],
    ) -> Result<(), StoreError> {
        sqlx::query(sql::ADD_BLOCKS)
            .bind(owner)
            .bind(segment_id)
            .bind(column(blocks, |block| block.first_key.as_slice()))
            .bind(column(blocks, |block| block.data.as_slice()))
            .execute(traced(self.connection()?))
            .await?;
        Ok(())
    }

    async fn set_segment(
        &mut self,
        segment: Key,
        change: (SegmentState, SegmentState),
        time: Timestamp,
    ) -> Result<bool, StoreError> {
        writes::set_segment(self.connection()?, segment, change, time).await
    }

    async fn drop_segment(&mut self, segment: Key) -> Result<(), StoreError> {
        writes::drop_segment(self.connection()?, segment).await
    }

    async fn add_correspondents(
        &mut self,
        owner: Uuid,
        accounts: &[Uuid],
    ) -> Result<(), StoreError> {
        sqlx::query(sql::ADD_CORRESPONDENTS)
            .bind(owner)
            .bind(accounts)
            .execute(traced(self.connection()?))
            .await?;
        Ok(())
    }

    async fn set_indexed(
        &mut self,
        owner: Uuid,
        times: (Timestamp, Timestamp),
    ) -> Result<bool, StoreError> {
        writes::set_indexed(self.connection()?, owner, times).await
    }

    async fn forget_history(
        &mut self,
        mailbox: &Mailbox,
        kept: Retention,
        limit: i64,
    ) -> Result<(), StoreError> {
        writes::forget_history(self.connection()?, mailbox, kept, limit).await
    }

    async fn forget_answers(
        &mut self,
        owners: &[Uuid],
        before: Timestamp,
    ) -> Result<(), StoreError> {
        let statement = sqlx::query(sql::FORGET_ANSWERS)
            .bind(owners)
            .bind(before.as_micros());
        statement.execute(traced(self.connection()?)).await?;
        Ok(())
    }

    async fn note_accounts(
        &mut self,
        accounts: &[Account],
        position: i64,
    ) -> Result<(), StoreError> {
        let connection = self.connection()?;
        sqlx::query(sql::NOTE_ACCOUNTS)
            .bind(column(accounts, |a| a.account_id))
            .bind(column(accounts, |a| a.username.as_str()))
            .bind(column(accounts, |a| a.display_name.as_str()))
            .bind(column(accounts, |a| a.deleted))
            .bind(position)
            .execute(traced(&mut *connection))
            .await?;
        writes::note_position(connection, position).await
    }

    async fn begin_anew(
        &mut self,
        mark: &str,
        epoch: Uuid,
        time: Timestamp,
    ) -> Result<bool, StoreError> {
        let connection = self.connection()?;
        // It takes as long as it takes, before anybody is served, and other replicas wait for it.
        sqlx::raw_sql("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0")
            .execute(traced(&mut *connection))
            .await?;
        writes::begin_anew(connection, mark, epoch, time).await
    }

    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        sqlx::raw_sql("COMMIT")
            .execute(traced(self.connection()?))
            .await?;
        // Only now is the connection fit for somebody else.
        drop(self.connection.take());
        Ok(())
    }

    async fn rollback(mut self: Box<Self>) {
        let Ok(connection) = self.connection() else {
            return;
        };
        if sqlx::raw_sql("ROLLBACK")
            .execute(traced(connection))
            .await
            .is_ok()
        {
            drop(self.connection.take());
        }
    }
}
