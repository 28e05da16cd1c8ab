//! Who watches which mailbox in this process.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use tokio::sync::watch;
use uuid::Uuid;

/// The number of a mailbox's last change, as far as is known here.
type Number = watch::Sender<i64>;

/// Who watches which mailbox here.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hub {
    watched: Arc<Mutex<HashMap<Uuid, Weak<Number>>>>,
}

/// A watch on one mailbox.
#[derive(Debug)]
pub(crate) struct Watch {
    number: watch::Receiver<i64>,
    /// The mailbox is watched for as long as somebody has this.
    _watched: Arc<Number>,
}

impl Hub {
    /// Watches a mailbox.
    pub(crate) fn watch(&self, owner: Uuid) -> Watch {
        let mut watched = self.lock();
        let number = watched.get(&owner).and_then(Weak::upgrade);
        let number = number.unwrap_or_else(|| {
            let number = Arc::new(watch::Sender::new(0));
            watched.insert(owner, Arc::downgrade(&number));
            number
        });
        Watch {
            number: number.subscribe(),
            _watched: number,
        }
    }

    /// What a writer says of its commit. It may come twice or late: an older number says nothing.
    pub(super) fn tell(&self, changed: &[(Uuid, i64)]) {
        self.set(changed, |known, told| known < told);
    }

    /// What the database says, which is right whatever was told.
    pub(super) fn correct(&self, changed: &[(Uuid, i64)]) {
        self.set(changed, |known, read| known != read);
    }

    fn set(&self, changed: &[(Uuid, i64)], is_news: impl Fn(i64, i64) -> bool) {
        let watched = self.lock();
        for &(owner, new) in changed {
            if let Some(number) = watched.get(&owner).and_then(Weak::upgrade) {
                number.send_if_modified(|known| {
                    let news = is_news(*known, new);
                    if news {
                        *known = new;
                    }
                    news
                });
            }
        }
    }

    /// Everybody who is watched; those who are no longer are forgotten.
    pub(super) fn watched(&self) -> Vec<Uuid> {
        let mut watched = self.lock();
        watched.retain(|_, number| number.strong_count() > 0);
        watched.keys().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Weak<Number>>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    /// Waits until something was told since the last time that asks for a look at the mailbox, of
    /// which everything up to number `seen` has been read. Nothing told twice is waited for twice:
    /// a number that the database does not have costs one look, not one after the other.
    pub(crate) async fn changed_after(&mut self, seen: i64) {
        // The other end lives as long as this does.
        while self.number.changed().await.is_ok() {
            if *self.number.borrow_and_update() != seen {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    const ANA: Uuid = Uuid::from_u128(1);

    /// Whether a look is asked for right now.
    fn rung(watch: &mut Watch, seen: i64) -> bool {
        watch.changed_after(seen).now_or_never().is_some()
    }

    #[test]
    fn what_is_told_wakes_everyone_who_watches_that_mailbox_once() {
        let hub = Hub::default();
        let mut watches = [hub.watch(ANA), hub.watch(ANA)];
        let mut other = hub.watch(Uuid::from_u128(2));
        hub.tell(&[(ANA, 7)]);
        for watch in &mut watches {
            assert!(rung(watch, 6));
            assert!(!rung(watch, 7));
        }
        assert!(!rung(&mut other, 0));
    }

    #[test]
    fn what_is_told_twice_late_or_after_it_was_read_wakes_nobody() {
        let hub = Hub::default();
        let mut watch = hub.watch(ANA);
        hub.tell(&[(ANA, 7)]);
        assert!(!rung(&mut watch, 7), "it was read before it was told");
        hub.tell(&[(ANA, 7)]);
        hub.tell(&[(ANA, 6)]);
        assert!(!rung(&mut watch, 7));
    }

    #[test]
    fn what_came_between_reading_and_waiting_is_not_missed() {
        let hub = Hub::default();
        let mut watch = hub.watch(ANA);
        hub.tell(&[(ANA, 7)]);
        assert!(rung(&mut watch, 5));
        // Only 6 was there yet when it was read.
        hub.tell(&[(ANA, 8)]);
        assert!(rung(&mut watch, 6));
    }

    #[test]
    fn a_number_that_the_database_does_not_have_does_no_harm() {
        let hub = Hub::default();
        let mut watch = hub.watch(ANA);
        hub.tell(&[(ANA, 1000)]);
        assert!(rung(&mut watch, 7));
        assert!(!rung(&mut watch, 7), "one look, not one after the other");
        hub.correct(&[(ANA, 7)]);
        assert!(!rung(&mut watch, 7));
        hub.tell(&[(ANA, 8)]);
        assert!(rung(&mut watch, 7), "and what comes is told");
    }

    #[test]
    fn a_mailbox_is_watched_while_somebody_watches_it() {
        let hub = Hub::default();
        let (first, second) = (hub.watch(ANA), hub.watch(ANA));
        drop(first);
        assert_eq!(hub.watched(), [ANA]);
        drop(second);
        assert!(hub.watched().is_empty());
    }
}
