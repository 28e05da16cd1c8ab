//! Streams that follow a log: what is new, and a heartbeat when nothing has been for a while, so
//! that a dead connection shows.

use std::{pin::Pin, time::Duration};

use futures::{Stream, stream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use turbomessage_service_kit::problem::Problem;

use super::shutting_down;

/// After how much silence a heartbeat is sent.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(5);
/// How long to wait for something new before looking again.
pub(super) const WAIT: Duration = Duration::from_secs(1);

/// A stream of messages.
pub(super) type Messages<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// A log that is followed.
#[tonic::async_trait]
pub(super) trait Log: Send + 'static {
    /// What is sent.
    type Message: Send + 'static;

    /// What is new since the last call, waiting for it for at most [`WAIT`]. It is not polled while the reader
    /// has no room: what it holds while it reads, it holds [`detached`].
    ///
    /// [`detached`]: turbomessage_service_kit::detached::detached
    async fn next(&mut self) -> Result<Option<Self::Message>, Problem>;

    /// A message that says only where the log stands.
    fn heartbeat(&self) -> Self::Message;
}

struct Following<L> {
    log: L,
    /// When a heartbeat is due.
    silence_until: Instant,
}

/// The messages of `log`, until it fails or `shutdown`. With `at_once` a heartbeat comes first.
pub(super) fn follow<L: Log>(
    log: L,
    at_once: bool,
    shutdown: CancellationToken,
) -> Messages<L::Message> {
    let silence = if at_once { Duration::ZERO } else { HEARTBEAT };
    let start = Following {
        log,
        silence_until: Instant::now() + silence,
    };
    Box::pin(stream::unfold(Some(start), move |state| {
        step(state, shutdown.clone())
    }))
}

type Step<L> = Option<(Result<<L as Log>::Message, Status>, Option<Following<L>>)>;

async fn step<L: Log>(state: Option<Following<L>>, shutdown: CancellationToken) -> Step<L> {
    let mut state = state?;
    let message = shutdown
        .run_until_cancelled(state.next())
        .await
        .unwrap_or_else(|| Err(shutting_down()));
    Some(match message {
        Ok(message) => (Ok(message), Some(state)),
        Err(problem) => (Err(problem.into()), None),
    })
}

impl<L: Log> Following<L> {
    async fn next(&mut self) -> Result<L::Message, Problem> {
        let message = loop {
            if Instant::now() >= self.silence_until {
                break self.log.heartbeat();
            }
            if let Some(message) = self.log.next().await? {
                break message;
            }
        };
        self.silence_until = Instant::now() + HEARTBEAT;
        Ok(message)
    }
}
