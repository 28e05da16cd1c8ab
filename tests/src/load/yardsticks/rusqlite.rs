//! Batches of sends by rusqlite: the rows that mail-service writes, one prepared statement a row, with the settings of
//! its own connection, and nothing between the program and SQLite.

use std::{
    collections::BTreeSet,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Context;
use rusqlite::{Connection, Transaction, params};
use turbomessage_mail_service::store::SqliteStore;

use super::writer::{BATCH, OWNERS};
use crate::load::letters::letter;

const FOLDERS: u128 = 7;

/// A database that is written to by rusqlite alone.
#[derive(Debug)]
pub struct Rusqlite {
    connection: Connection,
    sent: u64,
}

impl Rusqlite {
    /// A new database in `folder`, with mail-service's schema and some mailboxes.
    ///
    /// # Errors
    /// It cannot be made.
    pub async fn open(folder: &Path) -> anyhow::Result<Self> {
        let file = folder.join("rusqlite.db");
        let store = SqliteStore::open(&file).await?;
        drop(store);
        let connection = Connection::open(&file)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.set_prepared_statement_cache_capacity(64);
        let mut rusqlite = Self {
            connection,
            sent: 0,
        };
        rusqlite.make_mailboxes()?;
        Ok(rusqlite)
    }

    fn make_mailboxes(&mut self) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        for owner in 0..OWNERS {
            transaction.execute(
                "INSERT INTO mailboxes (owner_id, state, epoch, last_change, last_receive_time, message_count, \
                 used_bytes, quota_messages, quota_bytes) VALUES (?1, 1, ?1, 7, 0, 0, 0, 1000000, 1 << 40)",
                [owner_id(owner)],
            )?;
            for role in 1..=FOLDERS {
                transaction.execute(
                    "INSERT INTO folders (owner_id, folder_id, role, name, total_count, unread_count, \
                     change_number, create_change) VALUES (?1, ?2, ?3, 'Folder', 0, 0, ?3, ?3)",
                    params![owner_id(owner), folder_id(owner, role), u8::try_from(role).unwrap_or(0)],
                )?;
            }
        }
        transaction.commit()
    }

    /// Sends in batches for so long; answers with how many sends a second were durable.
    ///
    /// # Errors
    /// A statement failed.
    pub fn run(&mut self, duration: Duration) -> anyhow::Result<f64> {
        let (begun, before) = (Instant::now(), self.sent);
        while begun.elapsed() < duration {
            self.batch().context("a batch")?;
        }
        #[expect(clippy::cast_precision_loss, reason = "a count of sends")]
        let sent = (self.sent - before) as f64;
        Ok(sent / begun.elapsed().as_secs_f64())
    }

    fn batch(&mut self) -> rusqlite::Result<()> {
        let behavior = rusqlite::TransactionBehavior::Immediate;
        let transaction = self.connection.transaction_with_behavior(behavior)?;
        let mut touched = BTreeSet::new();
        let pairs: Vec<[usize; 2]> = (0..BATCH)
            .map(|_| {
                let from = rand::random_range(0..OWNERS);
                [from, (from + rand::random_range(1..OWNERS)) % OWNERS]
            })
            .collect();
        touched.extend(pairs.iter().flatten().copied());
        for &owner in &touched {
            read_mailbox(&transaction, owner)?;
        }
        for pair in pairs {
            self.sent += 1;
            send(&transaction, pair, self.sent)?;
        }
        for owner in touched {
            write_mailbox(&transaction, owner, self.sent)?;
        }
        transaction.commit()
    }
}

fn owner_id(owner: usize) -> [u8; 16] {
    (owner as u128 + 1).to_be_bytes()
}

fn folder_id(owner: usize, role: u128) -> [u8; 16] {
    (((owner as u128 + 1) << 64) + role).to_be_bytes()
}

fn read_mailbox(transaction: &Transaction<'_>, owner: usize) -> rusqlite::Result<()> {
    let mut mailbox = transaction.prepare_cached("SELECT * FROM mailboxes WHERE owner_id = ?1")?;
    mailbox.query_row([owner_id(owner)], |row| row.get::<_, i64>("last_change"))?;
    let mut folders = transaction.prepare_cached("SELECT * FROM folders WHERE owner_id = ?1")?;
    let mut rows = folders.query([owner_id(owner)])?;
    while rows.next()?.is_some() {}
    Ok(())
}

fn write_mailbox(transaction: &Transaction<'_>, owner: usize, number: u64) -> rusqlite::Result<()> {
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    transaction
        .prepare_cached(
            "UPDATE mailboxes SET state = 1, last_change = ?2, last_receive_time = ?2, message_count = ?2, \
             used_bytes = ?2 WHERE owner_id = ?1",
        )?
        .execute(params![owner_id(owner), number * 8])?;
    for role in [1, 2] {
        let folder = folder_id(owner, role);
        let change = number * 8 + i64::try_from(role).unwrap_or(0) + 4;
        transaction
            .prepare_cached(
                "UPDATE folders SET name = 'Folder', total_count = ?3, unread_count = ?3, change_number = ?4 \
                 WHERE owner_id = ?1 AND folder_id = ?2",
            )?
            .execute(params![owner_id(owner), folder, number, change])?;
        note_change(transaction, owner, change, 5, folder)?;
    }
    Ok(())
}

fn note_change(
    transaction: &Transaction<'_>,
    owner: usize,
    number: i64,
    kind: u8,
    object: [u8; 16],
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO changes (owner_id, change_number, kind, object_id, change_time) VALUES (?1, ?2, ?3, ?4, ?2)",
        )?
        .execute(params![owner_id(owner), number, kind, object])?;
    Ok(())
}

/// The rows of one send: its request, the content, and a copy, a conversation and a change for each of the two.
fn send(transaction: &Transaction<'_>, pair: [usize; 2], number: u64) -> rusqlite::Result<()> {
    let time = i64::try_from(number).unwrap_or(i64::MAX);
    // In the order of time, as version 7 of UUIDs is.
    let id = |kind: u128| ((u128::from(number) << 64) + kind).to_be_bytes();
    let letter = letter(usize::try_from(number).unwrap_or_default());
    let (participants, internet_id) = ([7_u8; 40], format!("<{number}@turbomessage.invalid>"));
    transaction
        .prepare_cached(
            "SELECT fingerprint, answer FROM answers WHERE owner_id = ?1 AND request_id = ?2",
        )?
        .exists(params![owner_id(pair[0]), id(1)])?;
    transaction
        .prepare_cached(
            "INSERT INTO contents (content_id, sender_id, send_time, subject, body_text, body_html, participants, \
             internet_message_id, in_reply_to, size_bytes, deliveries) VALUES (?1, ?2, ?3, ?4, ?5, '', ?6, ?7, '', \
             1576, ?8)",
        )?
        .execute(params![
            id(2),
            owner_id(pair[0]),
            time,
            letter.subject,
            letter.body,
            participants,
            internet_id,
            [7_u8; 64]
        ])?;
    for (n, owner) in pair.into_iter().enumerate() {
        let (sent, message) = (n == 0, id(3 + n as u128));
        let folder = folder_id(owner, if sent { 2 } else { 1 });
        transaction
            .prepare_cached(
                "INSERT INTO copies (owner_id, message_id, content_id, thread_id, folder_id, kind, change_number, \
                 create_change, receive_time, send_time, is_read, is_starred, is_answered, is_forwarded, subject, \
                 snippet, participants, in_reply_to, internet_message_id, size_bytes, labels, forward_of, \
                 deliver_time, trash_time) VALUES (?1, ?2, ?3, ?2, ?4, ?5, ?6, ?6, ?6, ?6, ?7, 0, 0, 0, ?8, ?9, ?10, \
                 NULL, ?11, 1576, x'00', NULL, NULL, NULL)",
            )?
            .execute(params![
                owner_id(owner),
                message,
                id(2),
                folder,
                if sent { 2 } else { 1 },
                time,
                sent,
                letter.subject,
                &letter.body[..140],
                participants,
                internet_id
            ])?;
        transaction
            .prepare_cached(
                "INSERT INTO threads (owner_id, thread_id, folder_id, message_count, unread_count, last_time) \
                 VALUES (?1, ?2, ?3, 1, ?4, ?5) ON CONFLICT (owner_id, thread_id, folder_id) DO UPDATE SET \
                 message_count = excluded.message_count",
            )?
            .execute(params![owner_id(owner), message, folder, !sent, time])?;
        note_change(transaction, owner, time * 8 + i64::from(!sent), 1, message)?;
    }
    transaction
        .prepare_cached(
            "INSERT INTO answers (owner_id, request_id, fingerprint, answer, create_time) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![owner_id(pair[0]), id(1), [7_u8; 32], [7_u8; 500], time])?;
    Ok(())
}
