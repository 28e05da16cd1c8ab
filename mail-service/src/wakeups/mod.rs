//! Telling those who watch a mailbox that it has changed. A wake-up only says "look": the database
//! is the truth, and a lost one costs a short poll.
//!
//! The writer tells of each commit. Those who watch in this process hear of it at once, those in
//! other replicas through Redis, if there is one.

mod hub;
mod poll;
mod redis;

use std::{sync::Arc, time::Duration};

use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

pub(crate) use self::hub::{Hub, Watch};
use crate::{commit::Announce, store::SharedStore};
use ::redis::Client;

/// Mailboxes that have changed, with the numbers of their last changes.
type Changed = Vec<(Uuid, i64)>;

/// Starts what wakes those who watch: answers with where they do, and what the writer tells of its
/// commits. Mailboxes are looked at every `poll` for wake-ups that were lost; replicas tell each
/// other through `server`.
#[must_use]
pub(crate) fn start(
    store: SharedStore,
    server: Option<Client>,
    poll: Duration,
    tracker: &TaskTracker,
    stop: CancellationToken,
) -> (Hub, Announce) {
    let hub = Hub::default();
    let polling = poll::run(hub.clone(), store, poll);
    tracker.spawn(stop.run_until_cancelled_owned(polling));
    let others = server.map(|server| redis::start(server, hub.clone(), tracker));
    let here = hub.clone();
    let announce: Announce = Arc::new(move |changed| {
        let changed: Vec<(Uuid, i64)> = changed.iter().map(|c| (c.owner_id, c.last)).collect();
        here.tell(&changed);
        if let Some(others) = &others {
            others.tell(&changed);
        }
    });
    (hub, announce)
}
