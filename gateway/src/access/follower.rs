//! Hearing of sessions that end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::anyhow;
use futures::StreamExt;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::{Access, WatchError};

/// A watch sends something every five seconds or so: after this long without a word it is broken.
const SILENCE: Duration = Duration::from_secs(12);
/// How long to wait before a broken watch is taken up again: at first, and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// How often open streams in doubt are asked about.
const RECHECK: Duration = Duration::from_secs(1);

/// Follows auth-service's log of ended sessions for the whole gateway.
///
/// While the log cannot be followed, calls are safe by the age of remembered answers alone, and
/// every open stream is asked about each second. A stream about which there is no answer either for
/// [`super::streams::PATIENCE`] ends with `UPSTREAM_UNAVAILABLE`.
#[derive(Debug)]
pub(crate) struct Follower {
    access: Arc<Access>,
    listening: AtomicBool,
    pub(super) silence: Duration,
}

impl Follower {
    pub(crate) fn new(access: Arc<Access>) -> Self {
        Self {
            access,
            listening: AtomicBool::new(false),
            silence: SILENCE,
        }
    }

    /// Follows until `stop`, then ends every open stream.
    pub(crate) async fn run(self, stop: CancellationToken) {
        tokio::select! {
            () = self.listen() => {}
            () = self.recheck() => {}
            () = stop.cancelled() => {}
        }
        self.access.close();
    }

    /// Reads the log for ever, from where the last break left it.
    async fn listen(&self) {
        let mut position = String::new();
        let mut backoff = BACKOFF.0;
        loop {
            let error = self.listen_once(&mut position).await;
            if self.listening.swap(false, Ordering::Relaxed) {
                backoff = BACKOFF.0;
                tracing::warn!(error.cause = %format_args!("{error:#}"), "revocations not heard");
                self.access.doubt_everything();
            }
            tokio::time::sleep(backoff).await;
            backoff = (backoff * 2).min(BACKOFF.1);
        }
    }

    /// Reads the log until the watch breaks, and answers how.
    async fn listen_once(&self, position: &mut String) -> anyhow::Error {
        let mut watch = match self.access.client.watch(position).await {
            Ok(watch) => watch,
            Err(error) => return lost(error, position),
        };
        loop {
            let step = match tokio::time::timeout(self.silence, watch.next()).await {
                Ok(Some(Ok(step))) => step,
                Ok(Some(Err(error))) => return lost(error, position),
                Ok(None) => return anyhow!("the watch ended"),
                Err(_) => return anyhow!("the watch fell silent"),
            };
            if !self.listening.swap(true, Ordering::Relaxed) {
                tracing::info!("revocations heard");
                // Between the break and now, nothing was heard.
                self.access.doubt_everything();
            }
            for ended in step.ended {
                self.access.revoke(ended);
            }
            *position = step.position;
        }
    }

    /// Asks about open streams in doubt, for ever.
    async fn recheck(&self) {
        let mut ticks = tokio::time::interval(RECHECK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if !self.listening.load(Ordering::Relaxed) {
                self.access.doubt_streams();
            }
            self.access.settle_doubts().await;
        }
    }
}

fn lost(error: WatchError, position: &mut String) -> anyhow::Error {
    if matches!(error, WatchError::PositionLost) {
        position.clear();
    }
    error.into()
}
