//! Writing.

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, params};
use turbomessage_service_kit::clock::{Timestamp, new_id};
use uuid::Uuid;

use super::{
    connections::{Connections, Lease},
    query::{each, execute, fetch, look_up},
    sql,
};
use crate::{
    domain::{Copy, Folder, Label, Mailbox, ThreadPart},
    search::Block,
    store::{
        Account, Changes, Delivery, KeptAnswer, Key, LOST_CHANGES, Retention, Segment,
        SegmentState, StoreError, Transaction, rows, statements,
    },
};

/// How many old answers go in one transaction.
const FORGOTTEN_AT_ONCE: i64 = 4000;

/// What a commit waits for ([`PRAGMA synchronous`](https://www.sqlite.org/pragma.html#pragma_synchronous)).
#[derive(Debug, Clone, Copy)]
pub(super) enum Synchronous {
    /// That it is on the disk.
    Full,
    /// Nothing: it is on the disk with the next one that waits.
    Normal,
}

impl Synchronous {
    fn name(self) -> &'static str {
        match self {
            Self::Full => "FULL",
            Self::Normal => "NORMAL",
        }
    }
}

pub(super) struct SqliteTransaction {
    /// `None` when it has ended.
    lease: Option<Lease>,
}

impl SqliteTransaction {
    /// The connection is the transaction's from the start: whoever gives up while it begins must
    /// not leave one behind that is inside of a transaction.
    pub(super) async fn begin(
        writer: &Connections,
        synchronous: Synchronous,
    ) -> Result<Self, StoreError> {
        let transaction = Self {
            lease: Some(writer.acquire().await?),
        };
        let begin = move |connection: &Connection| {
            // Said every time: what the transaction before this one had is nothing to rely on.
            connection.pragma_update(None, "synchronous", synchronous.name())?;
            // Deferred, the step from reading to writing would ignore the busy timeout.
            execute(connection, "BEGIN IMMEDIATE", [])
        };
        transaction.run(begin).await?;
        Ok(transaction)
    }

    async fn run<T: Send + 'static>(
        &self,
        step: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let ended = || StoreError::Refused(anyhow::anyhow!("already ended"));
        self.lease.as_ref().ok_or_else(ended)?.run(step).await
    }
}

impl Drop for SqliteTransaction {
    /// What was not ended is undone, before anybody else has the connection.
    fn drop(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.post(|connection: &Connection| {
                // After some errors SQLite has undone it already.
                if !connection.is_autocommit()
                    && let Err(error) = execute(connection, "ROLLBACK", [])
                {
                    tracing::error!(error.cause = ?error, "a transaction was not undone");
                }
            });
        }
    }
}

fn write_copies(connection: &Connection, changes: &Changes) -> Result<(), StoreError> {
    let replaced = &changes.replaced_copies;
    each(connection, sql::DELETE_COPY, replaced, |statement, c| {
        statement.execute((c.owner_id, c.message_id))
    })?;
    let new = replaced.iter().chain(&changes.new_copies);
    each(connection, sql::INSERT_COPY, new, |statement, c| {
        statement.execute(params![
            c.owner_id,
            c.message_id,
            c.content_id,
            c.thread_id,
            c.folder_id,
            c.kind as i16,
            c.change,
            c.create_change,
            c.receive_time.as_micros(),
            c.send_time.as_micros(),
            c.read,
            c.starred,
            c.answered,
            c.forwarded,
            c.subject,
            c.snippet,
            rows::pack(&c.participants),
            c.in_reply_to,
            c.internet_message_id,
            c.size_bytes,
            rows::pack(&c.labels),
            c.forward_of,
            c.deliver_time.map(Timestamp::as_micros),
            c.trash_time.map(Timestamp::as_micros)
        ])
    })?;
    let copies = &changes.changed_copies;
    each(connection, sql::UPDATE_COPY, copies, |statement, c| {
        statement.execute(params![
            c.folder_id,
            c.change,
            c.read,
            c.starred,
            c.answered,
            c.forwarded,
            rows::pack(&c.labels),
            c.trash_time.map(Timestamp::as_micros),
            c.owner_id,
            c.message_id
        ])
    })?;
    let deleted = &changes.deleted_copies;
    each(connection, sql::DELETE_COPY, deleted, |statement, key| {
        statement.execute(*key)
    })?;
    let time = Timestamp::from_micros(changes.time);
    let orphans = &changes.orphans;
    each(connection, sql::INSERT_ORPHAN, orphans, |statement, id| {
        statement.execute((new_id(time), id))
    })?;
    Ok(())
}

fn write_contents(connection: &Connection, changes: &Changes) -> Result<(), StoreError> {
    let contents = &changes.contents;
    each(connection, sql::INSERT_CONTENT, contents, |statement, c| {
        statement.execute(params![
            c.content_id,
            c.sender_id,
            c.send_time.as_micros(),
            c.subject,
            c.body.text,
            c.body.html,
            rows::pack(&c.participants),
            c.internet_message_id,
            c.in_reply_to,
            c.size_bytes,
            rows::pack_deliveries(&c.deliveries)
        ])
    })?;
    Ok(())
}

fn create_folders<'f>(
    connection: &Connection,
    folders: impl IntoIterator<Item = &'f Folder>,
) -> Result<(), StoreError> {
    each(connection, sql::CREATE_FOLDER, folders, |statement, f| {
        statement.execute(params![
            f.owner_id,
            f.folder_id,
            f.role.map_or(0, |role| role as i16),
            f.name,
            f.total_count,
            f.unread_count,
            f.change,
            f.create_change
        ])
    })?;
    Ok(())
}

fn write_folders(connection: &Connection, changes: &Changes) -> Result<(), StoreError> {
    create_folders(connection, &changes.new_folders)?;
    let folders = &changes.folders;
    each(connection, sql::UPDATE_FOLDER, folders, |statement, f| {
        statement.execute(params![
            f.name,
            f.total_count,
            f.unread_count,
            f.change,
            f.owner_id,
            f.folder_id
        ])
    })?;
    let deleted = &changes.deleted_folders;
    each(connection, sql::DELETE_FOLDER, deleted, |statement, key| {
        statement.execute(*key)
    })?;
    Ok(())
}

fn write_labels(connection: &Connection, changes: &Changes) -> Result<(), StoreError> {
    let (used, unused): (Vec<&Label>, Vec<&Label>) =
        changes.labels.iter().partition(|l| l.total_count > 0);
    each(connection, sql::PUT_LABEL, used, |statement, l| {
        statement.execute((l.owner_id, &l.name, l.total_count, l.unread_count))
    })?;
    each(connection, sql::DELETE_LABEL, unused, |statement, l| {
        statement.execute((l.owner_id, &l.name))
    })?;
    for (sql, entries) in [
        (sql::DELETE_LABELLED, &changes.unlabelled),
        (sql::INSERT_LABELLED, &changes.labelled),
    ] {
        each(connection, sql, entries, |statement, l| {
            let time = l.receive_time.as_micros();
            statement.execute((l.owner_id, &l.name, l.folder_id, time, l.message_id))
        })?;
    }
    Ok(())
}

fn write_threads(connection: &Connection, changes: &Changes) -> Result<(), StoreError> {
    let (used, unused): (Vec<&ThreadPart>, Vec<&ThreadPart>) =
        changes.threads.iter().partition(|t| t.message_count > 0);
    each(connection, sql::PUT_THREAD, used, |statement, t| {
        statement.execute((
            t.owner_id,
            t.thread_id,
            t.folder_id,
            t.message_count,
            t.unread_count,
            t.last_time.as_micros(),
        ))
    })?;
    each(connection, sql::DELETE_THREAD, unused, |statement, t| {
        statement.execute((t.owner_id, t.thread_id, t.folder_id))
    })?;
    let shortened = &changes.shortened_threads;
    each(
        connection,
        sql::SHORTEN_THREAD,
        shortened,
        |statement, key| statement.execute(*key),
    )?;
    Ok(())
}

/// The history, what mailboxes count, and the answers that are kept.
fn write_records(connection: &Connection, changes: &Changes) -> Result<(), StoreError> {
    let time = changes.time;
    let history = &changes.history;
    each(connection, sql::INSERT_CHANGE, history, |statement, c| {
        statement.execute((c.owner_id, c.number, c.event as i16, c.object_id, time))
    })?;
    let mailboxes = &changes.mailboxes;
    each(
        connection,
        sql::UPDATE_MAILBOX,
        mailboxes,
        |statement, m| {
            statement.execute((
                m.state as i16,
                m.last_change,
                m.last_receive_time,
                m.message_count,
                m.used_bytes,
                m.owner_id,
            ))
        },
    )?;
    let answers = &changes.answers;
    each(connection, sql::INSERT_ANSWER, answers, |statement, a| {
        let (owner, request) = a.request;
        let answer = rows::pack(&a.answer);
        statement.execute((owner, request, a.fingerprint.0, answer, time))
    })?;
    Ok(())
}

#[async_trait]
impl Transaction for SqliteTransaction {
    /// The one writer has everything locked already.
    async fn lock_mailboxes(&mut self, owners: &[Uuid]) -> Result<Vec<Mailbox>, StoreError> {
        let owners = owners.to_vec();
        self.run(move |connection| {
            let found = look_up(connection, statements::MAILBOX, &owners, |owner| [*owner])?;
            rows::all::<rows::MailboxRow, _>(found)
        })
        .await
    }

    async fn create_mailboxes(
        &mut self,
        mailboxes: &[Mailbox],
        folders: &[Folder],
    ) -> Result<(), StoreError> {
        let (mailboxes, folders) = (mailboxes.to_vec(), folders.to_vec());
        self.run(move |connection| {
            let mut made = Vec::new();
            each(
                connection,
                sql::CREATE_MAILBOX,
                &mailboxes,
                |statement, m| {
                    let is_new = statement.execute(params![
                        m.owner_id,
                        m.state as i16,
                        m.epoch,
                        m.last_change,
                        m.oldest_change,
                        m.last_receive_time,
                        m.message_count,
                        m.used_bytes,
                        m.quota_messages,
                        m.quota_bytes,
                        m.indexed_time.as_micros()
                    ])?;
                    made.extend((is_new > 0).then_some(m.owner_id));
                    Ok(is_new)
                },
            )?;
            let folders = folders.iter().filter(|f| made.contains(&f.owner_id));
            create_folders(connection, folders)
        })
        .await
    }

    async fn kept_answers(&mut self, requests: &[Key]) -> Result<Vec<KeptAnswer>, StoreError> {
        let requests = requests.to_vec();
        self.run(move |connection| {
            let found = look_up(connection, statements::ANSWER, &requests, |key| *key)?;
            rows::all::<rows::AnswerRow, _>(found)
        })
        .await
    }

    async fn folders(&mut self, owners: &[Uuid]) -> Result<Vec<Folder>, StoreError> {
        let owners = owners.to_vec();
        self.run(move |connection| {
            let found = look_up(connection, statements::FOLDERS, &owners, |owner| [*owner])?;
            rows::all::<rows::FolderRow, _>(found)
        })
        .await
    }

    async fn copies(&mut self, wanted: &[Key]) -> Result<Vec<Copy>, StoreError> {
        let wanted = wanted.to_vec();
        self.run(move |connection| {
            let found = look_up(connection, sql::COPY, &wanted, |key| *key)?;
            rows::all::<rows::CopyRow, _>(found)
        })
        .await
    }

    async fn copies_by_internet_id(
        &mut self,
        wanted: &[(Uuid, String)],
    ) -> Result<Vec<Copy>, StoreError> {
        let wanted = wanted.to_vec();
        self.run(move |connection| {
            let key = |(owner, id): &(Uuid, String)| (*owner, id.clone());
            let found = look_up(connection, sql::COPIES_BY_INTERNET_ID, &wanted, key)?;
            rows::all::<rows::CopyRow, _>(found)
        })
        .await
    }

    async fn deleted(&mut self, wanted: &[Key]) -> Result<Vec<Key>, StoreError> {
        let wanted = wanted.to_vec();
        self.run(move |connection| look_up(connection, sql::DELETED, &wanted, |key| *key))
            .await
    }

    async fn labels(&mut self, owners: &[Uuid]) -> Result<Vec<Label>, StoreError> {
        let owners = owners.to_vec();
        self.run(move |connection| {
            let found = look_up(connection, statements::LABELS, &owners, |owner| [*owner])?;
            rows::all::<rows::LabelRow, _>(found)
        })
        .await
    }

    async fn thread_parts(&mut self, wanted: &[Key]) -> Result<Vec<ThreadPart>, StoreError> {
        let wanted = wanted.to_vec();
        self.run(move |connection| {
            let found = look_up(connection, sql::THREAD, &wanted, |key| *key)?;
            rows::all::<rows::ThreadRow, _>(found)
        })
        .await
    }

    async fn copies_in(
        &mut self,
        (owner, folder): Key,
        limit: i64,
    ) -> Result<Vec<Copy>, StoreError> {
        self.run(move |connection| {
            let found = fetch(connection, statements::COPIES_IN, (owner, folder, limit))?;
            rows::all::<rows::CopyRow, _>(found)
        })
        .await
    }

    async fn write(&mut self, changes: &Arc<Changes>) -> Result<(), StoreError> {
        let changes = Arc::clone(changes);
        self.run(move |connection| {
            write_contents(connection, &changes)?;
            write_copies(connection, &changes)?;
            write_folders(connection, &changes)?;
            write_labels(connection, &changes)?;
            write_threads(connection, &changes)?;
            write_records(connection, &changes)
        })
        .await
    }

    async fn some_copies(&mut self, owner: Uuid, limit: i64) -> Result<Vec<Copy>, StoreError> {
        self.run(move |connection| {
            let found = fetch(connection, statements::SOME_COPIES, (owner, limit))?;
            rows::all::<rows::CopyRow, _>(found)
        })
        .await
    }

    async fn purge(&mut self, owner: Uuid) -> Result<(), StoreError> {
        self.run(move |connection| {
            for statement in statements::PURGE {
                execute(connection, statement, [owner])?;
            }
            Ok(())
        })
        .await
    }

    async fn orphans(
        &mut self,
        limit: i64,
    ) -> Result<Vec<(Uuid, Uuid, Vec<Delivery>)>, StoreError> {
        type Row = (Uuid, Uuid, Option<Vec<u8>>);
        self.run(move |connection| {
            let found: Vec<Row> = fetch(connection, statements::ORPHANS, [limit])?;
            let deliveries =
                |bytes: Option<Vec<u8>>| rows::unpack_deliveries(&bytes.unwrap_or_default());
            let found = found.into_iter();
            Ok(found
                .map(|(entry, id, bytes)| (entry, id, deliveries(bytes)))
                .collect())
        })
        .await
    }

    async fn sweep(&mut self, entries: &[Uuid], contents: &[Uuid]) -> Result<(), StoreError> {
        let (entries, contents) = (entries.to_vec(), contents.to_vec());
        self.run(move |connection| {
            for (sql, ids) in [
                (sql::DELETE_CONTENT, &contents),
                (sql::DELETE_ORPHAN, &entries),
            ] {
                each(connection, sql, ids, |statement, id| {
                    statement.execute([id])
                })?;
            }
            Ok(())
        })
        .await
    }

    async fn add_segment(
        &mut self,
        segment: &Segment,
        state: SegmentState,
        time: Timestamp,
    ) -> Result<(), StoreError> {
        let segment = *segment;
        self.run(move |connection| {
            let row = (
                segment.owner_id,
                segment.segment_id,
                segment.tokenizer,
                segment.message_count,
                segment.oldest_time.as_micros(),
                segment.newest_time.as_micros(),
                state as i16,
                time.as_micros(),
            );
            execute(connection, statements::ADD_SEGMENT, row).map(drop)
        })
        .await
    }

    async fn add_blocks(
        &mut self,
        (owner, segment_id): Key,
        blocks: &[Block],
    ) -> Result<(), StoreError> {
        let blocks = blocks.to_vec();
        self.run(move |connection| {
            each(connection, sql::ADD_BLOCK, &blocks, |statement, block| {
                statement.execute((owner, segment_id, &block.first_key, &block.data))
            })
            .map(drop)
        })
        .await
    }

    async fn set_segment(
        &mut self,
        (owner, segment_id): Key,
        (from, to): (SegmentState, SegmentState),
        time: Timestamp,
    ) -> Result<bool, StoreError> {
        let time = time.as_micros();
        self.run(move |connection| {
            let change = (to as i16, time, owner, segment_id, from as i16);
            Ok(execute(connection, statements::SET_SEGMENT, change)? > 0)
        })
        .await
    }

    async fn drop_segment(&mut self, segment: Key) -> Result<(), StoreError> {
        self.run(move |connection| {
            for statement in [statements::DROP_SEGMENT, statements::DROP_BLOCKS] {
                execute(connection, statement, segment)?;
            }
            Ok(())
        })
        .await
    }

    async fn add_correspondents(
        &mut self,
        owner: Uuid,
        accounts: &[Uuid],
    ) -> Result<(), StoreError> {
        let accounts = accounts.to_vec();
        self.run(move |connection| {
            each(
                connection,
                sql::ADD_CORRESPONDENT,
                &accounts,
                |statement, id| statement.execute((owner, id)),
            )
            .map(drop)
        })
        .await
    }

    async fn set_indexed(
        &mut self,
        owner: Uuid,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<bool, StoreError> {
        self.run(move |connection| {
            let change = (to.as_micros(), owner, from.as_micros());
            Ok(execute(connection, statements::SET_INDEXED, change)? > 0)
        })
        .await
    }

    async fn forget_history(
        &mut self,
        mailbox: &Mailbox,
        kept: Retention,
        limit: i64,
    ) -> Result<(), StoreError> {
        let (owner, oldest) = (mailbox.owner_id, mailbox.oldest_change);
        let after = mailbox.last_change - kept.changes;
        let since = kept.since.as_micros();
        self.run(move |connection| {
            let of = (owner, limit, since, after);
            let cuts: Vec<(i64,)> = fetch(connection, statements::HISTORY_CUT, of)?;
            let cut = cuts.first().map_or(oldest, |(cut,)| oldest.max(*cut));
            for statement in [statements::HISTORY_FORGET, statements::HISTORY_BEGIN] {
                execute(connection, statement, (cut, owner))?;
            }
            Ok(())
        })
        .await
    }

    async fn forget_answers(&mut self, _: &[Uuid], before: Timestamp) -> Result<(), StoreError> {
        let old = (before.as_micros(), FORGOTTEN_AT_ONCE);
        self.run(move |connection| execute(connection, sql::FORGET_ANSWERS, old).map(drop))
            .await
    }

    async fn note_accounts(
        &mut self,
        accounts: &[Account],
        position: i64,
    ) -> Result<(), StoreError> {
        let accounts = accounts.to_vec();
        self.run(move |connection| {
            each(connection, sql::NOTE_ACCOUNT, &accounts, |statement, a| {
                let names = (&a.username, &a.display_name);
                statement.execute((a.account_id, names.0, names.1, a.deleted, position))
            })?;
            execute(connection, statements::FEED_NOTE, [position]).map(drop)
        })
        .await
    }

    async fn begin_anew(
        &mut self,
        mark: &str,
        epoch: Uuid,
        time: Timestamp,
    ) -> Result<bool, StoreError> {
        let mark = mark.to_owned();
        self.run(move |connection| {
            let note = (mark, time.as_micros());
            if execute(connection, statements::RESTORE_NOTE, note)? == 0 {
                return Ok(false);
            }
            let histories = (epoch, LOST_CHANGES);
            execute(connection, statements::RESTORE_HISTORIES, histories)?;
            for statement in [statements::RESTORE_FORGET, statements::RESTORE_FEED] {
                execute(connection, statement, [])?;
            }
            Ok(true)
        })
        .await
    }

    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        let commit = |connection: &Connection| execute(connection, "COMMIT", []);
        self.run(commit).await?;
        // Only now is the connection fit for somebody else.
        drop(self.lease.take());
        Ok(())
    }

    async fn rollback(mut self: Box<Self>) {
        let rollback = |connection: &Connection| execute(connection, "ROLLBACK", []);
        if self.run(rollback).await.is_ok() {
            drop(self.lease.take());
        }
    }
}
