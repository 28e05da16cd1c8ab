//! The task that commits. It runs apart from the calls that wait for it, so a caller who hangs up
//! cancels nothing.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    task::yield_now,
    time::Instant,
};
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, Span};
use turbomessage_service_kit::{
    clock::SharedClock,
    context,
    health::Writes,
    problem::{Problem, Reason},
    telemetry::metrics,
};

use super::{
    batch::{self, Changed, MailboxDefaults, Results},
    job::{Answer, Failure, Job},
};
use crate::store::{SharedStore, StoreError};

/// The most jobs, rows and bytes of content in one transaction: the more there are, the more of them share a page that
/// is written, and the longer those wait who come next. Measured in docs/performance.md.
const BATCH_JOBS: usize = 1024;
const BATCH_ROWS: usize = 4096;
const BATCH_BYTES: usize = 8 * 1024 * 1024;
/// What may wait: more is refused at once, so that a flood costs bounded memory.
const WAITING_JOBS: usize = 4096;
const WAITING_KIB: usize = 64 * 1024;
/// How long a transaction may take before the store counts as gone: longer than the store's own
/// limits on statements and locks, which end what is merely slow.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a job without a caller's deadline may wait.
const PATIENCE: Duration = Duration::from_secs(10);

/// Is told which mailboxes have changed, after the commit. Must not wait.
pub type Announce = Arc<dyn Fn(&[Changed]) + std::marker::Send + Sync>;

struct Pending {
    job: Job,
    deadline: Instant,
    span: Span,
    reply: oneshot::Sender<Result<Answer, Failure>>,
    _room: OwnedSemaphorePermit,
}

/// Hands jobs to the tasks that commit them.
#[derive(Debug, Clone)]
pub struct Writer {
    queue: mpsc::Sender<Pending>,
    room: Arc<Semaphore>,
    writes: Writes,
}

impl Writer {
    /// Starts `tasks` tasks that commit to `store`. They end when the last handle is dropped, after
    /// what they have begun.
    #[must_use]
    pub fn start(
        store: &SharedStore,
        clock: &SharedClock,
        defaults: &MailboxDefaults,
        announce: &Announce,
        tasks: usize,
        tracker: &TaskTracker,
    ) -> Self {
        let (queue, waiting) = mpsc::channel(WAITING_JOBS);
        let waiting = Arc::new(tokio::sync::Mutex::new(waiting));
        let writes = Writes::default();
        for _ in 0..tasks {
            let committer = Committer {
                store: Arc::clone(store),
                clock: Arc::clone(clock),
                defaults: defaults.clone(),
                announce: Arc::clone(announce),
                waiting: Arc::clone(&waiting),
                writes: writes.clone(),
            };
            tracker.spawn_on(committer.run(), &store.home());
        }
        Self {
            queue,
            room: Arc::new(Semaphore::new(WAITING_KIB)),
            writes,
        }
    }

    /// What becomes of what is committed.
    pub(crate) fn writes(&self) -> Writes {
        self.writes.clone()
    }

    /// Has `job` done, durably.
    ///
    /// # Errors
    /// The mailbox's rules refuse it, there is too much waiting, or the store failed.
    pub async fn submit(&self, job: Job) -> Result<Answer, Failure> {
        let overloaded = || {
            let problem = Problem::new(Reason::Overloaded);
            Failure::Problem(problem.retry_after(Duration::from_secs(1)))
        };
        let kib = u32::try_from(job.weight().1 / 1024 + 1).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room);
        let room = room.try_acquire_many_owned(kib).map_err(|_| overloaded())?;
        let (reply, answer) = oneshot::channel();
        let deadline = context::current().map_or_else(|| Instant::now() + PATIENCE, |c| c.deadline);
        let pending = Pending {
            job,
            deadline,
            span: Span::current(),
            reply,
            _room: room,
        };
        self.queue.try_send(pending).map_err(|_| overloaded())?;
        answer
            .await
            .unwrap_or_else(|_| Err(Failure::Problem(Problem::new(Reason::ShuttingDown))))
    }
}

struct Committer {
    store: SharedStore,
    clock: SharedClock,
    defaults: MailboxDefaults,
    announce: Announce,
    waiting: Arc<tokio::sync::Mutex<mpsc::Receiver<Pending>>>,
    writes: Writes,
}

impl Committer {
    async fn run(self) {
        while let Some(batch) = self.next_batch().await {
            if batch.is_empty() {
                continue;
            }
            // A part of the first call that it carries, linked to all others.
            let first = batch.first().and_then(|pending| pending.span.id());
            let span = tracing::info_span!(parent: first, "commit", commit.jobs = batch.len());
            for pending in batch.iter().skip(1) {
                span.follows_from(&pending.span);
            }
            self.commit(batch).instrument(span).await;
            // A commit may have waited for nothing, so that nobody else who is at home here had a turn.
            yield_now().await;
        }
    }

    /// Everything that waits, up to the limits; `None` when nothing will ever wait again.
    async fn next_batch(&self) -> Option<Vec<Pending>> {
        let mut waiting = self.waiting.lock().await;
        let mut batch = Vec::new();
        let (mut rows, mut bytes) = (0, 0);
        let mut next = Some(waiting.recv().await?);
        while let Some(pending) = next {
            if pending.deadline <= Instant::now() {
                // Not begun: the caller may safely do it again.
                answer(
                    pending,
                    Err(Failure::Problem(Problem::new(Reason::DeadlineExceeded))),
                );
            } else {
                let weight = pending.job.weight();
                rows += weight.0;
                bytes += weight.1;
                batch.push(pending);
            }
            let full = batch.len() >= BATCH_JOBS || rows >= BATCH_ROWS || bytes >= BATCH_BYTES;
            next = if full { None } else { waiting.try_recv().ok() };
        }
        metrics::commit_begun(batch.len(), waiting.len());
        Some(batch)
    }

    async fn commit(&self, batch: Vec<Pending>) {
        let jobs: Vec<&Job> = batch.iter().map(|p| &p.job).collect();
        match self.attempt(&jobs).await {
            Ok(results) => {
                for (pending, result) in batch.into_iter().zip(results) {
                    answer(pending, result.map_err(Failure::Refused));
                }
            }
            Err(StoreError::Refused(cause)) if batch.len() > 1 => {
                // One of them is poison: alone, only it fails.
                tracing::warn!(error.cause = %format_args!("{cause:#}"), "a batch was refused");
                for pending in batch {
                    let result = self.attempt(&[&pending.job]).await;
                    answer_alone(pending, result);
                }
            }
            Err(error) => {
                log(&error);
                for pending in batch {
                    answer(pending, Err(Failure::Problem(told(&error))));
                }
            }
        }
    }

    async fn attempt(&self, jobs: &[&Job]) -> Result<Results, StoreError> {
        let begun = Instant::now();
        let run = batch::run(&*self.store, &*self.clock, &self.defaults, jobs);
        let timeout = || anyhow::anyhow!("no commit within {COMMIT_TIMEOUT:?}");
        let done = tokio::time::timeout(COMMIT_TIMEOUT, run)
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable(timeout())));
        metrics::commit_ended(begun.elapsed().as_secs_f64(), done.is_ok());
        match &done {
            Ok(_) => self.writes.note(true),
            Err(StoreError::Unavailable(_)) => self.writes.note(false),
            Err(StoreError::Conflict(_) | StoreError::Refused(_)) => {}
        }
        let (results, changed) = done?;
        (self.announce)(&changed);
        Ok(results)
    }
}

fn answer_alone(pending: Pending, result: Result<Results, StoreError>) {
    match result {
        Ok(mut results) => match results.pop() {
            Some(result) => answer(pending, result.map_err(Failure::Refused)),
            None => answer(
                pending,
                Err(Failure::Problem(Problem::new(Reason::Internal))),
            ),
        },
        Err(error) => {
            log(&error);
            answer(pending, Err(Failure::Problem(told(&error))));
        }
    }
}

fn answer(pending: Pending, result: Result<Answer, Failure>) {
    // A caller who hung up hears nothing, and that is all that happens.
    let _ = pending.reply.send(result);
}

fn log(error: &StoreError) {
    let cause: &dyn std::error::Error = error;
    let source = cause.source().map(ToString::to_string).unwrap_or_default();
    tracing::error!(error.kind = %error, error.cause = source, "a commit failed");
}

/// What each caller hears; the cause has been logged once for all of them.
fn told(error: &StoreError) -> Problem {
    match error {
        StoreError::Unavailable(_) | StoreError::Conflict(_) => {
            Problem::new(Reason::StoreUnavailable).retry_after(Duration::from_secs(1))
        }
        StoreError::Refused(_) => Problem::new(Reason::Internal),
    }
}
