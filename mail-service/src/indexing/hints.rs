//! Which mailboxes may have something worth indexing, and which have too much of it.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::{Notify, watch};
use uuid::Uuid;

use crate::commit::Changed;

/// Each time the number of a mailbox's last change passes a multiple of this, it is looked at: by whoever committed that
/// change, so that several mail-services look no more often than one.
const CHANGES: i64 = 32;
/// How long a send to a mailbox waits whose index is far behind.
const SLOWED: Duration = Duration::from_millis(500);

/// Which mailboxes are to be looked at.
#[derive(Debug, Default)]
struct Queue {
    /// Those whose turn comes, in order.
    order: VecDeque<Uuid>,
    /// Those and, of the ones that are looked at now, those that are to be looked at again.
    waiting: HashSet<Uuid>,
    /// Those that are looked at now.
    taken: HashSet<Uuid>,
}

/// Takes hints of what may be worth indexing.
#[derive(Debug, Clone)]
pub(crate) struct Hints {
    queue: Arc<Mutex<Queue>>,
    some: Arc<Notify>,
    /// Mailboxes with far too much that is not indexed.
    behind: Arc<watch::Sender<HashSet<Uuid>>>,
}

impl Hints {
    pub(crate) fn new() -> Self {
        Self {
            queue: Arc::default(),
            some: Arc::default(),
            behind: Arc::default(),
        }
    }

    /// These mailboxes have changed.
    pub(crate) fn changed(&self, changed: &[Changed]) {
        for change in changed {
            if change.before / CHANGES < change.last / CHANGES {
                self.look_at(change.owner_id);
            }
        }
    }

    /// This mailbox has much that is not indexed.
    pub(crate) fn look_at(&self, owner: Uuid) {
        let mut queue = self.queue();
        if queue.waiting.insert(owner) && !queue.taken.contains(&owner) {
            queue.order.push_back(owner);
            self.some.notify_one();
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Waits until a mailbox is far behind.
    pub(super) async fn some_behind(&self) {
        let mut behind = self.behind.subscribe();
        // It cannot fail: what it hears from lives as long as this.
        let _ = behind.wait_for(|behind| !behind.is_empty()).await;
    }

    /// The mailbox whose turn it is. Nobody else gets it as long as this one is not dropped.
    pub(super) async fn next(&self) -> Turn<'_> {
        loop {
            {
                let mut queue = self.queue();
                if let Some(owner) = queue.order.pop_front() {
                    queue.waiting.remove(&owner);
                    queue.taken.insert(owner);
                    return Turn { hints: self, owner };
                }
            }
            self.some.notified().await;
        }
    }
}

/// The time in which one looks at a mailbox.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    hints: &'a Hints,
    pub(super) owner: Uuid,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut queue = self.hints.queue();
        queue.taken.remove(&self.owner);
        if queue.waiting.contains(&self.owner) {
            queue.order.push_back(self.owner);
            self.hints.some.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, timeout};

    use super::*;

    #[tokio::test]
    async fn a_mailbox_is_looked_at_once_for_so_many_changes_whoever_makes_them() {
        let owner_id = Uuid::from_u128(1);
        let services = [Hints::new(), Hints::new(), Hints::new()];
        let mut looks = 0;
        for last in 1..=10 * CHANGES {
            let hints = &services[usize::try_from(last % 3).unwrap()];
            let before = last - 1;
            hints.changed(&[Changed {
                owner_id,
                before,
                last,
            }]);
            if timeout(Duration::ZERO, hints.next()).await.is_ok() {
                looks += 1;
            }
        }
        assert_eq!(looks, 10);
        services[0].changed(&[Changed {
            owner_id,
            before: 10 * CHANGES,
            last: 20 * CHANGES,
        }]);
        timeout(Duration::ZERO, services[0].next())
            .await
            .expect("one");
        assert!(timeout(Duration::ZERO, services[0].next()).await.is_err());
    }

    #[tokio::test]
    async fn a_mailbox_is_looked_at_by_one_at_once() {
        let hints = Hints::new();
        let [one, other] = [Uuid::from_u128(1), Uuid::from_u128(2)];
        hints.look_at(one);
        let turn = hints.next().await;
        hints.look_at(one);
        hints.look_at(other);
        let others = hints.next().await;
        assert_eq!((turn.owner, others.owner), (one, other));
        assert!(timeout(Duration::ZERO, hints.next()).await.is_err());
        drop(turn);
        let again = timeout(Duration::ZERO, hints.next()).await;
        assert_eq!(again.expect("what came meanwhile").owner, one);
        drop(others);
        assert!(timeout(Duration::ZERO, hints.next()).await.is_err());
    }

    #[tokio::test]
    async fn who_sends_to_a_mailbox_far_behind_waits_for_its_index_and_not_for_ever() {
        let hints = Hints::new();
        let [slow, other] = [Uuid::from_u128(1), Uuid::from_u128(2)];
        hints.set_behind(slow, true);
        let others = hints.let_catch_up(|behind| behind.contains(&other));
        timeout(Duration::ZERO, others).await.expect("no wait");
        timeout(Duration::ZERO, hints.some_behind())
            .await
            .expect("one is");

        let begun = Instant::now();
        hints.let_catch_up(|behind| behind.contains(&slow)).await;
        assert!(begun.elapsed() >= SLOWED);

        let mut waiting = Box::pin(hints.let_catch_up(|behind| behind.contains(&slow)));
        assert!(timeout(Duration::ZERO, &mut waiting).await.is_err());
        hints.set_behind(slow, false);
        timeout(Duration::ZERO, waiting)
            .await
            .expect("no longer than it takes");
        let none = timeout(Duration::ZERO, hints.some_behind()).await;
        assert!(none.is_err());
    }
}
