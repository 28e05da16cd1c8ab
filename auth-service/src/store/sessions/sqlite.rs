//! Sessions in a SQLite file, for a system in one process.

use std::{path::Path, time::Duration};

use sqlx::{query, query_as, query_scalar};
use tokio::sync::watch;
use turbomessage_service_kit::{clock::Timestamp, problem::Problem, telemetry::database::traced};
use uuid::Uuid;

use super::{history_expired, statements as sql_text, wait_for};
use crate::{
    domain::{DeviceName, RevokedSession, Session, TokenHash},
    store::{
        Limit, REVOCATIONS_AT_ONCE, Revocations, SessionStore, Which, Window,
        sql::{TIME_LIMIT, within},
        sqlite::SqliteFile,
    },
};

/// How long revocations are kept for readers that were away.
const HISTORY: Duration = Duration::from_secs(24 * 3600);

/// Sessions in a SQLite file.
#[derive(Debug)]
pub(crate) struct SqliteSessions {
    file: SqliteFile,
    revoked: watch::Sender<()>,
}

#[derive(sqlx::FromRow)]
struct SessionRow {
    session_id: Uuid,
    account_id: Uuid,
    device_name: String,
    create_time: i64,
    last_seen_time: i64,
    expire_time: i64,
    end_time: i64,
}

impl From<SessionRow> for Session {
    fn from(row: SessionRow) -> Self {
        Self {
            session_id: row.session_id,
            account_id: row.account_id,
            device_name: DeviceName::stored(row.device_name),
            create_time: Timestamp::from_micros(row.create_time),
            last_seen_time: Timestamp::from_micros(row.last_seen_time),
            expire_time: Timestamp::from_micros(row.expire_time),
            end_time: Timestamp::from_micros(row.end_time),
        }
    }
}

impl SqliteSessions {
    /// Opens the file at `path`, made if it is not there.
    ///
    /// # Errors
    /// The file cannot be opened or is no database.
    pub(crate) async fn open(path: &Path) -> anyhow::Result<Self> {
        let file = SqliteFile::open(
            path,
            sqlx::migrate!("migrations/sqlite/sessions"),
            ["sessions.writers", "sessions.readers"],
        )
        .await?;
        Ok(Self {
            file,
            revoked: watch::Sender::new(()),
        })
    }

    async fn touch(&self, token: TokenHash, session: &Session) -> Result<(), Problem> {
        let (seen, expire) = (session.last_seen_time, session.expire_time);
        self.file
            .transaction(move |connection| {
                Box::pin(async move {
                    query(sql_text::TOUCH)
                        .bind(token.as_bytes().to_vec())
                        .bind(seen.as_micros())
                        .bind(expire.as_micros())
                        .execute(traced(connection))
                        .await?;
                    Ok(())
                })
            })
            .await
    }

    async fn end_of_log(&self) -> Result<i64, Problem> {
        let read = query_scalar(sql_text::END_OF_LOG).fetch_optional(traced(self.file.readers()));
        Ok(within(TIME_LIMIT, read).await?.unwrap_or(0))
    }

    async fn read_log(&self, position: i64) -> Result<Revocations, Problem> {
        let end = self.end_of_log().await?;
        let read = query_as::<_, (i64, Uuid, Uuid)>(sql_text::REVOCATIONS_AFTER)
            .bind(position)
            .bind(i64::from(REVOCATIONS_AT_ONCE))
            .fetch_all(traced(self.file.readers()));
        let rows = within(TIME_LIMIT, read).await?;
        // Positions have no gap but where the log was cut.
        match rows.first() {
            Some((first, ..)) if *first != position + 1 => return Err(history_expired()),
            None if end != position => return Err(history_expired()),
            Some(_) | None => {}
        }
        let position = rows.last().map_or(position, |row| row.0);
        let sessions = rows
            .into_iter()
            .map(|(_, session_id, account_id)| RevokedSession {
                session_id,
                account_id,
            });
        Ok(Revocations {
            position: position.to_string(),
            sessions: sessions.collect(),
        })
    }
}

#[async_trait::async_trait]
impl SessionStore for SqliteSessions {
    async fn open(&self, session: &Session, token: &TokenHash) -> Result<(), Problem> {
        let (session, token) = (session.clone(), *token);
        self.file
            .transaction(move |connection| {
                Box::pin(async move {
                    query(sql_text::OPEN)
                        .bind(token.as_bytes().to_vec())
                        .bind(session.session_id)
                        .bind(session.account_id)
                        .bind(session.device_name.as_str())
                        .bind(session.create_time.as_micros())
                        .bind(session.last_seen_time.as_micros())
                        .bind(session.expire_time.as_micros())
                        .bind(session.end_time.as_micros())
                        .execute(traced(connection))
                        .await?;
                    Ok(())
                })
            })
            .await
    }

    async fn check(
        &self,
        token: &TokenHash,
        now: Timestamp,
        idle: Duration,
    ) -> Result<Option<Session>, Problem> {
        let read = query_as::<_, SessionRow>(sql_text::CHECK)
            .bind(token.as_bytes().to_vec())
            .bind(now.as_micros())
            .fetch_optional(traced(self.file.readers()));
        let Some(row) = within(TIME_LIMIT, read).await? else {
            return Ok(None);
        };
        let session = Session::from(row);
        if now.since(session.last_seen_time) < Session::TOUCH_AFTER {
            return Ok(Some(session));
        }
        let touched = Session {
            last_seen_time: now,
            expire_time: now.plus(idle).min(session.end_time),
            ..session.clone()
        };
        // A file that takes no writes must not lock anybody out.
        Ok(Some(match self.touch(*token, &touched).await {
            Ok(()) => touched,
            Err(_) => session,
        }))
    }

    async fn list(&self, account_id: Uuid, now: Timestamp) -> Result<Vec<Session>, Problem> {
        let read = query_as::<_, SessionRow>(sql_text::LIST)
            .bind(account_id)
            .bind(now.as_micros())
            .fetch_all(traced(self.file.readers()));
        let rows = within(TIME_LIMIT, read).await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    async fn revoke(&self, account_id: Uuid, which: Which, now: Timestamp) -> Result<u32, Problem> {
        // No session has the nil id.
        let (one, but) = match which {
            Which::One(id) => (Some(id), Uuid::nil()),
            Which::AllBut(id) => (None, id),
            Which::All => (None, Uuid::nil()),
        };
        let revoked = self
            .file
            .transaction(move |connection| {
                Box::pin(async move {
                    let logged = query(sql_text::LOG_REVOKED)
                        .bind(account_id)
                        .bind(one)
                        .bind(but)
                        .bind(now.as_micros())
                        .execute(traced(&mut *connection))
                        .await?;
                    query(sql_text::REVOKE)
                        .bind(account_id)
                        .bind(one)
                        .bind(but)
                        .execute(traced(connection))
                        .await?;
                    Ok(logged.rows_affected())
                })
            })
            .await?;
        self.revoked.send_replace(());
        Ok(u32::try_from(revoked).unwrap_or(u32::MAX))
    }

    async fn revocations_after(
        &self,
        position: Option<&str>,
        wait: Duration,
    ) -> Result<Revocations, Problem> {
        let Some(position) = position else {
            return Ok(Revocations {
                position: self.end_of_log().await?.to_string(),
                sessions: Vec::new(),
            });
        };
        let position: i64 = position.parse().map_err(|_| history_expired())?;
        wait_for(self.revoked.subscribe(), wait, || self.read_log(position)).await
    }

    async fn take_attempt(&self, limits: &[Limit], window: Window) -> Result<bool, Problem> {
        let limits = limits.to_vec();
        self.file
            .transaction(move |connection| {
                Box::pin(async move {
                    for limit in &limits {
                        let taken: Option<i64> = query_scalar(sql_text::ATTEMPTS)
                            .bind(limit.scope.to_vec())
                            .bind(window.start.as_micros())
                            .fetch_optional(traced(&mut *connection))
                            .await?;
                        if taken.unwrap_or(0) >= i64::from(limit.most) {
                            return Ok(false);
                        }
                    }
                    for limit in &limits {
                        query(sql_text::TAKE_ATTEMPT)
                            .bind(limit.scope.to_vec())
                            .bind(window.start.as_micros())
                            .bind(window.end.as_micros())
                            .execute(traced(&mut *connection))
                            .await?;
                    }
                    Ok(true)
                })
            })
            .await
    }

    async fn give_back_attempt(&self, limits: &[Limit], window: Window) -> Result<(), Problem> {
        let limits = limits.to_vec();
        self.file
            .transaction(move |connection| {
                Box::pin(async move {
                    for limit in &limits {
                        query(sql_text::GIVE_BACK_ATTEMPT)
                            .bind(limit.scope.to_vec())
                            .bind(window.start.as_micros())
                            .execute(traced(&mut *connection))
                            .await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    async fn clean_up(&self, now: Timestamp) -> Result<(), Problem> {
        self.file
            .transaction(move |connection| {
                Box::pin(async move {
                    for (text, before) in [
                        (sql_text::FORGET_SESSIONS, now),
                        (sql_text::FORGET_ATTEMPTS, now),
                        (sql_text::FORGET_REVOCATIONS, now.minus(HISTORY)),
                    ] {
                        query(text)
                            .bind(before.as_micros())
                            .execute(traced(&mut *connection))
                            .await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    async fn ping(&self) -> Result<(), Problem> {
        self.file.check_writes()?;
        self.end_of_log().await.map(drop)
    }
}
