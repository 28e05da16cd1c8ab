//! Writing, in a transaction.

/// Functions that write, for one type of connection.
macro_rules! shared_writes {
    ($connection:ty) => {
        pub(super) async fn some_copies(
            connection: &mut $connection,
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
            connection: &mut $connection,
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
            connection: &mut $connection,
            mailbox: &Mailbox,
            kept: Retention,
            limit: i64,
        ) -> Result<(), StoreError> {
            let cut: i64 = sqlx::query_scalar(statements::HISTORY_CUT)
                .bind(mailbox.owner_id)
                .bind(kept.since.as_micros())
                .bind(mailbox.last_change - kept.changes)
                .bind(limit)
                .fetch_one(traced(&mut *connection))
                .await?;
            for statement in [statements::HISTORY_FORGET, statements::HISTORY_BEGIN] {
                sqlx::query(statement)
                    .bind(mailbox.owner_id)
                    .bind(cut.max(mailbox.oldest_change))
                    .execute(traced(&mut *connection))
                    .await?;
            }
            Ok(())
        }

        pub(super) async fn add_segment(
            connection: &mut $connection,
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
            connection: &mut $connection,
            (owner, segment_id): Key,
            (from, to): (SegmentState, SegmentState),
            time: Timestamp,
        ) -> Result<bool, StoreError> {
            let done = sqlx::query(statements::SET_SEGMENT)
                .bind(owner)
                .bind(segment_id)
                .bind(to as i16)
                .bind(time.as_micros())
                .bind(from as i16)
                .execute(traced(connection))
                .await?;
            Ok(done.rows_affected() > 0)
        }

        pub(super) async fn drop_segment(
            connection: &mut $connection,
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
            connection: &mut $connection,
            owner: Uuid,
            (from, to): (Timestamp, Timestamp),
        ) -> Result<bool, StoreError> {
            let done = sqlx::query(statements::SET_INDEXED)
                .bind(owner)
                .bind(to.as_micros())
                .bind(from.as_micros())
                .execute(traced(connection))
                .await?;
            Ok(done.rows_affected() > 0)
        }

        pub(super) async fn purge(
            connection: &mut $connection,
            owner: Uuid,
        ) -> Result<(), StoreError> {
            for statement in statements::PURGE {
                sqlx::query(statement)
                    .bind(owner)
                    .execute(traced(&mut *connection))
                    .await?;
            }
            Ok(())
        }

        pub(super) async fn orphans(
            connection: &mut $connection,
            limit: i64,
        ) -> Result<Vec<(Uuid, Uuid, Vec<Delivery>)>, StoreError> {
            let found: Vec<(Uuid, Uuid, Option<Vec<u8>>)> = sqlx::query_as(statements::ORPHANS)
                .bind(limit)
                .fetch_all(traced(connection))
                .await?;
            let deliveries =
                |bytes: Option<Vec<u8>>| rows::unpack_deliveries(&bytes.unwrap_or_default());
            Ok(found
                .into_iter()
                .map(|(entry, id, bytes)| (entry, id, deliveries(bytes)))
                .collect())
        }

        pub(super) async fn begin_anew(
            connection: &mut $connection,
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
            connection: &mut $connection,
            position: i64,
        ) -> Result<(), StoreError> {
            sqlx::query(statements::FEED_NOTE)
                .bind(position)
                .execute(traced(connection))
                .await?;
            Ok(())
        }
    };
}

pub(in crate::store) use shared_writes;
