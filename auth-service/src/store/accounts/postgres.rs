//! Accounts in Postgres.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::anyhow;
use futures::future::BoxFuture;
use sqlx::{
    Connection, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio_util::sync::CancellationToken;
use turbomessage_service_kit::{
    detached::detached,
    health::Writes,
    pool,
    telemetry::{database::traced, metrics},
};

use super::{rows::EntryRow, shared::account_store};
use crate::store::sql::{self, ACQUIRE_TIMEOUT};

/// `$1` names.
const NAMED: &str = "\
    SELECT account_id, username, display_name, state FROM accounts \
    WHERE username = ANY($1) AND state = 'ACTIVE'";

/// `$1` ids.
const WITH_IDS: &str = "\
    SELECT account_id, username, display_name, state FROM accounts WHERE account_id = ANY($1)";

/// A server that is no longer the primary, or has an operator who says so, answers and takes no writes.
const READ_ONLY: &str = "SELECT current_setting('transaction_read_only') = 'on'";

const CONNECTIONS: u32 = 10;
/// A connection is closed at this age, so that reads do not stick to a server that is no longer the
/// primary.
const CONNECTION_AGE: Duration = Duration::from_secs(300);
/// How long bringing the schema up to date may take, waiting for other replicas included.
const MIGRATION_TIME: Duration = Duration::from_secs(600);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Accounts in Postgres.
#[derive(Debug)]
pub(crate) struct PostgresAccounts {
    pool: PgPool,
    /// Whether the schema is up to date: nothing is asked before.
    ready: Arc<AtomicBool>,
    added: watch::Sender<()>,
    writes: Writes,
}

impl PostgresAccounts {
    /// Accounts in the database that `options` name. It is connected to when it answers, and its
    /// schema brought up to date, in the background, until `shutdown`.
    pub(crate) fn open(options: &PgConnectOptions, shutdown: CancellationToken) -> Self {
        let ready = Arc::new(AtomicBool::new(false));
        tokio::spawn(prepare(options.clone(), Arc::clone(&ready), shutdown));
        let options = options.clone().options([
            ("statement_timeout", "3s"),
            ("lock_timeout", "2s"),
            ("idle_in_transaction_session_timeout", "5s"),
        ]);
        let pool = pool::options()
            .max_connections(CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .max_lifetime(CONNECTION_AGE)
            .connect_lazy_with(options);
        metrics::watch_pool("accounts", &pool);
        Self {
            pool,
            ready,
            added: watch::Sender::new(()),
            writes: Writes::default(),
        }
    }

    fn readers(&self) -> Result<&PgPool, Problem> {
        if self.ready.load(Ordering::Acquire) {
            Ok(&self.pool)
        } else {
            let cause = anyhow!("the schema is not known to be up to date yet");
            Err(Problem::store_unavailable(cause))
        }
    }

    async fn transaction<T: Send + 'static>(
        &self,
        work: impl for<'t> FnOnce(&'t mut PgConnection) -> BoxFuture<'t, sqlx::Result<T>>
        + Send
        + 'static,
    ) -> Result<T, Problem> {
        let (pool, writes) = (self.readers()?.clone(), self.writes.clone());
        detached(async move {
            let mut connection = pool.acquire().await.map_err(sql::problem)?;
            let whole = async {
                let mut transaction = connection.begin().await?;
                let answer = work(&mut transaction).await?;
                transaction.commit().await?;
                Ok(answer)
            };
            let result = within(TIME_LIMIT, whole).await;
            sql::note(&writes, &result);
            if result.is_err() {
                // Its state is not known, or its server has become read-only.
                connection.close_on_drop();
            }
            result
        })
        .await
    }

    async fn check_writes(&self) -> Result<(), Problem> {
        sql::check(&self.writes)?;
        let read = query_scalar(READ_ONLY).fetch_one(traced(self.readers()?));
        if within(TIME_LIMIT, read).await? {
            return Err(Problem::store_unavailable(anyhow!("it is read-only")));
        }
        Ok(())
    }

    async fn named(&self, usernames: &[Username]) -> Result<Vec<EntryRow>, Problem> {
        let names: Vec<_> = usernames.iter().map(|n| n.as_str().to_owned()).collect();
        let read = query_as(NAMED)
            .bind(names)
            .fetch_all(traced(self.readers()?));
        within(TIME_LIMIT, read).await
    }

    async fn with_ids(&self, account_ids: &[Uuid]) -> Result<Vec<EntryRow>, Problem> {
        let read = query_as(WITH_IDS)
            .bind(account_ids.to_vec())
            .fetch_all(traced(self.readers()?));
        within(TIME_LIMIT, read).await
    }
}

/// Tries again and again to bring the schema up to date.
async fn prepare(options: PgConnectOptions, ready: Arc<AtomicBool>, shutdown: CancellationToken) {
    let work = async {
        let mut pause = Duration::from_millis(100);
        while let Err(error) = migrate(options.clone()).await {
            tracing::warn!(
                error.cause = format!("{error:#}"),
                "the database is not ready"
            );
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        ready.store(true, Ordering::Release);
    };
    tokio::select! {
        () = work => {}
        () = shutdown.cancelled() => {}
    }
}

/// Over a connection of its own, which waits for other replicas for longer than a call may.
async fn migrate(options: PgConnectOptions) -> anyhow::Result<()> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_with(options)
        .await?;
    let migrations = sqlx::migrate!("migrations/postgres/accounts");
    tokio::time::timeout(MIGRATION_TIME, sql::migrate(migrations, &pool)).await??;
    pool.close().await;
    Ok(())
}

account_store!(PostgresAccounts, PgConnection);
