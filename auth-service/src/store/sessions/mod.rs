//! Sessions, in Redis or in a SQLite file.

use std::time::Duration;

use tokio::{sync::watch, time::Instant};
use turbomessage_service_kit::problem::{Problem, Reason};

use super::Revocations;

mod redis;
mod sqlite;
mod statements;

pub(crate) use redis::RedisSessions;
pub(crate) use sqlite::SqliteSessions;

/// How often the log of revocations is looked at without a wake-up: a lost one costs this.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Reads with `read` until there is a revocation or `wait` is over; `bell` says when to look.
async fn wait_for<F>(
    mut bell: watch::Receiver<()>,
    wait: Duration,
    read: impl Fn() -> F,
) -> Result<Revocations, Problem>
where
    F: Future<Output = Result<Revocations, Problem>>,
{
    let until = Instant::now() + wait;
    loop {
        bell.borrow_and_update();
        let found = read().await?;
        let left = until.saturating_duration_since(Instant::now());
        if !found.sessions.is_empty() || left.is_zero() {
            return Ok(found);
        }
        // Rung, or time to look again; a bell that is gone is a store that is being dropped.
        let _ = tokio::time::timeout(left.min(LOOK_AGAIN), bell.changed()).await;
    }
}

fn history_expired() -> Problem {
    Problem::new(Reason::HistoryExpired)
}
