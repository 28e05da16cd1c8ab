//! Work apart from a call: what must not be cut off half way because its caller hung up or does not read on,
//! and what no caller hears of.

use std::future::Future;

use crate::problem::Problem;
use tracing::Instrument;

/// Runs `work` in a task of its own, so that it goes on when whoever awaits it is dropped: a
/// cancelled transaction would leave its connection in an unknown state, a cancelled use case half
/// of its steps undone; and that it goes on when nobody polls what awaits it: the messages of a stream
/// are only made while there is room for them, so that one made half way would hold what it has, such as
/// a connection to the database, for as long as its reader likes.
///
/// # Errors
/// What `work` ends with, or `INTERNAL` if it panicked.
pub async fn detached<T: Send + 'static>(
    work: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<T, Problem> {
    match tokio::spawn(work.in_current_span()).await {
        Ok(result) => result,
        Err(error) => Err(Problem::internal(error)),
    }
}

/// A failure that no caller hears of, with what led to it: one line for the log.
#[must_use]
pub fn chain(problem: Problem) -> String {
    format!("{:#}", anyhow::Error::from(problem))
}
