//! Which mailboxes may have something worth indexing, and which have too much of it.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use moka::sync::Cache;
use tokio::sync::{Notify, watch};
use uuid::Uuid;

/// After so many changes a mailbox is looked at.
const CHANGES: i64 = 16;
/// Mailboxes whose last look is remembered.
const REMEMBERED: u64 = 100_000;
/// How long a send to a mailbox waits whose index is far behind.
const SLOWED: Duration = Duration::from_millis(500);

/// Which mailboxes are to be looked at.
#[derive(Debug, Default)]
struct Queue {
    order: VecDeque<Uuid>,
    waiting: HashSet<Uuid>,
}

/// Takes hints of what may be worth indexing.
#[derive(Debug, Clone)]
pub(crate) struct Hints {
    queue: Arc<Mutex<Queue>>,
    some: Arc<Notify>,
    /// The number of the last change at which a mailbox was looked at.
    looked: Cache<Uuid, i64>,
    /// Mailboxes with far too much that is not indexed.
    behind: Arc<watch::Sender<HashSet<Uuid>>>,
}

impl Hints {
    pub(crate) fn new() -> Self {
        Self {
            queue: Arc::default(),
            some: Arc::default(),
            looked: Cache::new(REMEMBERED),
            behind: Arc::default(),
        }
    }

    /// These mailboxes have changed.
    pub(crate) fn changed(&self, changed: &[(Uuid, i64)]) {
        for &(owner, number) in changed {
            match self.looked.get(&owner) {
                Some(last) if number - last < CHANGES => {}
                Some(_) => {
                    self.looked.insert(owner, number);
                    self.look_at(owner);
                }
                None => self.looked.insert(owner, number),
            }
        }
    }

    /// This mailbox has much that is not indexed.
    pub(crate) fn look_at(&self, owner: Uuid) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.waiting.insert(owner) {
            queue.order.push_back(owner);
            self.some.notify_one();
        }
    }

    /// Whether a mailbox has far too much that is not indexed.
    pub(super) fn set_behind(&self, owner: Uuid, is_behind: bool) {
        self.behind.send_if_modified(|behind| {
            if is_behind {
                behind.insert(owner)
            } else {
                behind.remove(&owner)
            }
        });
    }

    /// Slows down who sends to a mailbox whose index is far behind: a search reads what is not in
    /// the index, so there must not be ever more of it. `concerns` tells whether one of them is.
    pub(crate) async fn let_catch_up(&self, concerns: impl Fn(&HashSet<Uuid>) -> bool) {
        if !concerns(&self.behind.borrow()) {
            return;
        }
        let mut behind = self.behind.subscribe();
        let caught_up = behind.wait_for(|behind| !concerns(behind));
        // Slowed, not stopped.
        let _ = tokio::time::timeout(SLOWED, caught_up).await;
    }

    pub(super) async fn next(&self) -> Uuid {
        loop {
            {
                let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(owner) = queue.order.pop_front() {
                    queue.waiting.remove(&owner);
                    return owner;
                }
            }
            self.some.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, timeout};

    use super::*;

    #[tokio::test]
    async fn who_sends_to_a_mailbox_far_behind_waits_for_its_index_and_not_for_ever() {
        let hints = Hints::new();
        let [slow, other] = [Uuid::from_u128(1), Uuid::from_u128(2)];
        hints.set_behind(slow, true);
        let others = hints.let_catch_up(|behind| behind.contains(&other));
        timeout(Duration::ZERO, others).await.expect("no wait");

        let begun = Instant::now();
        hints.let_catch_up(|behind| behind.contains(&slow)).await;
        assert!(begun.elapsed() >= SLOWED);

        let mut waiting = Box::pin(hints.let_catch_up(|behind| behind.contains(&slow)));
        assert!(timeout(Duration::ZERO, &mut waiting).await.is_err());
        hints.set_behind(slow, false);
        timeout(Duration::ZERO, waiting)
            .await
            .expect("no longer than it takes");
    }
}
