//! Work apart from a call: what must not be cut off half way because its caller hung up, and what
//! no caller hears of.

use std::future::Future;

use tracing::Instrument;
use turbomessage_service_kit::problem::Problem;

/// Runs `work` in a task of its own, so that it goes on when whoever awaits it is dropped: a
/// cancelled transaction would leave its connection in an unknown state, a cancelled use case half
/// of its steps undone.
///
/// # Errors
/// What `work` ends with, or `INTERNAL` if it panicked.
pub(crate) async fn detached<T: Send + 'static>(
    work: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<T, Problem> {
    match tokio::spawn(work.in_current_span()).await {
        Ok(result) => result,
        Err(error) => Err(Problem::internal(error)),
    }
}

/// A failure that no caller hears of, with what led to it: one line for the log.
pub(crate) fn chain(problem: Problem) -> String {
    format!("{:#}", anyhow::Error::from(problem))
}
