//! Sets of rows on their way in, each one statement with an array a column.

use sqlx::PgConnection;
use turbomessage_service_kit::{
    clock::{Timestamp, new_id},
    telemetry::database::traced,
};
use uuid::Uuid;

use super::sql;
use crate::{
    domain::{Change, Copy, Folder, Label, Mailbox, ThreadPart},
    store::{Content, KeptAnswer, Key, Labelled, StoreError, rows},
};

/// One column of a set, as the array it goes in as.
pub(super) fn column<'a, T, C>(rows: &'a [T], get: impl FnMut(&'a T) -> C) -> Vec<C> {
    rows.iter().map(get).collect()
}

pub(super) fn split(keys: &[Key]) -> (Vec<Uuid>, Vec<Uuid>) {
    keys.iter().copied().unzip()
}

pub(super) async fn insert_contents(
    connection: &mut PgConnection,
    contents: &[Content],
) -> Result<(), StoreError> {
    if contents.is_empty() {
        return Ok(());
    }
    sqlx::query(sql::INSERT_CONTENTS)
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
        .execute(traced(connection))
        .await?;
    Ok(())
}

pub(super) async fn insert_copies(
    connection: &mut PgConnection,
    copies: &[Copy],
) -> Result<(), StoreError> {
    if copies.is_empty() {
        return Ok(());
    }
    sqlx::query(sql::INSERT_COPIES)
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
        .bind(column(copies, |c| rows::pack(&c.labels)))
        .bind(column(copies, |c| c.forward_of))
        .bind(column(copies, |c| c.deliver_time.map(Timestamp::as_micros)))
        .bind(column(copies, |c| c.trash_time.map(Timestamp::as_micros)))
        .execute(traced(connection))
        .await?;
    Ok(())
}

pub(super) async fn update_copies(
    connection: &mut PgConnection,
    copies: &[Copy],
) -> Result<(), StoreError> {
    if copies.is_empty() {
        return Ok(());
    }
    sqlx::query(sql::UPDATE_COPIES)
        .bind(column(copies, |c| c.owner_id))
        .bind(column(copies, |c| c.message_id))
        .bind(column(copies, |c| c.folder_id))
        .bind(column(copies, |c| c.change))
        .bind(column(copies, |c| c.read))
        .bind(column(copies, |c| c.starred))
        .bind(column(copies, |c| c.answered))
        .bind(column(copies, |c| c.forwarded))
        .bind(column(copies, |c| rows::pack(&c.labels)))
        .bind(column(copies, |c| c.trash_time.map(Timestamp::as_micros)))
        .execute(traced(connection))
        .await?;
    Ok(())
}

/// Runs a statement over a set of keys, unless the set is empty.
pub(super) async fn over_keys(
    connection: &mut PgConnection,
    statement: &'static str,
    keys: &[Key],
) -> Result<(), StoreError> {
    if keys.is_empty() {
        return Ok(());
    }
    let (owners, ids) = split(keys);
    sqlx::query(statement)
        .bind(owners)
        .bind(ids)
        .execute(traced(connection))
        .await?;
    Ok(())
}

pub(super) async fn insert_orphans(
    connection: &mut PgConnection,
    contents: &[Uuid],
    time: i64,
) -> Result<(), StoreError> {
    let time = Timestamp::from_micros(time);
    let entries: Vec<Key> = contents.iter().map(|&id| (new_id(time), id)).collect();
    over_keys(connection, sql::INSERT_ORPHANS, &entries).await
}

pub(super) async fn insert_folders(
    connection: &mut PgConnection,
    folders: &[&Folder],
) -> Result<(), StoreError> {
    if folders.is_empty() {
        return Ok(());
    }
    sqlx::query(sql::CREATE_FOLDERS)
        .bind(column(folders, |f| f.owner_id))
        .bind(column(folders, |f| f.folder_id))
        .bind(column(folders, |f| f.role.map_or(0, |role| role as i16)))
        .bind(column(folders, |f| f.name.as_str()))
        .bind(column(folders, |f| f.total_count))
        .bind(column(folders, |f| f.unread_count))
        .bind(column(folders, |f| f.change))
        .bind(column(folders, |f| f.create_change))
        .execute(traced(connection))
        .await?;
    Ok(())
}

pub(super) async fn update_mailboxes(
    connection: &mut PgConnection,
    mailboxes: &[Mailbox],
) -> Result<(), StoreError> {
    if mailboxes.is_empty() {
        return Ok(());
    }
    sqlx::query(sql::UPDATE_MAILBOXES)
        .bind(column(mailboxes, |m| m.owner_id))
        .bind(column(mailboxes, |m| m.state as i16))
        .bind(column(mailboxes, |m| m.last_change))
        .bind(column(mailboxes, |m| m.last_receive_time))
        .bind(column(mailboxes, |m| m.message_count))
        .bind(column(mailboxes, |m| m.used_bytes))
        .execute(traced(connection))
        .await?;
    Ok(())
}

pub(super) async fn update_folders(
    connection: &mut PgConnection,
    folders: &[Folder],
) -> Result<(), StoreError> {
    if folders.is_empty() {
        return Ok(());
    }
    sqlx::query(sql::UPDATE_FOLDERS)
        .bind(column(folders, |f| f.owner_id))
        .bind(column(folders, |f| f.folder_id))
        .bind(column(folders, |f| f.name.as_str()))
        .bind(column(folders, |f| f.total_count))
        .bind(column(folders, |f| f.unread_count))
        .bind(column(folders, |f| f.change))
        .execute(traced(connection))
        .await?;
    Ok(())
}

pub(super) async fn put_labels(
    connection: &mut PgConnection,
    labels: &[Label],
) -> Result<(), StoreError> {
    let (used, unused): (Vec<&Label>, Vec<&Label>) = labels.iter().partition(|l| l.total_count > 0);
    if !used.is_empty() {
        sqlx::query(sql::PUT_LABELS)
            .bind(column(&used, |l| l.owner_id))
            .bind(column(&used, |l| l.name.as_str()))
            .bind(column(&used, |l| l.total_count))
            .bind(column(&used, |l| l.unread_count))
            .execute(traced(&mut *connection))
            .await?;
    }
    if !unused.is_empty() {
        sqlx::query(sql::DELETE_LABELS)
            .bind(column(&unused, |l| l.owner_id))
            .bind(column(&unused, |l| l.name.as_str()))
            .execute(traced(connection))
            .await?;
    }
    Ok(())
}

/// Runs a statement over messages that have, or had, a label.
pub(super) async fn over_labelled(
    connection: &mut PgConnection,
    statement: &'static str,
    labelled: &[Labelled],
) -> Result<(), StoreError> {
    if labelled.is_empty() {
        return Ok(());
    }
    sqlx::query(statement)
        .bind(column(labelled, |l| l.owner_id))
        .bind(column(labelled, |l| l.name.as_str()))
        .bind(column(labelled, |l| l.folder_id))
        .bind(column(labelled, |l| l.receive_time.as_micros()))
        .bind(column(labelled, |l| l.message_id))
        .execute(traced(connection))
        .await?;
    Ok(())
}

pub(super) async fn put_threads(
    connection: &mut PgConnection,
    parts: &[ThreadPart],
) -> Result<(), StoreError> {
    let (used, unused): (Vec<&ThreadPart>, Vec<&ThreadPart>) =
        parts.iter().partition(|t| t.message_count > 0);
    if !used.is_empty() {
        sqlx::query(sql::PUT_THREADS)
            .bind(column(&used, |t| t.owner_id))
            .bind(column(&used, |t| t.thread_id))
            .bind(column(&used, |t| t.folder_id))
            .bind(column(&used, |t| t.message_count))
            .bind(column(&used, |t| t.unread_count))
            .bind(column(&used, |t| t.last_time.as_micros()))
            .execute(traced(&mut *connection))
            .await?;
    }
    if !unused.is_empty() {
        sqlx::query(sql::DELETE_THREADS)
            .bind(column(&unused, |t| t.owner_id))
            .bind(column(&unused, |t| t.thread_id))
            .bind(column(&unused, |t| t.folder_id))
            .execute(traced(connection))
            .await?;
    }
    Ok(())
}

pub(super) async fn insert_changes(
    connection: &mut PgConnection,
    changes: &[Change],
    time: i64,
) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    sqlx::query(sql::INSERT_CHANGES)
        .bind(column(changes, |c| c.owner_id))
        .bind(column(changes, |c| c.number))
        .bind(column(changes, |c| c.event as i16))
        .bind(column(changes, |c| c.object_id))
        .bind(time)
        .execute(traced(connection))
        .await?;
    Ok(())
}

pub(super) async fn insert_answers(
    connection: &mut PgConnection,
    answers: &[KeptAnswer],
    time: i64,
) -> Result<(), StoreError> {
    if answers.is_empty() {
        return Ok(());
    }
    sqlx::query(sql::INSERT_ANSWERS)
        .bind(column(answers, |a| a.request.0))
        .bind(column(answers, |a| a.request.1))
        .bind(column(answers, |a| a.fingerprint.0.as_slice()))
        .bind(column(answers, |a| rows::pack(&a.answer)))
        .bind(time)
        .execute(traced(connection))
        .await?;
    Ok(())
}
