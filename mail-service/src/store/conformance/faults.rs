//! Stores that fail, and jobs that no store takes.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures::{FutureExt, future::join_all};
use turbomessage_service_kit::problem::Reason;
use uuid::Uuid;

use super::{
    faulty::{FaultyStore, POISON},
    letter::{Letter, letter},
    office::{Office, people, reason},
};
use crate::store::SharedStore;

/// Submits the letters so that they share one batch, and answers how many were sent; the rest fails
/// with `INTERNAL`.
async fn in_one_batch(office: &Office, store: &FaultyStore, letters: &[Letter]) -> usize {
    let sends: Vec<_> = letters
        .iter()
        .map(|letter| {
            let (office, job) = (office.clone(), letter.job());
            let mut send = Box::pin(async move { office.submit(job).await });
            // The first poll puts it into the queue.
            assert!((&mut send).now_or_never().is_none());
            send
        })
        .collect();
    store.open();
    let results = join_all(sends).await;
    let (done, failed): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    for failure in failed {
        assert_eq!(reason(failure), Reason::Internal);
    }
    done.len()
}

pub(super) async fn a_poison_job_fails_alone(store: SharedStore) {
    let faulty = FaultyStore::closed(store);
    let office = Office::new(Arc::clone(&faulty) as SharedStore);
    let [bob] = people();
    let mut letters: Vec<Letter> = people::<9>().map(|ana| letter(ana, &[bob])).to_vec();
    letters[4].subject = POISON.into();
    assert_eq!(in_one_batch(&office, &faulty, &letters).await, 8);
    assert_eq!(office.audit(bob).await.len(), 8);
    assert_eq!(office.audit(letters[4].from).await, []);
    office.send(&letter(letters[4].from, &[bob])).await;
}

/// Two copies of one message for one person are more than any engine takes; NUL in a text is more
/// than PostgreSQL does.
pub(super) async fn a_job_the_engine_refuses_fails_alone(store: SharedStore) {
    let faulty = FaultyStore::closed(store);
    let office = Office::new(Arc::clone(&faulty) as SharedStore);
    let [bob, cleo] = people();
    let mut letters: Vec<Letter> = people::<6>().map(|ana| letter(ana, &[bob])).to_vec();
    letters[2].to = vec![cleo, cleo];
    assert_eq!(in_one_batch(&office, &faulty, &letters).await, 5);
    assert_eq!(office.audit(bob).await.len(), 5);
    assert_eq!(office.audit(cleo).await, []);

    let nul = letter(cleo, &[bob]).with_text("a\0b");
    let other = letter(bob, &[cleo]);
    let (nul, other) = futures::join!(office.submit(nul.job()), office.submit(other.job()));
    assert!(other.is_ok());
    let arrived = usize::from(nul.is_ok());
    assert_eq!(
        office.audit(bob).await.len(),
        6 + arrived,
        "whole or not at all"
    );
    assert_eq!(office.audit(cleo).await.len(), 1 + arrived);
}

pub(super) async fn conflicts_are_tried_again(store: SharedStore) {
    let faulty = FaultyStore::over(store);
    let office = Office::new(Arc::clone(&faulty) as SharedStore);
    let [ana, bob] = people();
    faulty.conflicts.store(5, Ordering::SeqCst);
    office.send(&letter(ana, &[bob])).await;
    assert_eq!(faulty.conflicts.load(Ordering::SeqCst), 0);
    assert_eq!(office.audit(bob).await.len(), 1);
    assert_eq!(office.audit(ana).await.len(), 1);
}

pub(super) async fn conflicts_without_end_are_told(store: SharedStore) {
    let faulty = FaultyStore::over(store);
    let office = Office::new(Arc::clone(&faulty) as SharedStore);
    let [ana, bob] = people();
    faulty.conflicts.store(u32::MAX, Ordering::SeqCst);
    let failed = office.submit(letter(ana, &[bob]).job()).await;
    assert_eq!(reason(failed), Reason::StoreUnavailable);
    faulty.conflicts.store(0, Ordering::SeqCst);
    assert_eq!(office.audit(bob).await, []);
    office.send(&letter(ana, &[bob])).await;
    assert_eq!(office.audit(bob).await.len(), 1);
}

pub(super) async fn a_failed_commit_is_not_acknowledged(store: SharedStore) {
    let faulty = FaultyStore::over(store);
    let office = Office::new(Arc::clone(&faulty) as SharedStore);
    let [ana, bob] = people();
    office.send(&letter(ana, &[bob])).await;
    let message = letter(ana, &[bob]).with_request(Uuid::new_v4());
    faulty.lost_commits.store(1, Ordering::SeqCst);
    let failed = office.submit(message.job()).await;
    assert_eq!(reason(failed), Reason::StoreUnavailable);
    assert_eq!(office.audit(bob).await.len(), 1);
    office.clock.advance(Duration::from_secs(1));
    office.send(&message).await;
    office.send(&message).await;
    assert_eq!(office.audit(bob).await.len(), 2);
}
