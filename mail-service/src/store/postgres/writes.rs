//! Statements of a transaction that are the same for sets of any size.

use sqlx::PgConnection;
use turbomessage_service_kit::{clock::Timestamp, telemetry::database::traced};
use uuid::Uuid;

use crate::{
    domain::{Copy, Mailbox},
    store::{
        Delivery, Key, LOST_CHANGES, Retention, Segment, SegmentState, StoreError, rows, statements,
    },
};

pub(super) async fn some_copies(
    connection: &mut PgConnection,
    owner: Uuid,
    limit: i64,
) -> Result<Vec<Copy>, StoreError> {
    let found: Vec<rows::CopyRow> = sqlx::query_as(statements::SOME_COPIES)
        .bind(owner)
        .bind(limit)
        .fetch_all(traced(connection))
        .await?;
    rows::all(found)
}

pub(super) async fn copies_in(
    connection: &mut PgConnection,
    (owner, folder_id): Key,
    limit: i64,
) -> Result<Vec<Copy>, StoreError> {
    let found: Vec<rows::CopyRow> = sqlx::query_as(statements::COPIES_IN)
        .bind(owner)
        .bind(folder_id)
        .bind(limit)
        .fetch_all(traced(connection))
        .await?;
    rows::all(found)
}

pub(super) async fn forget_history(
    connection: &mut PgConnection,
    mailbox: &Mailbox,
    kept: Retention,
    limit: i64,
) -> Result<(), StoreError> {
    let cut: i64 = sqlx::query_scalar(statements::HISTORY_CUT)
        .bind(mailbox.owner_id)
        .bind(limit)
        .bind(kept.since.as_micros())
        .bind(mailbox.last_change - kept.changes)
        .fetch_one(traced(&mut *connection))
        .await?;
    for statement in [statements::HISTORY_FORGET, statements::HISTORY_BEGIN] {
        sqlx::query(statement)
            .bind(cut.max(mailbox.oldest_change))
            .bind(mailbox.owner_id)
            .execute(traced(&mut *connection))
            .await?;
    }
    Ok(())
}

pub(super) async fn add_segment(
    connection: &mut PgConnection,
    segment: &Segment,
    state: SegmentState,
    time: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(statements::ADD_SEGMENT)
        .bind(segment.owner_id)
        .bind(segment.segment_id)
        .bind(segment.tokenizer)
        .bind(segment.message_count)
        .bind(segment.oldest_time.as_micros())
        .bind(segment.newest_time.as_micros())
        .bind(state as i16)
        .bind(time.as_micros())
        .execute(traced(connection))
        .await?;
    Ok(())
}

pub(super) async fn set_segment(
    connection: &mut PgConnection,
    (owner, segment_id): Key,
    (from, to): (SegmentState, SegmentState),
    time: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query(statements::SET_SEGMENT)
        .bind(to as i16)
        .bind(time.as_micros())
        .bind(owner)
        .bind(segment_id)
        .bind(from as i16)
        .execute(traced(connection))
        .await?;
    Ok(done.rows_affected() > 0)
}

pub(super) async fn drop_segment(
    connection: &mut PgConnection,
    (owner, segment_id): Key,
) -> Result<(), StoreError> {
    for statement in [statements::DROP_SEGMENT, statements::DROP_BLOCKS] {
        sqlx::query(statement)
            .bind(owner)
            .bind(segment_id)
            .execute(traced(&mut *connection))
            .await?;
    }
    Ok(())
}

pub(super) async fn set_indexed(
    connection: &mut PgConnection,
    owner: Uuid,
    (from, to): (Timestamp, Timestamp),
) -> Result<bool, StoreError> {
    let done = sqlx::query(statements::SET_INDEXED)
        .bind(to.as_micros())
        .bind(owner)
        .bind(from.as_micros())
        .execute(traced(connection))
        .await?;
    Ok(done.rows_affected() > 0)
}

pub(super) async fn purge(connection: &mut PgConnection, owner: Uuid) -> Result<(), StoreError> {
    for statement in statements::PURGE {
        sqlx::query(statement)
            .bind(owner)
            .execute(traced(&mut *connection))
            .await?;
    }
    Ok(())
}

pub(super) async fn orphans(
    connection: &mut PgConnection,
    limit: i64,
) -> Result<Vec<(Uuid, Uuid, Vec<Delivery>)>, StoreError> {
    let found: Vec<(Uuid, Uuid, Option<Vec<u8>>)> = sqlx::query_as(statements::ORPHANS)
        .bind(limit)
        .fetch_all(traced(connection))
        .await?;
    let deliveries = |bytes: Option<Vec<u8>>| rows::unpack_deliveries(&bytes.unwrap_or_default());
    Ok(found
        .into_iter()
        .map(|(entry, id, bytes)| (entry, id, deliveries(bytes)))
        .collect())
}

pub(super) async fn begin_anew(
    connection: &mut PgConnection,
    mark: &str,
    epoch: Uuid,
    time: Timestamp,
) -> Result<bool, StoreError> {
    let noted = sqlx::query(statements::RESTORE_NOTE)
        .bind(mark)
        .bind(time.as_micros())
        .execute(traced(&mut *connection))
        .await?;
    if noted.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query(statements::RESTORE_HISTORIES)
        .bind(epoch)
        .bind(LOST_CHANGES)
        .execute(traced(&mut *connection))
        .await?;
    for statement in [statements::RESTORE_FORGET, statements::RESTORE_FEED] {
        sqlx::query(statement)
            .execute(traced(&mut *connection))
            .await?;
    }
    Ok(true)
}

pub(super) async fn note_position(
    connection: &mut PgConnection,
    position: i64,
) -> Result<(), StoreError> {
    sqlx::query(statements::FEED_NOTE)
        .bind(position)
        .execute(traced(connection))
        .await?;
    Ok(())
}
