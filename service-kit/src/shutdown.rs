//! Stopping in two steps: a drain that calls in flight may finish in, then the end.

use std::{future::Future, time::Duration};

use anyhow::anyhow;
use tokio_util::sync::CancellationToken;

/// A token that is cancelled by SIGTERM or SIGINT.
///
/// # Errors
/// The signals cannot be listened to.
pub fn on_signal() -> anyhow::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};

    let token = CancellationToken::new();
    let (mut term, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let cancelled = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        cancelled.cancel();
    });
    Ok(token)
}

/// Runs `work`, which stops by itself some time after `shutdown`, but no longer than `limit` after
/// it.
///
/// # Errors
/// What `work` ends with, or that it had to be cut off.
pub async fn bounded<T>(
    work: impl Future<Output = anyhow::Result<T>>,
    shutdown: &CancellationToken,
    limit: Duration,
) -> anyhow::Result<T> {
    let overdue = async {
        shutdown.cancelled().await;
        tokio::time::sleep(limit).await;
    };
    tokio::select! {
        result = work => result,
        () = overdue => Err(anyhow!("calls were still in flight {limit:?} after the signal to stop")),
    }
}
