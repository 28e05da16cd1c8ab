//! Connections, each in a thread of its own: SQLite has whoever calls it wait for the disk. What is to be done goes
//! there as a function, so that a call hops to another thread once and not for every row (ADR 9).

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
    thread,
    time::Duration,
};

use anyhow::anyhow;
use crossbeam_channel::{Receiver, Sender, unbounded};
use rusqlite::{Connection, OpenFlags, config::DbConfig};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tracing::Span;

use crate::store::StoreError;

/// How many connections read beside the one that writes.
const READERS: usize = 4;
/// How long a transaction waits for the one before it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(8);
/// How long a read waits for those before it.
const READ_TIMEOUT: Duration = Duration::from_secs(2);
/// How long SQLite waits for another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// All statements that there are, with room.
const STATEMENTS: usize = 128;
/// What the writer keeps in memory of the database, in KiB: each message comes into a dozen trees of two owners, and
/// a page that is read again for each of them costs more than what is written.
const WRITER_CACHE_KIB: i64 = 64 * 1024;
/// After how many pages the log is written back into the database. A page that many batches change is written back
/// once; 64 MiB are read in a moment when a program starts after a crash.
const CHECKPOINT_PAGES: i64 = 16_000;

type Step = Box<dyn FnOnce(&Connection) + Send>;

/// Some connections that are alike. When this is dropped, they are closed.
#[derive(Clone)]
pub(super) struct Connections {
    steps: Sender<Step>,
    free: Arc<Semaphore>,
    most: usize,
    patience: Duration,
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").finish_non_exhaustive()
    }
}

/// One of the connections.
pub(super) struct Lease {
    steps: Sender<Step>,
    permit: OwnedSemaphorePermit,
}

impl Connections {
    /// The one that writes to the database at `path`, which is there and in WAL mode.
    ///
    /// # Errors
    /// It cannot be opened.
    pub(super) fn writer(path: &Path) -> anyhow::Result<Self> {
        let connection = Connection::open(path)?;
        // NORMAL may lose the last commits at a power cut.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        Self::start("mail-writer", vec![connection], WRITE_TIMEOUT)
    }

    /// Those that read.
    ///
    /// # Errors
    /// They cannot be opened.
    pub(super) fn readers(path: &Path) -> anyhow::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = |_| Connection::open_with_flags(path, flags);
        let connections: Result<Vec<_>, _> = (0..READERS).map(open).collect();
        Self::start("mail-reader", connections?, READ_TIMEOUT)
    }

    fn start(name: &str, connections: Vec<Connection>, patience: Duration) -> anyhow::Result<Self> {
        let (steps, waiting) = unbounded();
        let most = connections.len();
        for connection in connections {
            connection.busy_timeout(BUSY_TIMEOUT)?;
            connection.set_prepared_statement_cache_capacity(STATEMENTS);
            // Else statements that a partial index could serve are planned anew for every parameter.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            let waiting = waiting.clone();
            let thread = thread::Builder::new().name(name.to_owned());
            thread.spawn(move || work(&connection, &waiting))?;
        }
        Ok(Self {
            steps,
            free: Arc::new(Semaphore::new(most)),
            most,
            patience,
        })
    }

    /// A connection, as soon as one is free.
    ///
    /// # Errors
    /// None is for too long.
    pub(super) async fn acquire(&self) -> Result<Lease, StoreError> {
        let free = Arc::clone(&self.free).acquire_owned();
        let Ok(Ok(permit)) = tokio::time::timeout(self.patience, free).await else {
            let cause = anyhow!("no connection was free within {:?}", self.patience);
            return Err(StoreError::Unavailable(cause));
        };
        Ok(Lease {
            steps: self.steps.clone(),
            permit,
        })
    }

    /// How many there are.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// How many are in use.
    pub(super) fn used(&self) -> usize {
        self.most.saturating_sub(self.free.available_permits())
    }
}

/// Does what is to be done, until nobody is left who could want anything.
fn work(connection: &Connection, waiting: &Receiver<Step>) {
    while let Ok(step) = waiting.recv() {
        // Whoever waits for it hears so; a transaction is undone as any that is given up.
        let _ = catch_unwind(AssertUnwindSafe(|| step(connection)));
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
        carry_out(&self.steps, step).await
    }

    /// The only step of a lease, which holds the connection to the step's end.
    ///
    /// # Errors
    /// See [`Self::run`].
    pub(super) async fn run_alone<T: Send + 'static>(
        self,
        step: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let Self { steps, permit } = self;
        // Free with the step, however late whoever waits for it looks at the answer.
        let alone = move |connection: &Connection| {
            let result = step(connection);
            drop(permit);
            result
        };
        carry_out(&steps, alone).await
    }

    /// Has a step carried out after those before, without waiting for it.
    pub(super) fn post(&self, step: impl FnOnce(&Connection) + Send + 'static) {
        hand_over(&self.steps, step);
    }
}

async fn carry_out<T: Send + 'static>(
    steps: &Sender<Step>,
    step: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let (done, answer) = oneshot::channel();
    let span = Span::current();
    hand_over(steps, move |connection| {
        let _ = done.send(span.in_scope(|| step(connection)));
    });
    answer
        .await
        .unwrap_or_else(|_| Err(StoreError::Refused(anyhow!("a step panicked"))))
}

fn hand_over(steps: &Sender<Step>, step: impl FnOnce(&Connection) + Send + 'static) {
    // The threads live as long as there is somebody who can say this.
    let _ = steps.send(Box::new(step));
}
