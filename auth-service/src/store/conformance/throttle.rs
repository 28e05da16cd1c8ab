//! Attempts: so many in a window, however many ask at once.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;

use super::{NOW, Works, id};
use crate::store::{Limit, SessionStore, Window};

pub(super) async fn run_all(store: &Arc<dyn SessionStore>) {
    no_more_attempts_than_there_are(store).await;
    a_refused_attempt_costs_nothing(store.as_ref()).await;
    an_attempt_given_back_can_be_taken_again(store.as_ref()).await;
}

fn window(after: u64) -> Window {
    let length = Duration::from_secs(900);
    let start = NOW.plus(length * u32::try_from(after).expect("few"));
    Window {
        start,
        end: start.plus(length),
    }
}

/// A limit on somebody that nobody else counts against.
fn limit(most: u32) -> Limit {
    let mut scope = [7; 32];
    scope[..16].copy_from_slice(id().as_bytes());
    Limit { scope, most }
}

async fn no_more_attempts_than_there_are(store: &Arc<dyn SessionStore>) {
    let limits = [limit(10), limit(100)];
    let tries = join_all((0..50).map(|_| {
        let store = Arc::clone(store);
        tokio::spawn(async move { store.take_attempt(&limits, window(0)).await.works() })
    }));
    let results = tries.await;
    let taken = results.iter().filter(|r| *r.as_ref().expect("no panic"));
    assert_eq!(taken.count(), 10);
    assert!(!store.take_attempt(&limits, window(0)).await.works());
    assert!(
        store.take_attempt(&limits, window(1)).await.works(),
        "a new window"
    );
}

async fn a_refused_attempt_costs_nothing(store: &dyn SessionStore) {
    let (spent, free) = (limit(1), limit(2));
    assert!(store.take_attempt(&[spent], window(0)).await.works());
    for _ in 0..5 {
        assert!(!store.take_attempt(&[free, spent], window(0)).await.works());
    }
    assert!(store.take_attempt(&[free], window(0)).await.works());
    assert!(store.take_attempt(&[free], window(0)).await.works());
    assert!(!store.take_attempt(&[free], window(0)).await.works());
}

async fn an_attempt_given_back_can_be_taken_again(store: &dyn SessionStore) {
    let limits = [limit(1), limit(1)];
    for _ in 0..3 {
        assert!(store.take_attempt(&limits, window(0)).await.works());
        store.give_back_attempt(&limits, window(0)).await.works();
    }
    store.give_back_attempt(&limits, window(0)).await.works();
    assert!(store.take_attempt(&limits, window(0)).await.works());
    assert!(
        !store.take_attempt(&limits, window(0)).await.works(),
        "never below zero"
    );
}
