//! Sets of rows on their way in, each one statement with an array a column.

use sqlx::PgConnection;
use turbomessage_service_kit::clock::{Timestamp, new_id};
use uuid::Uuid;

use super::sql;
use crate::{
    domain::{Copy, Folder, Mailbox},
    store::{Content, KeptAnswer, Key, StoreError, Tombstone, rows},
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
        .execute(connection)
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
        .execute(connection)
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
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn delete_copies(
    connection: &mut PgConnection,
    deleted: &[Tombstone],
    time: i64,
) -> Result<(), StoreError> {
    if deleted.is_empty() {
        return Ok(());
    }
    let owners = column(deleted, |t| t.key.0);
    let ids = column(deleted, |t| t.key.1);
    sqlx::query(sql::DELETE_COPIES)
        .bind(&owners)
        .bind(&ids)
        .execute(&mut *connection)
        .await?;
    sqlx::query(sql::INSERT_TOMBSTONES)
        .bind(&owners)
        .bind(column(deleted, |t| t.change))
        .bind(&ids)
        .bind(time)
        .execute(&mut *connection)
        .await?;
    sqlx::query(sql::INSERT_ORPHANS)
        .bind(column(deleted, |_| new_id(Timestamp::from_micros(time))))
        .bind(column(deleted, |t| t.content_id))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn update_counts(
    connection: &mut PgConnection,
    mailboxes: &[Mailbox],
    folders: &[Folder],
) -> Result<(), StoreError> {
    if !mailboxes.is_empty() {
        sqlx::query(sql::UPDATE_MAILBOXES)
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
        sqlx::query(sql::UPDATE_FOLDERS)
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
        .execute(connection)
        .await?;
    Ok(())
}
