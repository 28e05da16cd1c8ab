//! The account store, written once for both engines. A store gives four things: `readers()`, a
//! pool; `transaction(work)`; `check_writes()`; and `added`, the bell for new events. Drivers' types differ, so this
//! is a macro: generics over `sqlx::Database` would need a wall of bounds.

macro_rules! account_store {
    ($store:ty, $connection:ty) => {
        use sqlx::{query, query_as, query_scalar};
        use tokio::sync::watch;
        use turbomessage_service_kit::{
            clock::Timestamp,
            problem::{Problem, Reason},
        };
        use uuid::Uuid;

        use super::{
            rows::{AccountRow, EventRow},
            statements as sql_text,
        };
        use crate::{
            domain::{Account, Credentials, DirectoryEntry, DisplayName, PasswordHash, Username},
            store::{
                AccountEvents, AccountStore,
                sql::{TIME_LIMIT, within},
            },
        };

        /// Adds an event to the log, at the end of the transaction that makes the change.
        async fn append(
            connection: &mut $connection,
            account_id: Uuid,
            kind: &'static str,
            now: Timestamp,
        ) -> sqlx::Result<()> {
            let position: i64 = query_scalar(sql_text::NEXT_POSITION)
                .fetch_one(traced(&mut *connection))
                .await?;
            query(sql_text::APPEND_EVENT)
                .bind(position)
                .bind(account_id)
                .bind(kind)
                .bind(now.as_micros())
                .execute(traced(connection))
                .await?;
            Ok(())
        }

        #[async_trait::async_trait]
        impl AccountStore for $store {
            async fn open(&self, account: &Account, hash: &PasswordHash) -> Result<(), Problem> {
                let (account, hash) = (account.clone(), hash.clone());
                let opened = self
                    .transaction(move |connection| {
                        Box::pin(async move {
                            let inserted = query(sql_text::OPEN)
                                .bind(account.account_id)
                                .bind(account.username.as_str())
                                .bind(account.display_name.as_str())
                                .bind(hash.as_str())
                                .bind(account.create_time.as_micros())
                                .execute(traced(&mut *connection))
                                .await?;
                            if inserted.rows_affected() == 0 {
                                return Ok(false);
                            }
                            let now = account.create_time;
                            append(connection, account.account_id, "OPENED", now).await?;
                            Ok(true)
                        })
                    })
                    .await?;
                if !opened {
                    return Err(Problem::new(Reason::UsernameTaken));
                }
                self.added.send_replace(());
                Ok(())
            }

            async fn find(&self, account_id: Uuid) -> Result<Option<Credentials>, Problem> {
                let read = query_as::<_, AccountRow>(sql_text::FIND)
                    .bind(account_id)
                    .fetch_optional(traced(self.readers()?));
                Ok(within(TIME_LIMIT, read).await?.map(Into::into))
            }

            async fn find_named(
                &self,
                username: &Username,
            ) -> Result<Option<Credentials>, Problem> {
                let read = query_as::<_, AccountRow>(sql_text::FIND_NAMED)
                    .bind(username.as_str())
                    .fetch_optional(traced(self.readers()?));
                Ok(within(TIME_LIMIT, read).await?.map(Into::into))
            }

            async fn rename(
                &self,
                account_id: Uuid,
                display_name: &DisplayName,
                now: Timestamp,
            ) -> Result<Option<Account>, Problem> {
                let display_name = display_name.clone();
                let renamed = self
                    .transaction(move |connection| {
                        Box::pin(async move {
                            let row = query_as::<_, AccountRow>(sql_text::RENAME)
                                .bind(account_id)
                                .bind(display_name.as_str())
                                .fetch_optional(traced(&mut *connection))
                                .await?;
                            if row.is_some() {
                                append(connection, account_id, "RENAMED", now).await?;
                            }
                            Ok(row)
                        })
                    })
                    .await?;
                self.added.send_replace(());
                Ok(renamed.map(|row| Credentials::from(row).account))
            }

            async fn change_password(
                &self,
                account_id: Uuid,
                from: &PasswordHash,
                to: &PasswordHash,
            ) -> Result<bool, Problem> {
                let (from, to) = (from.clone(), to.clone());
                self.transaction(move |connection| {
                    Box::pin(async move {
                        let changed = query(sql_text::CHANGE_PASSWORD)
                            .bind(account_id)
                            .bind(from.as_str())
                            .bind(to.as_str())
                            .execute(traced(connection))
                            .await?;
                        Ok(changed.rows_affected() > 0)
                    })
                })
                .await
            }

            async fn delete(
                &self,
                account_id: Uuid,
                hash: &PasswordHash,
                now: Timestamp,
            ) -> Result<bool, Problem> {
                let hash = hash.clone();
                let deleted = self
                    .transaction(move |connection| {
                        Box::pin(async move {
                            let erased = query(sql_text::DELETE)
                                .bind(account_id)
                                .bind(hash.as_str())
                                .bind(now.as_micros())
                                .execute(traced(&mut *connection))
                                .await?;
                            if erased.rows_affected() == 0 {
                                return Ok(false);
                            }
                            append(connection, account_id, "DELETED", now).await?;
                            Ok(true)
                        })
                    })
                    .await?;
                self.added.send_replace(());
                Ok(deleted)
            }

            async fn look_up(
                &self,
                usernames: &[Username],
                account_ids: &[Uuid],
            ) -> Result<Vec<DirectoryEntry>, Problem> {
                let mut found = Vec::with_capacity(usernames.len() + account_ids.len());
                if !usernames.is_empty() {
                    found.extend(self.named(usernames).await?.into_iter().map(Into::into));
                }
                if !account_ids.is_empty() {
                    found.extend(
                        self.with_ids(account_ids)
                            .await?
                            .into_iter()
                            .map(Into::into),
                    );
                }
                Ok(found)
            }

            async fn events_after(
                &self,
                position: i64,
                most: u32,
            ) -> Result<AccountEvents, Problem> {
                let read = query_as::<_, EventRow>(sql_text::EVENTS_AFTER)
                    .bind(position)
                    .bind(i64::from(most))
                    .fetch_all(traced(self.readers()?));
                Ok(AccountEvents::read(
                    position,
                    within(TIME_LIMIT, read).await?,
                ))
            }

            async fn end_of_events(&self) -> Result<i64, Problem> {
                let read = query_scalar(sql_text::END_OF_EVENTS).fetch_one(traced(self.readers()?));
                within(TIME_LIMIT, read).await
            }

            fn events_added(&self) -> watch::Receiver<()> {
                self.added.subscribe()
            }

            async fn follower_position(&self, follower: &str) -> Result<i64, Problem> {
                let read = query_scalar(sql_text::FOLLOWER_POSITION)
                    .bind(follower)
                    .fetch_optional(traced(self.readers()?));
                Ok(within(TIME_LIMIT, read).await?.unwrap_or(0))
            }

            async fn advance_follower(&self, follower: &str, position: i64) -> Result<(), Problem> {
                let follower = follower.to_owned();
                self.transaction(move |connection| {
                    Box::pin(async move {
                        query(sql_text::ADVANCE_FOLLOWER)
                            .bind(follower)
                            .bind(position)
                            .execute(traced(connection))
                            .await?;
                        Ok(())
                    })
                })
                .await
            }

            async fn ping(&self) -> Result<(), Problem> {
                self.check_writes().await?;
                self.end_of_events().await.map(drop)
            }
        }

        #[cfg(any(test, feature = "conformance"))]
        impl $store {
            /// Prepares every statement and compares its parameters with those it names.
            pub(crate) async fn prepare_all(&self) -> Result<(), Problem> {
                use sqlx::{Either, Executor, SqlSafeStr, Statement};

                for text in sql_text::ALL.iter().chain(&[NAMED, WITH_IDS]) {
                    let mut connection = within(TIME_LIMIT, self.readers()?.acquire()).await?;
                    let prepare = connection.prepare((*text).into_sql_str());
                    let statement = within(TIME_LIMIT, prepare).await?;
                    let known = statement.parameters().map_or(0, |either| match either {
                        Either::Left(types) => types.len(),
                        Either::Right(count) => count,
                    });
                    let named = (1..10).filter(|n| text.contains(&format!("${n}"))).count();
                    assert_eq!(known, named, "parameters of {text}");
                }
                Ok(())
            }
        }
    };
}

pub(super) use account_store;
