//! Listening to the log of revocations over a connection of its own. What is heard only says
//! "look": the log is the truth.

use std::time::Duration;

use redis::{RedisResult, aio::MultiplexedConnection};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{keys, link};

/// How long one command listens.
const LISTEN: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_secs(1);

/// Rings `bell` whenever a replica has revoked a session, until `shutdown`.
pub(super) async fn ring(
    client: redis::Client,
    bell: watch::Sender<()>,
    shutdown: CancellationToken,
) {
    let listening = async {
        loop {
            if let Err(error) = listen(&client, &bell).await {
                tracing::debug!(error.cause = %error, "not listening to revocations");
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::select! {
        () = listening => {}
        () = shutdown.cancelled() => {}
    }
}

async fn listen(client: &redis::Client, bell: &watch::Sender<()>) -> RedisResult<()> {
    let mut connection = link::connect(client, LISTEN * 2).await?;
    let mut after = String::from("$");
    loop {
        // What came while nobody listened.
        bell.send_replace(());
        after = next(&mut connection, &after).await?.unwrap_or(after);
    }
}

/// The id of the last entry after `after`, once there is one.
async fn next(connection: &mut MultiplexedConnection, after: &str) -> RedisResult<Option<String>> {
    let reply: redis::streams::StreamReadReply = redis::cmd("XREAD")
        .arg("COUNT")
        .arg(1000)
        .arg("BLOCK")
        .arg(u64::try_from(LISTEN.as_millis()).unwrap_or(u64::MAX))
        .arg("STREAMS")
        .arg(keys::REVOCATIONS)
        .arg(after)
        .query_async(connection)
        .await?;
    Ok(reply
        .keys
        .into_iter()
        .flat_map(|key| key.ids)
        .next_back()
        .map(|entry| entry.id))
}
