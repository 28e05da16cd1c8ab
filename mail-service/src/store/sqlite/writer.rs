//! The one connection that writes. It lives in a thread of its own, for SQLite has whoever calls it wait for the
//! disk; what is to be done goes there as functions, each of them one step of a transaction. Through rusqlite,
//! because it binds values as they are: sqlx would hop between threads for each statement, so that sets had to be
//! written as JSON and parsed again (ADR 9).

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use anyhow::anyhow;
use rusqlite::{CachedStatement, Connection, Params, Row};
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};
use tracing::Span;
use turbomessage_service_kit::telemetry::database;

use crate::store::StoreError;

/// How long a transaction waits for the one before it.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(8);
/// How long SQLite waits for another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// All statements that there are, with room.
const STATEMENTS: usize = 128;
/// What is kept in memory of the database, in KiB: each message comes into a dozen trees of two owners, and a page
/// that is read again for each of them costs more than what is written.
const CACHE_KIB: i64 = 64 * 1024;
/// After how many pages the log is written back into the database: less often than every thousand pages, because
/// a page that many batches change is written back once.
const CHECKPOINT_PAGES: i64 = 16_000;

type Step = Box<dyn FnOnce(&Connection) + Send>;

/// The way to the connection. When the last one is gone, the connection is closed.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    steps: Arc<Mutex<mpsc::Sender<Step>>>,
}

/// The connection, for one transaction.
pub(super) struct Lease {
    steps: OwnedMutexGuard<mpsc::Sender<Step>>,
}

impl Writer {
    /// Opens the database at `path`, which is there and in WAL mode.
    ///
    /// # Errors
    /// It cannot be opened.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // NORMAL may lose the last commits at a power cut.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        let (steps, waiting) = mpsc::channel::<Step>();
        thread::Builder::new()
            .name("mail-writer".into())
            .spawn(move || {
                for step in waiting {
                    // Whoever waits for it hears so; the transaction is undone as any that is given up.
                    let _ = catch_unwind(AssertUnwindSafe(|| step(&connection)));
                }
            })?;
        Ok(Self {
            steps: Arc::new(Mutex::new(steps)),
        })
    }

    /// The connection, as soon as nobody else has it.
    ///
    /// # Errors
    /// The transaction before takes too long.
    pub(super) async fn acquire(&self) -> Result<Lease, StoreError> {
        let free = Arc::clone(&self.steps).lock_owned();
        let steps = tokio::time::timeout(ACQUIRE_TIMEOUT, free).await;
        let steps = steps.map_err(|_| {
            let cause = anyhow!("another transaction took longer than {ACQUIRE_TIMEOUT:?}");
            StoreError::Unavailable(cause)
        })?;
        Ok(Lease { steps })
    }

    /// Whether a transaction has the connection.
    pub(super) fn is_used(&self) -> bool {
        self.steps.try_lock().is_err()
    }
}

impl Lease {
    /// Carries out a step, to its end even if nobody waits for it any more.
    ///
    /// # Errors
    /// The step's, or it panicked.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        step: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (done, answer) = oneshot::channel();
        let span = Span::current();
        self.post(move |connection| {
            let _ = done.send(span.in_scope(|| step(connection)));
        });
        answer
            .await
            .unwrap_or_else(|_| Err(StoreError::Refused(anyhow!("the writer panicked"))))
    }

    /// Has a step carried out after those before, without waiting for it.
    pub(super) fn post(&self, step: impl FnOnce(&Connection) + Send + 'static) {
        // The thread lives as long as there is somebody who can say this.
        let _ = self.steps.send(Box::new(step));
    }
}

/// Does what a statement is there for, within a span for it.
fn traced<T>(sql: &str, work: impl FnOnce() -> rusqlite::Result<T>) -> Result<T, StoreError> {
    let span = database::statement("sqlite", sql);
    let done = span.in_scope(work);
    if done.is_err() {
        database::failed(&span, "refused");
    }
    Ok(done?)
}

/// `SQLite` takes `$3` as the name of the parameter that is the third to be named, whatever that is.
fn prepared<'c>(connection: &'c Connection, sql: &str) -> rusqlite::Result<CachedStatement<'c>> {
    let statement = connection.prepare_cached(sql)?;
    debug_assert!(
        (1..=statement.parameter_count())
            .all(|n| statement.parameter_name(n) == Some(&format!("${n}"))),
        "parameters are named in their order: {sql}"
    );
    Ok(statement)
}

/// Carries out a statement; answers how many rows it changed.
pub(super) fn execute(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
) -> Result<usize, StoreError> {
    traced(sql, || prepared(connection, sql)?.execute(parameters))
}

/// Carries out a statement once for each of `rows`; answers how many rows it changed.
pub(super) fn each<'r, T: 'r>(
    connection: &Connection,
    sql: &str,
    rows: impl IntoIterator<Item = &'r T>,
    mut execute: impl FnMut(&mut CachedStatement<'_>, &'r T) -> rusqlite::Result<usize>,
) -> Result<usize, StoreError> {
    let mut rows = rows.into_iter().peekable();
    if rows.peek().is_none() {
        return Ok(0);
    }
    traced(sql, || {
        let mut statement = prepared(connection, sql)?;
        let mut changed = 0;
        for row in rows {
            changed += execute(&mut statement, row)?;
        }
        Ok(changed)
    })
}

/// The rows that a statement finds.
pub(super) fn fetch<P, R>(
    connection: &Connection,
    sql: &str,
    parameters: P,
) -> Result<Vec<R>, StoreError>
where
    P: Params,
    R: for<'r> TryFrom<&'r Row<'r>, Error = rusqlite::Error>,
{
    traced(sql, || {
        let mut found = Vec::new();
        read(&mut prepared(connection, sql)?, parameters, &mut found)?;
        Ok(found)
    })
}

/// The rows that a statement finds for each of `keys`.
pub(super) fn look_up<K, P, R>(
    connection: &Connection,
    sql: &str,
    keys: &[K],
    parameters: impl Fn(&K) -> P,
) -> Result<Vec<R>, StoreError>
where
    P: Params,
    R: for<'r> TryFrom<&'r Row<'r>, Error = rusqlite::Error>,
{
    traced(sql, || {
        let mut statement = prepared(connection, sql)?;
        let mut found = Vec::new();
        for key in keys {
            read(&mut statement, parameters(key), &mut found)?;
        }
        Ok(found)
    })
}

fn read<P, R>(
    statement: &mut CachedStatement<'_>,
    parameters: P,
    found: &mut Vec<R>,
) -> rusqlite::Result<()>
where
    P: Params,
    R: for<'r> TryFrom<&'r Row<'r>, Error = rusqlite::Error>,
{
    let mut rows = statement.query(parameters)?;
    while let Some(row) = rows.next()? {
        found.push(R::try_from(row)?);
    }
    Ok(())
}
