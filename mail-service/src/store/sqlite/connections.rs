//! Connections, each in a thread of its own: SQLite has whoever calls it wait for the disk. What is to be done goes
//! there as a function, so that a call hops to another thread once and not for every row (ADR 9). The one that writes
//! lives in a runtime, and tasks that write are at home there: what they do needs no hop at all, while it holds up
//! everybody else who writes (ADR 12).

use std::{
    cell::RefCell,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    pin::pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::anyhow;
use crossbeam_channel::{Receiver, Sender, unbounded};
use rusqlite::{Connection, OpenFlags, config::DbConfig};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::{Instant, timeout, timeout_at},
};
use tracing::Span;
use turbomessage_service_kit::event_loop::EventLoop;

use crate::store::StoreError;

/// How many connections read beside the one that writes.
const READERS: usize = 4;
/// How many reads may be let in at once: beside each that is carried out another one, which the reader finds when it is done.
/// With one for each, readers fell asleep after every step and had to be woken (measured in docs/performance.md).
const READS: usize = 2 * READERS;
/// How long a transaction waits for the one before it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(8);
/// How long a read waits until it begins. One that has begun takes as long as the disk does.
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

thread_local! {
    /// The connection that lives in this thread.
    static HERE: RefCell<Option<Rc<Connection>>> = const { RefCell::new(None) };
}

/// Some connections that are alike. When this is dropped, they are closed.
#[derive(Clone)]
pub(super) struct Connections {
    place: Place,
    /// Leases that can still be had, of `leases`.
    free: Arc<Semaphore>,
    leases: usize,
    /// How many connections there are.
    most: usize,
    patience: Duration,
}

/// Where steps are carried out.
#[derive(Clone)]
enum Place {
    /// In whichever thread is free.
    Threads(Sender<Step>),
    /// In one thread, which is that of a runtime.
    Home(Arc<Home>),
}

struct Home(EventLoop);

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").finish_non_exhaustive()
    }
}

/// One of the connections.
pub(super) struct Lease {
    place: Place,
    /// Taken by somebody at home: what is done there needs no hop, and what was handed over before has been done.
    at_home: bool,
    permit: OwnedSemaphorePermit,
}

impl Connections {
    /// The one that writes to the database at `path`, which is there and in WAL mode.
    ///
    /// # Errors
    /// It cannot be opened.
    pub(super) fn writer(path: &Path) -> anyhow::Result<Self> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        set_up(&connection)?;
        Ok(Self {
            place: Place::Home(Arc::new(Home::of(connection)?)),
            free: Arc::new(Semaphore::new(1)),
            leases: 1,
            most: 1,
            patience: WRITE_TIMEOUT,
        })
    }

    /// Those that read.
    ///
    /// # Errors
    /// They cannot be opened.
    pub(super) fn readers(path: &Path) -> anyhow::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let (steps, waiting) = unbounded();
        for _ in 0..READERS {
            let connection = Connection::open_with_flags(path, flags)?;
            set_up(&connection)?;
            let waiting = waiting.clone();
            let thread = thread::Builder::new().name("mail-reader".into());
            thread.spawn(move || work(&connection, &waiting))?;
        }
        Ok(Self {
            place: Place::Threads(steps),
            free: Arc::new(Semaphore::new(READS)),
            leases: READS,
            most: READERS,
            patience: READ_TIMEOUT,
        })
    }

    /// The runtime of the thread in which the connection lives, if it is only one.
    pub(super) fn home(&self) -> Option<Handle> {
        match &self.place {
            Place::Threads(_) => None,
            Place::Home(home) => Some(home.0.runtime().clone()),
        }
    }

    /// A connection, as soon as one is free or will be with its next step.
    ///
    /// # Errors
    /// None is for too long.
    pub(super) async fn acquire(&self) -> Result<Lease, StoreError> {
        let free = Arc::clone(&self.free).acquire_owned();
        let Ok(Ok(permit)) = timeout(self.patience, free).await else {
            return Err(busy(self.patience));
        };
        Ok(Lease {
            place: self.place.clone(),
            at_home: self.place.here().is_some(),
            permit,
        })
    }

    /// Carries out a step that needs no other beside it, to its end even if nobody waits for it any more. The connection
    /// is free with the step, however late whoever waits for it looks at the answer.
    ///
    /// # Errors
    /// The step's, or it panicked. No connection was free for too long, and the step is not carried out.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        step: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let until = Instant::now() + self.patience;
        let Lease {
            place,
            at_home,
            permit,
        } = self.acquire().await?;
        let begun = Arc::new(AtomicBool::new(false));
        let (taken, patience) = (Arc::clone(&begun), self.patience);
        let alone = move |connection: &Connection| {
            let given_up = taken.swap(true, Ordering::AcqRel);
            let result = if given_up {
                Err(busy(patience))
            } else {
                step(connection)
            };
            drop(permit);
            result
        };
        let mut answer = pin!(carry_out(&place, at_home, alone));
        match timeout_at(until, &mut answer).await {
            Ok(answer) => answer,
            // Whoever is first: it is carried out, or given up.
            Err(_) if begun.swap(true, Ordering::AcqRel) => answer.await,
            Err(_) => Err(busy(self.patience)),
        }
    }

    /// Carries out a step beside those of whoever has the connection.
    #[cfg(test)]
    pub(super) async fn beside<T: Send + 'static>(
        &self,
        step: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        carry_out(&self.place, false, step).await
    }

    /// How many there are.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// How many are in use.
    pub(super) fn used(&self) -> usize {
        let leased = self.leases.saturating_sub(self.free.available_permits());
        leased.min(self.most)
    }
}

fn busy(patience: Duration) -> StoreError {
    StoreError::Unavailable(anyhow!("no connection was free within {patience:?}"))
}

fn set_up(connection: &Connection) -> anyhow::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Else statements that a partial index could serve are planned anew for every parameter.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// Does what is to be done, until nobody is left who could want anything.
fn work(connection: &Connection, waiting: &Receiver<Step>) {
    while let Ok(step) = waiting.recv() {
        // Whoever waits for it hears so; a transaction is undone as any that is given up.
        let _ = catch_unwind(AssertUnwindSafe(|| step(connection)));
    }
}

impl Home {
    /// A thread with a runtime, in which `connection` lives until this is dropped.
    fn of(connection: Connection) -> anyhow::Result<Self> {
        // What its tasks leave undone, they undo before the connection goes with the thread.
        let first = move || HERE.set(Some(Rc::new(connection)));
        Ok(Self(EventLoop::start("mail-writer", first)?))
    }

    /// The connection, to whoever is at home.
    fn here(&self) -> Option<Rc<Connection>> {
        let is_here = Handle::try_current().is_ok_and(|here| here.id() == self.0.runtime().id());
        HERE.with_borrow(Clone::clone).filter(|_| is_here)
    }
}

impl Place {
    fn here(&self) -> Option<Rc<Connection>> {
        match self {
            Self::Threads(_) => None,
            Self::Home(home) => home.here(),
        }
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
        carry_out(&self.place, self.at_home, step).await
    }

    /// Has the last step of a lease carried out, without waiting for it. Nobody has the connection before it is.
    pub(super) fn post(self, step: impl FnOnce(&Connection) + Send + 'static) {
        let Self {
            place,
            at_home,
            permit,
        } = self;
        let last = move |connection: &Connection| {
            step(connection);
            drop(permit);
        };
        hand_over(&place, at_home, Box::new(last));
    }
}

async fn carry_out<T: Send + 'static>(
    place: &Place,
    at_home: bool,
    step: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let (done, answer) = oneshot::channel();
    let span = Span::current();
    let step = move |connection: &Connection| {
        let _ = done.send(span.in_scope(|| step(connection)));
    };
    hand_over(place, at_home, Box::new(step));
    answer
        .await
        .unwrap_or_else(|_| Err(StoreError::Refused(anyhow!("a step panicked"))))
}

fn hand_over(place: &Place, at_home: bool, step: Step) {
    if let Some(connection) = place.here().filter(|_| at_home) {
        let _ = catch_unwind(AssertUnwindSafe(|| step(&connection)));
        return;
    }
    match place {
        // The threads live as long as there is somebody who can say this.
        Place::Threads(steps) => _ = steps.send(step),
        Place::Home(home) => {
            let there = Arc::clone(home);
            home.0.runtime().spawn(async move {
                if let Some(connection) = there.here() {
                    step(&connection);
                }
            });
        }
    }
}
