//! Telling those who watch a mailbox that it has changed. A wake-up only says "look": the database
//! is the truth, and a lost one costs a short poll.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::store::SharedStore;

/// How long a change may go unnoticed where its wake-up was lost.
const POLL: Duration = Duration::from_secs(2);
/// How many mailboxes are looked at in one statement.
const STEP: usize = 500;

type Numbers = watch::Sender<i64>;

/// Who watches which mailbox here.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wakeups {
    watched: Arc<Mutex<HashMap<Uuid, Weak<Numbers>>>>,
}

/// A watch on one mailbox.
#[derive(Debug)]
pub(crate) struct Watch {
    numbers: watch::Receiver<i64>,
    /// The mailbox is watched for as long as somebody has this.
    _watched: Arc<Numbers>,
}

impl Wakeups {
    /// Starts the poll for lost wake-ups.
    #[must_use]
    pub(crate) fn start(
        store: SharedStore,
        tracker: &TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        let wakeups = Self::default();
        let polling = wakeups.clone();
        tracker.spawn(async move {
            tokio::select! {
                () = polling.poll(store) => {}
                () = stop.cancelled() => {}
            }
        });
        wakeups
    }

    /// Watches a mailbox.
    pub(crate) fn watch(&self, owner: Uuid) -> Watch {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let numbers = watched.get(&owner).and_then(Weak::upgrade);
        let numbers = numbers.unwrap_or_else(|| {
            let numbers = Arc::new(watch::Sender::new(0));
            watched.insert(owner, Arc::downgrade(&numbers));
            numbers
        });
        Watch {
            numbers: numbers.subscribe(),
            _watched: numbers,
        }
    }

    /// Wakes those who watch a mailbox whose last change is newer than they know.
    pub(crate) fn wake(&self, changed: &[(Uuid, i64)]) {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        for (owner, number) in changed {
            if let Some(numbers) = watched.get(owner).and_then(Weak::upgrade) {
                numbers.send_if_modified(|known| {
                    let newer = *known < *number;
                    *known = (*known).max(*number);
                    newer
                });
            }
        }
    }

    async fn poll(&self, store: SharedStore) {
        loop {
            tokio::time::sleep(POLL).await;
            for owners in self.watched_now().chunks(STEP) {
                match store.last_changes(owners).await {
                    Ok(changed) => self.wake(&changed),
                    Err(error) => {
                        tracing::warn!(error.cause = %error, "watched mailboxes not looked at");
                    }
                }
            }
        }
    }

    /// Everybody who is watched; those who are no longer are forgotten.
    fn watched_now(&self) -> Vec<Uuid> {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.retain(|_, numbers| numbers.strong_count() > 0);
        watched.keys().copied().collect()
    }
}

impl Watch {
    /// Waits until the mailbox has changed after number `seen`.
    pub(crate) async fn changed_after(&mut self, seen: i64) {
        // The other end lives as long as this does.
        let _ = self.numbers.wait_for(|number| *number > seen).await;
    }
}
