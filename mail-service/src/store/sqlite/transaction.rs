//! Writing.

use async_trait::async_trait;
use serde_json::json;
use sqlx::{Sqlite, SqliteConnection, pool::PoolConnection};
use turbomessage_service_kit::{
    clock::{Timestamp, new_id},
    telemetry::database::traced,
};
use uuid::Uuid;

use super::{
    common,
    sets::{
        answer_row, change_row, changed_folder, changed_row, content_row, copy_row, folder_row,
        hex_of, ids, keys, label_row, labelled_row, mailbox_counts, mailbox_row, set, thread_row,
    },
    sql,
};
use crate::{
    domain::{Copy, Folder, Label, Mailbox, ThreadPart},
    search::Block,
    store::{
        Account, Changes, Delivery, KeptAnswer, Key, Retention, Segment, SegmentState, StoreError,
        Transaction, rows,
    },
};

pub(super) struct SqliteTransaction {
    connection: Option<PoolConnection<Sqlite>>,
}

impl SqliteTransaction {
    /// The connection is the transaction's from the start: whoever gives up while it begins must
    /// not leave one behind that is inside of a transaction.
    pub(super) async fn begin(connection: PoolConnection<Sqlite>) -> Result<Self, StoreError> {
        let mut transaction = Self {
            connection: Some(connection),
        };
        // Deferred, the step from reading to writing would ignore the busy timeout.
        sqlx::raw_sql("BEGIN IMMEDIATE")
            .execute(traced(transaction.connection()?))
            .await?;
        Ok(transaction)
    }

    fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        let connection = self.connection.as_mut();
        Ok(connection.ok_or_else(|| StoreError::Refused(anyhow::anyhow!("already ended")))?)
    }

    /// Runs a statement over a set, unless the set is empty.
    async fn over(&mut self, statement: &'static str, set: String) -> Result<(), StoreError> {
        if set != "[]" {
            sqlx::query(statement)
                .bind(set)
                .execute(traced(self.connection()?))
                .await?;
        }
        Ok(())
    }

    async fn write_copies(&mut self, changes: &Changes) -> Result<(), StoreError> {
        let replaced = set(&changes.replaced_copies, |c| {
            json!([hex_of(c.owner_id), hex_of(c.message_id)])
        });
        self.over(sql::DELETE_COPIES, replaced).await?;
        self.over(sql::INSERT_COPIES, set(&changes.replaced_copies, copy_row))
            .await?;
        self.over(sql::INSERT_COPIES, set(&changes.new_copies, copy_row))
            .await?;
        self.over(
            sql::UPDATE_COPIES,
            set(&changes.changed_copies, changed_row),
        )
        .await?;
        self.over(sql::DELETE_COPIES, keys(&changes.deleted_copies))
            .await?;
        let time = Timestamp::from_micros(changes.time);
        let orphans = set(&changes.orphans, |content| {
            json!([hex_of(new_id(time)), hex_of(*content)])
        });
        self.over(sql::INSERT_ORPHANS, orphans).await
    }

    async fn write_folders(&mut self, changes: &Changes) -> Result<(), StoreError> {
        self.over(sql::CREATE_FOLDERS, set(&changes.new_folders, folder_row))
            .await?;
        self.over(sql::UPDATE_FOLDERS, set(&changes.folders, changed_folder))
            .await?;
        self.over(sql::DELETE_FOLDERS, keys(&changes.deleted_folders))
            .await
    }

    async fn write_labels(&mut self, changes: &Changes) -> Result<(), StoreError> {
        let (used, unused): (Vec<&Label>, Vec<&Label>) =
            changes.labels.iter().partition(|l| l.total_count > 0);
        self.over(sql::PUT_LABELS, set(&used, |l| label_row(l)))
            .await?;
        self.over(sql::DELETE_LABELS, set(&unused, |l| label_row(l)))
            .await?;
        self.over(sql::DELETE_LABELLED, set(&changes.unlabelled, labelled_row))
            .await?;
        self.over(sql::INSERT_LABELLED, set(&changes.labelled, labelled_row))
            .await
    }

    async fn write_threads(&mut self, changes: &Changes) -> Result<(), StoreError> {
        let (used, unused): (Vec<&ThreadPart>, Vec<&ThreadPart>) =
            changes.threads.iter().partition(|t| t.message_count > 0);
        self.over(sql::PUT_THREADS, set(&used, |t| thread_row(t)))
            .await?;
        self.over(sql::DELETE_THREADS, set(&unused, |t| thread_row(t)))
            .await?;
        self.over(sql::SHORTEN_THREADS, keys(&changes.shortened_threads))
            .await
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
                .execute(traced(self.connection()?))
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
        let found: Vec<rows::MailboxRow> = sqlx::query_as(sql::LOCK_MAILBOXES)
            .bind(ids(owners))
            .fetch_all(traced(self.connection()?))
            .await?;
        rows::all(found)
    }

    async fn create_mailboxes(
        &mut self,
        mailboxes: &[Mailbox],
        folders: &[Folder],
    ) -> Result<(), StoreError> {
        let made: Vec<Uuid> = sqlx::query_scalar(sql::CREATE_MAILBOXES)
            .bind(set(mailboxes, mailbox_row))
            .fetch_all(traced(self.connection()?))
            .await?;
        let folders: Vec<&Folder> = folders
            .iter()
            .filter(|f| made.contains(&f.owner_id))
            .collect();
        self.over(sql::CREATE_FOLDERS, set(&folders, |f| folder_row(f)))
            .await
    }

    async fn kept_answers(&mut self, requests: &[Key]) -> Result<Vec<KeptAnswer>, StoreError> {
        let found: Vec<rows::AnswerRow> = sqlx::query_as(sql::KEPT_ANSWERS)
            .bind(keys(requests))
            .fetch_all(traced(self.connection()?))
            .await?;
        rows::all(found)
    }

    async fn folders(&mut self, owners: &[Uuid]) -> Result<Vec<Folder>, StoreError> {
        let found: Vec<rows::FolderRow> = sqlx::query_as(sql::FOLDERS_OF)
            .bind(ids(owners))
            .fetch_all(traced(self.connection()?))
            .await?;
        rows::all(found)
    }

    async fn copies(&mut self, wanted: &[Key]) -> Result<Vec<Copy>, StoreError> {
        let found: Vec<rows::CopyRow> = sqlx::query_as(sql::COPIES_BY_KEY)
            .bind(keys(wanted))
            .fetch_all(traced(self.connection()?))
            .await?;
        rows::all(found)
    }

    async fn copies_by_internet_id(
        &mut self,
        wanted: &[(Uuid, String)],
    ) -> Result<Vec<Copy>, StoreError> {
        let found: Vec<rows::CopyRow> = sqlx::query_as(sql::COPIES_BY_INTERNET_ID)
            .bind(set(wanted, |(owner, id)| json!([hex_of(*owner), id])))
            .fetch_all(traced(self.connection()?))
            .await?;
        rows::all(found)
    }

    async fn deleted(&mut self, wanted: &[Key]) -> Result<Vec<Key>, StoreError> {
        let statement = sqlx::query_as(sql::DELETED).bind(keys(wanted));
        Ok(statement.fetch_all(traced(self.connection()?)).await?)
    }

    async fn labels(&mut self, owners: &[Uuid]) -> Result<Vec<Label>, StoreError> {
        let found: Vec<rows::LabelRow> = sqlx::query_as(sql::LABELS_OF)
            .bind(ids(owners))
            .fetch_all(traced(self.connection()?))
            .await?;
        rows::all(found)
    }

    async fn thread_parts(&mut self, wanted: &[Key]) -> Result<Vec<ThreadPart>, StoreError> {
        let found: Vec<rows::ThreadRow> = sqlx::query_as(sql::THREADS_BY_KEY)
            .bind(keys(wanted))
            .fetch_all(traced(self.connection()?))
            .await?;
        rows::all(found)
    }

    async fn copies_in(&mut self, folder: Key, limit: i64) -> Result<Vec<Copy>, StoreError> {
        common::copies_in(self.connection()?, folder, limit).await
    }

    async fn write(&mut self, changes: &Changes) -> Result<(), StoreError> {
        let time = changes.time;
        self.over(sql::INSERT_CONTENTS, set(&changes.contents, content_row))
            .await?;
        self.write_copies(changes).await?;
        self.write_folders(changes).await?;
        self.write_labels(changes).await?;
        self.write_threads(changes).await?;
        self.over_at(sql::INSERT_CHANGES, set(&changes.history, change_row), time)
            .await?;
        self.over(
            sql::UPDATE_MAILBOXES,
            set(&changes.mailboxes, mailbox_counts),
        )
        .await?;
        self.over_at(sql::INSERT_ANSWERS, set(&changes.answers, answer_row), time)
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
        self.over(sql::DELETE_CONTENTS, ids(contents)).await?;
        self.over(sql::DELETE_ORPHANS, ids(entries)).await
    }

    async fn add_segment(
        &mut self,
        segment: &Segment,
        state: SegmentState,
        time: Timestamp,
    ) -> Result<(), StoreError> {
        common::add_segment(self.connection()?, segment, state, time).await
    }

    async fn add_blocks(
        &mut self,
        (owner, segment_id): Key,
        blocks: &[Block],
    ) -> Result<(), StoreError> {
        let rows = set(blocks, |block| {
            json!([hex::encode(&block.first_key), hex::encode(&block.data)])
        });
        sqlx::query(sql::ADD_BLOCKS)
            .bind(owner)
            .bind(segment_id)
            .bind(rows)
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
        common::set_segment(self.connection()?, segment, change, time).await
    }

    async fn drop_segment(&mut self, segment: Key) -> Result<(), StoreError> {
        common::drop_segment(self.connection()?, segment).await
    }

    async fn add_correspondents(
        &mut self,
        owner: Uuid,
        accounts: &[Uuid],
    ) -> Result<(), StoreError> {
        sqlx::query(sql::ADD_CORRESPONDENTS)
            .bind(owner)
            .bind(ids(accounts))
            .execute(traced(self.connection()?))
            .await?;
        Ok(())
    }

    async fn set_indexed(
        &mut self,
        owner: Uuid,
        times: (Timestamp, Timestamp),
    ) -> Result<bool, StoreError> {
        common::set_indexed(self.connection()?, owner, times).await
    }

    async fn forget_history(
        &mut self,
        mailbox: &Mailbox,
        kept: Retention,
        limit: i64,
    ) -> Result<(), StoreError> {
        common::forget_history(self.connection()?, mailbox, kept, limit).await
    }

    async fn forget_answers(
        &mut self,
        owners: &[Uuid],
        before: Timestamp,
    ) -> Result<(), StoreError> {
        self.over_at(sql::FORGET_ANSWERS, ids(owners), before.as_micros())
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
        self.over_at(sql::NOTE_ACCOUNTS, rows, position).await?;
        common::note_position(self.connection()?, position).await
    }

    async fn begin_anew(
        &mut self,
        mark: &str,
        epoch: Uuid,
        time: Timestamp,
    ) -> Result<bool, StoreError> {
        common::begin_anew(self.connection()?, mark, epoch, time).await
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
