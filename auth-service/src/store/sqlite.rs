//! What every SQLite file of this service has: one writer, some readers, durable commits.

use std::{path::Path, time::Duration};

use anyhow::Context;
use futures::future::BoxFuture;
use sqlx::{
    Connection, SqliteConnection, SqlitePool,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use turbomessage_service_kit::{
    detached::detached, files, health::Writes, pool, problem::Problem, telemetry::metrics,
};

use super::sql::{self, ACQUIRE_TIMEOUT, TIME_LIMIT};

const READERS: u32 = 4;
/// How long to wait for another process that has the file, such as a backup.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// A database in a file.
#[derive(Debug, Clone)]
pub(crate) struct SqliteFile {
    writer: SqlitePool,
    readers: SqlitePool,
    writes: Writes,
}

impl SqliteFile {
    /// Opens the file at `path`, made if it is not there, readable by its owner alone, and brings
    /// its schema up to date. The names are those of its connections in metrics.
    ///
    /// # Errors
    /// The file cannot be opened or is no database.
    pub(crate) async fn open(
        path: &Path,
        migrations: Migrator,
        [writers_name, readers_name]: [&'static str; 2],
    ) -> anyhow::Result<Self> {
        // SQLite gives its other files the same permissions.
        files::make_private(path).with_context(|| format!("cannot open {}", path.display()))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            // NORMAL would lose the last commits in a power cut.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = |connections| {
            pool::options()
                .max_connections(connections)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .idle_timeout(None)
                .max_lifetime(None)
        };
        let writer = pool(1)
            .connect_with(options.clone())
            .await
            .with_context(|| format!("cannot open {}", path.display()))?;
        sql::migrate(migrations, &writer)
            .await
            .with_context(|| format!("cannot bring {} up to date", path.display()))?;
        let readers = pool(READERS).connect_lazy_with(options.read_only(true));
        metrics::watch_pool(writers_name, &writer);
        metrics::watch_pool(readers_name, &readers);
        Ok(Self {
            writer,
            readers,
            writes: Writes::default(),
        })
    }

    /// Fails if the file took no writes of late.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`.
    pub(crate) fn check_writes(&self) -> Result<(), Problem> {
        sql::check(&self.writes)
    }

    /// Where to read.
    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Runs `work` in a transaction that writes, to its end whether or not the caller waits.
    ///
    /// # Errors
    /// The database does not answer; then `work` may have been done or not.
    pub(crate) async fn transaction<T: Send + 'static>(
        &self,
        work: impl for<'t> FnOnce(&'t mut SqliteConnection) -> BoxFuture<'t, sqlx::Result<T>>
        + Send
        + 'static,
    ) -> Result<T, Problem> {
        let (pool, writes) = (self.writer.clone(), self.writes.clone());
        detached(async move {
            let mut connection = pool.acquire().await.map_err(sql::problem)?;
            let whole = async {
                // A deferred transaction that turns into a write ignores the busy timeout.
                let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
                let answer = work(&mut transaction).await?;
                transaction.commit().await?;
                Ok(answer)
            };
            let result = sql::within(TIME_LIMIT, whole).await;
            sql::note(&writes, &result);
            if result.is_err() {
                connection.close_on_drop();
            }
            result
        })
        .await
    }
}
