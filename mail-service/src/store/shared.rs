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
            size: PageSize,
        ) -> Result<Vec<Copy>, StoreError> {
            let statement = match (filter.unread_only, filter.starred_only) {
                (false, false) => statements::LIST,
                (true, false) => statements::LIST_UNREAD,
                (false, true) => statements::LIST_STARRED,
                (true, true) => statements::LIST_UNREAD_STARRED,
            };
            let found: Vec<rows::CopyRow> = sqlx::query_as(statement)
                .bind(filter.owner_id)
                .bind(filter.folder_id)
                .bind(cursor.receive_time.as_micros())
                .bind(cursor.message_id)
                .bind(size.get() + 1)
                .fetch_all(pool)
                .await?;
            rows::all(found)
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
