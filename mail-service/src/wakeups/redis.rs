//! Telling other replicas through Redis' Pub/Sub, and hearing them. It is never waited for: where
//! Redis is gone, frozen or slow, wake-ups are dropped, and the poll finds what they told of.

use std::time::Duration;

use anyhow::anyhow;
use futures::{Stream, StreamExt as _};
use redis::{
    AsyncConnectionConfig, Client, Msg,
    aio::{MultiplexedConnection, PubSubSink},
};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::{Changed, Hub};

/// Where replicas tell each other. What is said there has the form of [`encode`]; another form
/// would get another name, so that old and new replicas do not misread each other.
const CHANNEL: &str = "tm:mail:changed";
/// The length of one entry of a message: an id and a number.
const ENTRY: usize = 16 + 8;
/// How many commits may wait for being told.
const WAITING: usize = 64;
/// How long Redis may take for an answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often it is asked whether it is still there: a server that froze says nothing.
const PING: Duration = Duration::from_secs(2);
/// How long to wait before connecting again: at first, and at the most.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(5)];

/// Tells other replicas.
pub(super) struct Others(mpsc::Sender<Changed>);

impl Others {
    /// Has this told, or drops it where too much waits.
    pub(super) fn tell(&self, changed: &[(Uuid, i64)]) {
        if !changed.is_empty() {
            let _ = self.0.try_send(changed.to_vec());
        }
    }
}

/// Tells through `server` what it is given, and `hub` what others say there, until what it answers
/// with is dropped.
pub(super) fn start(server: Client, hub: Hub, tracker: &TaskTracker) -> Others {
    let (others, waiting) = mpsc::channel(WAITING);
    let link = Link {
        client: server,
        hub,
        waiting,
        troubled: false,
        pause: PAUSES[0],
    };
    tracker.spawn(link.run());
    Others(others)
}

struct Link {
    client: Client,
    hub: Hub,
    waiting: mpsc::Receiver<Changed>,
    /// Whether it was logged that there is an outage.
    troubled: bool,
    /// How long to wait after the next failure.
    pause: Duration,
}

impl Link {
    async fn run(mut self) {
        while let Err(error) = self.session().await
            && !self.waiting.is_closed()
        {
            if !self.troubled {
                self.troubled = true;
                let error = format!("{error:#}");
                tracing::warn!(error.cause = error, "no wake-ups through Redis");
            }
            sleep(self.pause).await;
            self.pause = (self.pause * 2).min(PAUSES[1]);
        }
    }

    /// Tells and hears until the connection is lost, or there is nothing to tell any more.
    async fn session(&mut self) -> anyhow::Result<()> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let connecting = self
            .client
            .get_multiplexed_async_connection_with_config(&config);
        let telling = connecting.await?;
        let (mut pings, heard) = timeout(PATIENCE, self.client.get_async_pubsub())
            .await??
            .split();
        timeout(PATIENCE, pings.subscribe(CHANNEL)).await??;
        let steady = || {
            if self.troubled {
                tracing::info!("wake-ups go through Redis again");
            }
            (self.troubled, self.pause) = (false, PAUSES[0]);
        };
        tokio::select! {
            ended = tell(telling, &mut self.waiting) => ended,
            lost = hear(heard, &self.hub) => lost,
            silent = ping(pings, steady) => silent,
        }
    }
}

/// Says what waits, one message a commit, until nothing will ever wait again.
async fn tell(
    mut connection: MultiplexedConnection,
    waiting: &mut mpsc::Receiver<Changed>,
) -> anyhow::Result<()> {
    while let Some(changed) = waiting.recv().await {
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(CHANNEL).arg(encode(&changed));
        let () = publish.query_async(&mut connection).await?;
    }
    Ok(())
}

async fn hear(mut heard: impl Stream<Item = Msg> + Unpin, hub: &Hub) -> anyhow::Result<()> {
    while let Some(message) = heard.next().await {
        hub.tell(&decode(message.get_payload_bytes()));
    }
    Err(anyhow!("the connection was lost"))
}

async fn ping(mut connection: PubSubSink, mut steady: impl FnMut()) -> anyhow::Result<()> {
    loop {
        sleep(PING).await;
        let _: redis::Value = timeout(PATIENCE, connection.ping()).await??;
        steady();
    }
}

/// For each mailbox its owner's id, and the number in big-endian bytes.
fn encode(changed: &[(Uuid, i64)]) -> Vec<u8> {
    let mut message = Vec::with_capacity(changed.len() * ENTRY);
    for (owner, number) in changed {
        message.extend_from_slice(owner.as_bytes());
        message.extend_from_slice(&number.to_be_bytes());
    }
    message
}

/// What [`encode`] made. Nothing can be wrong with it: a wake-up for nothing does no harm.
fn decode(message: &[u8]) -> Changed {
    let (entries, _) = message.as_chunks::<ENTRY>();
    let entries = entries.iter().filter_map(|entry| {
        let (owner, number) = (entry.first_chunk()?, entry.last_chunk()?);
        Some((Uuid::from_bytes(*owner), i64::from_be_bytes(*number)))
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_heard() {
        let changed = [
            (Uuid::from_u128(1), 7),
            (Uuid::from_u128(u128::MAX), i64::MAX),
        ];
        let message = encode(&changed);
        assert_eq!(message.len(), 48);
        assert_eq!(decode(&message), changed);
        assert_eq!(decode(&message[..47]), changed[..1], "damage");
    }

    #[test]
    fn what_cannot_be_told_is_dropped_and_nobody_waits() {
        let (others, mut waiting) = mpsc::channel(1);
        let others = Others(others);
        for number in 1..=3 {
            others.tell(&[(Uuid::nil(), number)]);
        }
        assert_eq!(waiting.try_recv().unwrap(), [(Uuid::nil(), 1)]);
        others.tell(&[]);
        assert!(waiting.try_recv().is_err(), "nothing is no message");
    }
}
