//! Pools of connections to databases.

use std::time::Duration;

use sqlx::{Connection, Database, pool::PoolOptions};

/// What was used so recently works still, most likely.
const REST: Duration = Duration::from_secs(1);

/// A pool that asks a connection whether it works only after a rest. sqlx throws a connection away whose test is
/// broken off: were each tested before each use, callers who hang up would leave others without any.
#[must_use]
pub fn options<DB: Database>() -> PoolOptions<DB> {
    PoolOptions::new()
        .test_before_acquire(false)
        .before_acquire(|connection: &mut DB::Connection, about| {
            Box::pin(async move {
                if about.idle_for > REST {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
}
