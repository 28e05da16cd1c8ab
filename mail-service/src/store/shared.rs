//! What both engines do in the same words, written once: the macros give each engine functions for
//! its own types of pool and connection.

/// Reading, in single statements that hold no transaction.
macro_rules! shared_reads {
    ($pool:ty) => {
        pub(super) async fn mailbox(
            pool: &$pool,
            owner: Uuid,
        ) -> Result<Option<Mailbox>, StoreError> {
            let row: Option<rows::MailboxRow> = sqlx::query_as(statements::MAILBOX)
                .bind(owner)
                .fetch_optional(pool)
                .await?;
            Ok(row.map(Into::into))
        }

        pub(super) async fn folders(pool: &$pool, owner: Uuid) -> Result<Vec<Folder>, StoreError> {
            let found: Vec<rows::FolderRow> = sqlx::query_as(statements::FOLDERS)
                .bind(owner)
                .fetch_all(pool)
                .await?;
            rows::all(found)
        }

        pub(super) async fn list(
            pool: &$pool,
            filter: &Filter,
            cursor: Cursor,
            limit: i64,
        ) -> Result<Vec<Copy>, StoreError> {
            let only = (filter.unread_only, filter.starred_only);
            let statement = match (filter.label.is_some(), only) {
                (false, (false, false)) => statements::LIST,
                (false, (true, false)) => statements::LIST_UNREAD,
                (false, (false, true)) => statements::LIST_STARRED,
                (false, (true, true)) => statements::LIST_UNREAD_STARRED,
                (true, (false, false)) => statements::LIST_LABELLED,
                (true, (true, false)) => statements::LIST_LABELLED_UNREAD,
                (true, (false, true)) => statements::LIST_LABELLED_STARRED,
                (true, (true, true)) => statements::LIST_LABELLED_UNREAD_STARRED,
            };
            let mut statement = sqlx::query_as(statement)
                .bind(filter.owner_id)
                .bind(filter.folder_id)
                .bind(cursor.time.as_micros())
                .bind(cursor.id)
                .bind(limit);
            if let Some(label) = &filter.label {
                statement = statement.bind(label);
            }
            let found: Vec<rows::CopyRow> = statement.fetch_all(pool).await?;
            rows::all(found)
        }

        pub(super) async fn labels(pool: &$pool, owner: Uuid) -> Result<Vec<Label>, StoreError> {
            let found: Vec<rows::LabelRow> = sqlx::query_as(statements::LABELS)
                .bind(owner)
                .fetch_all(pool)
                .await?;
            rows::all(found)
        }

        pub(super) async fn threads(
            pool: &$pool,
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
                .fetch_all(pool)
                .await?;
            let place = |(id, time)| Cursor {
                time: Timestamp::from_micros(time),
                id,
            };
            Ok(found.into_iter().map(place).collect())
        }

        pub(super) async fn thread_page(
            pool: &$pool,
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
                .fetch_all(pool)
                .await?;
            rows::all(found)
        }

        pub(super) async fn changes(
            pool: &$pool,
            owner: Uuid,
            after: i64,
            limit: i64,
        ) -> Result<Vec<Change>, StoreError> {
            let found: Vec<rows::ChangeRow> = sqlx::query_as(statements::CHANGES)
                .bind(owner)
                .bind(after)
                .bind(limit)
                .fetch_all(pool)
                .await?;
            rows::all(found)
        }

        pub(super) async fn due(
            pool: &$pool,
            queue: Queue,
            time: Timestamp,
            limit: i64,
        ) -> Result<Vec<Key>, StoreError> {
            let statement = match queue {
                Queue::Outbox => statements::DUE,
                Queue::Trash => statements::TRASHED,
            };
            let statement = sqlx::query_as(statement).bind(time.as_micros()).bind(limit);
            Ok(statement.fetch_all(pool).await?)
        }

        pub(super) async fn long_histories(
            pool: &$pool,
            owners: (Uuid, Uuid),
            kept: Retention,
        ) -> Result<Vec<Uuid>, StoreError> {
            let statement = sqlx::query_scalar(statements::LONG_HISTORIES)
                .bind(owners.0)
                .bind(owners.1)
                .bind(kept.since.as_micros())
                .bind(kept.changes);
            Ok(statement.fetch_all(pool).await?)
        }

        pub(super) async fn unindexed(
            pool: &$pool,
            owner: Uuid,
            (after, until): (Timestamp, Timestamp),
        ) -> Result<Vec<Unindexed>, StoreError> {
            let found: Vec<rows::UnindexedRow> = sqlx::query_as(statements::UNINDEXED)
                .bind(owner)
                .bind(after.as_micros())
                .bind(until.as_micros())
                .fetch_all(pool)
                .await?;
            rows::all(found)
        }

        pub(super) async fn unindexed_sizes(
            pool: &$pool,
            owner: Uuid,
            after: Timestamp,
            limit: i64,
        ) -> Result<Vec<(Timestamp, i64)>, StoreError> {
            let found: Vec<(i64, i64)> = sqlx::query_as(statements::UNINDEXED_SIZES)
                .bind(owner)
                .bind(after.as_micros())
                .bind(limit)
                .fetch_all(pool)
                .await?;
            let size = |(time, bytes)| (Timestamp::from_micros(time), bytes);
            Ok(found.into_iter().map(size).collect())
        }

        pub(super) async fn backlogs(
            pool: &$pool,
            owners: (Uuid, Uuid),
            messages: i64,
        ) -> Result<Vec<Uuid>, StoreError> {
            let statement = sqlx::query_scalar(statements::BACKLOGS)
                .bind(owners.0)
                .bind(owners.1)
                .bind(messages);
            Ok(statement.fetch_all(pool).await?)
        }

        pub(super) async fn times(
            pool: &$pool,
            owner: Uuid,
            (oldest, newest): (Timestamp, Timestamp),
        ) -> Result<Vec<Timestamp>, StoreError> {
            let found: Vec<i64> = sqlx::query_scalar(statements::TIMES)
                .bind(owner)
                .bind(oldest.as_micros())
                .bind(newest.as_micros())
                .fetch_all(pool)
                .await?;
            Ok(found.into_iter().map(Timestamp::from_micros).collect())
        }

        pub(super) async fn segments(
            pool: &$pool,
            owner: Uuid,
        ) -> Result<Vec<Segment>, StoreError> {
            let found: Vec<rows::SegmentRow> = sqlx::query_as(statements::SEGMENTS)
                .bind(owner)
                .fetch_all(pool)
                .await?;
            rows::all(found)
        }

        pub(super) async fn blocks_after(
            pool: &$pool,
            (owner, segment_id): Key,
            after: &[u8],
            limit: i64,
        ) -> Result<Vec<Block>, StoreError> {
            let found: Vec<rows::BlockRow> = sqlx::query_as(statements::BLOCKS_AFTER)
                .bind(owner)
                .bind(segment_id)
                .bind(after)
                .bind(limit)
                .fetch_all(pool)
                .await?;
            Ok(found.into_iter().map(|row| row.into_block().1).collect())
        }

        pub(super) async fn correspondents(
            pool: &$pool,
            owner: Uuid,
        ) -> Result<Vec<Uuid>, StoreError> {
            let statement = sqlx::query_scalar(statements::CORRESPONDENTS).bind(owner);
            Ok(statement.fetch_all(pool).await?)
        }

        pub(super) async fn unused_segments(
            pool: &$pool,
            before: Timestamp,
            limit: i64,
        ) -> Result<Vec<Key>, StoreError> {
            let statement = sqlx::query_as(statements::UNUSED_SEGMENTS)
                .bind(before.as_micros())
                .bind(limit);
            Ok(statement.fetch_all(pool).await?)
        }

        pub(super) async fn kept_answer(
            pool: &$pool,
            request: Key,
        ) -> Result<Option<KeptAnswer>, StoreError> {
            let row: Option<rows::AnswerRow> = sqlx::query_as(statements::ANSWER)
                .bind(request.0)
                .bind(request.1)
                .fetch_optional(pool)
                .await?;
            row.map(TryInto::try_into).transpose()
        }

        pub(super) async fn feed_position(pool: &$pool) -> Result<i64, StoreError> {
            Ok(sqlx::query_scalar(statements::FEED_POSITION)
                .fetch_one(pool)
                .await?)
        }

        pub(super) async fn owners(
            pool: &$pool,
            after: Uuid,
            limit: i64,
        ) -> Result<Vec<Uuid>, StoreError> {
            let statement = sqlx::query_scalar(statements::OWNERS)
                .bind(after)
                .bind(limit);
            Ok(statement.fetch_all(pool).await?)
        }
    };
}

/// Writing, in a transaction.
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
                .fetch_all(connection)
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
                .fetch_all(connection)
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
                .fetch_one(&mut *connection)
                .await?;
            for statement in [statements::HISTORY_FORGET, statements::HISTORY_BEGIN] {
                sqlx::query(statement)
                    .bind(mailbox.owner_id)
                    .bind(cut.max(mailbox.oldest_change))
                    .execute(&mut *connection)
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
                .execute(connection)
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
                .execute(connection)
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
                    .execute(&mut *connection)
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
                .execute(connection)
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
                    .execute(&mut *connection)
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
                .fetch_all(connection)
                .await?;
            let deliveries =
                |bytes: Option<Vec<u8>>| rows::unpack_deliveries(&bytes.unwrap_or_default());
            Ok(found
                .into_iter()
                .map(|(entry, id, bytes)| (entry, id, deliveries(bytes)))
                .collect())
        }

        pub(super) async fn note_position(
            connection: &mut $connection,
            position: i64,
        ) -> Result<(), StoreError> {
            sqlx::query(statements::FEED_NOTE)
                .bind(position)
                .execute(connection)
                .await?;
            Ok(())
        }
    };
}

pub(super) use {shared_reads, shared_writes};
