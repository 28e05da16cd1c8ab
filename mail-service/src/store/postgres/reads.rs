//! Statements that read, and hold no transaction, where one that both engines take is enough.

use sqlx::PgPool;
use turbomessage_service_kit::{clock::Timestamp, telemetry::database::traced};
use uuid::Uuid;

use super::sql;
use crate::{
    domain::{Change, Copy, Cursor, Filter, Folder, Label, Mailbox},
    search::Block,
    store::{KeptAnswer, Key, Queue, Retention, Segment, StoreError, Unindexed, rows, statements},
};

pub(super) async fn mailbox(pool: &PgPool, owner: Uuid) -> Result<Option<Mailbox>, StoreError> {
    let row: Option<rows::MailboxRow> = sqlx::query_as(statements::MAILBOX)
        .bind(owner)
        .fetch_optional(traced(pool))
        .await?;
    Ok(row.map(Into::into))
}

pub(super) async fn folders(pool: &PgPool, owner: Uuid) -> Result<Vec<Folder>, StoreError> {
    let found: Vec<rows::FolderRow> = sqlx::query_as(statements::FOLDERS)
        .bind(owner)
        .fetch_all(traced(pool))
        .await?;
    rows::all(found)
}

pub(super) async fn list(
    pool: &PgPool,
    filter: &Filter,
    cursor: Cursor,
    limit: i64,
) -> Result<Vec<Copy>, StoreError> {
    let mut statement = sqlx::query_as(statements::list_of(filter))
        .bind(filter.owner_id)
        .bind(filter.folder_id);
    if let Some(label) = &filter.label {
        statement = statement.bind(label);
    }
    let statement = statement
        .bind(cursor.time.as_micros())
        .bind(cursor.id)
        .bind(limit);
    let found: Vec<rows::CopyRow> = statement.fetch_all(traced(pool)).await?;
    rows::all(found)
}

pub(super) async fn labels(pool: &PgPool, owner: Uuid) -> Result<Vec<Label>, StoreError> {
    let found: Vec<rows::LabelRow> = sqlx::query_as(statements::LABELS)
        .bind(owner)
        .fetch_all(traced(pool))
        .await?;
    rows::all(found)
}

pub(super) async fn threads(
    pool: &PgPool,
    owner: Uuid,
    folder_id: Uuid,
    cursor: Cursor,
    limit: i64,
) -> Result<Vec<Cursor>, StoreError> {
    let found: Vec<(Uuid, i64)> = sqlx::query_as(statements::THREADS)
        .bind(owner)
        .bind(folder_id)
        .bind(cursor.time.as_micros())
        .bind(cursor.id)
        .bind(limit)
        .fetch_all(traced(pool))
        .await?;
    Ok(found.into_iter().map(Cursor::from).collect())
}

pub(super) async fn thread_page(
    pool: &PgPool,
    owner: Uuid,
    thread_id: Uuid,
    cursor: Cursor,
    limit: i64,
) -> Result<Vec<Copy>, StoreError> {
    let found: Vec<rows::CopyRow> = sqlx::query_as(statements::THREAD_PAGE)
        .bind(owner)
        .bind(thread_id)
        .bind(cursor.time.as_micros())
        .bind(cursor.id)
        .bind(limit)
        .fetch_all(traced(pool))
        .await?;
    rows::all(found)
}

pub(super) async fn changes(
    pool: &PgPool,
    owner: Uuid,
    after: i64,
    limit: i64,
) -> Result<Vec<Change>, StoreError> {
    let found: Vec<rows::ChangeRow> = sqlx::query_as(statements::CHANGES)
        .bind(owner)
        .bind(after)
        .bind(limit)
        .fetch_all(traced(pool))
        .await?;
    rows::all(found)
}

pub(super) async fn due(
    pool: &PgPool,
    queue: Queue,
    time: Timestamp,
    limit: i64,
) -> Result<Vec<Key>, StoreError> {
    let statement = match queue {
        Queue::Outbox => statements::DUE,
        Queue::Trash => statements::TRASHED,
    };
    let statement = sqlx::query_as(statement).bind(time.as_micros()).bind(limit);
    Ok(statement.fetch_all(traced(pool)).await?)
}

pub(super) async fn long_histories(
    pool: &PgPool,
    owners: (Uuid, Uuid),
    kept: Retention,
) -> Result<Vec<Uuid>, StoreError> {
    let statement = sqlx::query_scalar(statements::LONG_HISTORIES)
        .bind(owners.0)
        .bind(owners.1)
        .bind(kept.since.as_micros())
        .bind(kept.changes);
    Ok(statement.fetch_all(traced(pool)).await?)
}

pub(super) async fn unindexed(
    pool: &PgPool,
    owner: Uuid,
    (after, until): (Timestamp, Timestamp),
) -> Result<Vec<Unindexed>, StoreError> {
    let found: Vec<rows::UnindexedRow> = sqlx::query_as(statements::UNINDEXED)
        .bind(owner)
        .bind(after.as_micros())
        .bind(until.as_micros())
        .fetch_all(traced(pool))
        .await?;
    rows::all(found)
}

pub(super) async fn unindexed_sizes(
    pool: &PgPool,
    owner: Uuid,
    after: Timestamp,
    limit: i64,
) -> Result<Vec<(Timestamp, i64)>, StoreError> {
    let found: Vec<(i64, i64)> = sqlx::query_as(statements::UNINDEXED_SIZES)
        .bind(owner)
        .bind(after.as_micros())
        .bind(limit)
        .fetch_all(traced(pool))
        .await?;
    let size = |(time, bytes)| (Timestamp::from_micros(time), bytes);
    Ok(found.into_iter().map(size).collect())
}

pub(super) async fn backlogs(
    pool: &PgPool,
    owners: (Uuid, Uuid),
    messages: i64,
) -> Result<Vec<Uuid>, StoreError> {
    let statement = sqlx::query_scalar(statements::BACKLOGS)
        .bind(owners.0)
        .bind(owners.1)
        .bind(messages);
    Ok(statement.fetch_all(traced(pool)).await?)
}

pub(super) async fn times(
    pool: &PgPool,
    owner: Uuid,
    (oldest, newest): (Timestamp, Timestamp),
) -> Result<Vec<Timestamp>, StoreError> {
    let found: Vec<i64> = sqlx::query_scalar(statements::TIMES)
        .bind(owner)
        .bind(oldest.as_micros())
        .bind(newest.as_micros())
        .fetch_all(traced(pool))
        .await?;
    Ok(found.into_iter().map(Timestamp::from_micros).collect())
}

pub(super) async fn segments(pool: &PgPool, owner: Uuid) -> Result<Vec<Segment>, StoreError> {
    let found: Vec<rows::SegmentRow> = sqlx::query_as(sql::SEGMENTS)
        .bind(owner)
        .fetch_all(traced(pool))
        .await?;
    rows::all(found)
}

pub(super) async fn blocks_after(
    pool: &PgPool,
    (owner, segment_id): Key,
    after: &[u8],
    limit: i64,
) -> Result<Vec<Block>, StoreError> {
    let found: Vec<rows::BlockRow> = sqlx::query_as(statements::BLOCKS_AFTER)
        .bind(owner)
        .bind(segment_id)
        .bind(after)
        .bind(limit)
        .fetch_all(traced(pool))
        .await?;
    Ok(found.into_iter().map(|row| row.into_block().1).collect())
}

pub(super) async fn correspondents(pool: &PgPool, owner: Uuid) -> Result<Vec<Uuid>, StoreError> {
    let statement = sqlx::query_scalar(statements::CORRESPONDENTS).bind(owner);
    Ok(statement.fetch_all(traced(pool)).await?)
}

pub(super) async fn unused_segments(
    pool: &PgPool,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<Key>, StoreError> {
    let statement = sqlx::query_as(statements::UNUSED_SEGMENTS)
        .bind(before.as_micros())
        .bind(limit);
    Ok(statement.fetch_all(traced(pool)).await?)
}

pub(super) async fn kept_answer(
    pool: &PgPool,
    request: Key,
) -> Result<Option<KeptAnswer>, StoreError> {
    let row: Option<rows::AnswerRow> = sqlx::query_as(statements::ANSWER)
        .bind(request.0)
        .bind(request.1)
        .fetch_optional(traced(pool))
        .await?;
    row.map(TryInto::try_into).transpose()
}

pub(super) async fn feed_position(pool: &PgPool) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar(statements::FEED_POSITION)
        .fetch_one(traced(pool))
        .await?)
}

pub(super) async fn owners(
    pool: &PgPool,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Uuid>, StoreError> {
    let statement = sqlx::query_scalar(statements::OWNERS)
        .bind(after)
        .bind(limit);
    Ok(statement.fetch_all(traced(pool)).await?)
}
