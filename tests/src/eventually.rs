//! Waiting for what nobody tells.

use std::time::{Duration, Instant};

/// How long a condition may take that nothing but the machine's speed stands in the way of.
pub const SOON: Duration = Duration::from_secs(30);

const PAUSE: Duration = Duration::from_millis(20);

/// Asks `look` until it finds something, for at most `limit`; answers with what it found. It is
/// always asked once more at the end.
pub async fn eventually<T>(
    what: &str,
    limit: Duration,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> T {
    let began = Instant::now();
    loop {
        let over = began.elapsed() >= limit;
        if let Some(found) = look().await {
            return found;
        }
        assert!(!over, "not within {limit:?}: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}
