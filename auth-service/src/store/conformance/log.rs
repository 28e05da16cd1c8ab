//! The log of account events under many writers, and callers that hang up.

use std::{collections::HashSet, sync::Arc, time::Duration};

use futures::future::join_all;
use turbomessage_service_kit::problem::Reason;
use uuid::Uuid;

use super::{
    NOW, Works,
    accounts::{opened, somebody},
    id,
};
use crate::{
    domain::{Account, DirectoryEntry},
    store::AccountStore,
};

pub(super) async fn run_all(store: &Arc<dyn AccountStore>) {
    every_change_is_an_event(store.as_ref()).await;
    a_batch_ends_where_it_says(store.as_ref()).await;
    a_name_is_given_out_once(store).await;
    a_reader_beside_many_writers_misses_nothing(store).await;
    callers_that_hang_up_harm_nobody(store).await;
    adding_an_event_rings(store.as_ref()).await;
}

/// The entries of `account_id` after `position`.
async fn events_of(
    store: &dyn AccountStore,
    account_id: Uuid,
    position: i64,
) -> Vec<DirectoryEntry> {
    let events = store.events_after(position, 10_000).await.works();
    let all = events.entries.into_iter();
    all.filter(|entry| entry.account_id == account_id).collect()
}

async fn every_change_is_an_event(store: &dyn AccountStore) {
    let start = store.end_of_events().await.works();
    let one = opened(store).await;
    let account_id = one.account.account_id;
    assert_eq!(events_of(store, account_id, start).await.len(), 1);
    store
        .rename(account_id, &one.account.display_name, NOW)
        .await
        .works();
    assert_eq!(events_of(store, account_id, start).await.len(), 2);
    store
        .delete(account_id, &one.password_hash, NOW)
        .await
        .works();
    let events = events_of(store, account_id, start).await;
    assert_eq!(events.len(), 3);
    assert!(
        events.iter().all(|entry| entry.names.is_none()),
        "as it is now"
    );
}

async fn a_batch_ends_where_it_says(store: &dyn AccountStore) {
    let start = store.end_of_events().await.works();
    for _ in 0..5 {
        opened(store).await;
    }
    let first = store.events_after(start, 2).await.works();
    assert_eq!((first.position, first.entries.len()), (start + 2, 2));
    let rest = store.events_after(first.position, 1_000).await.works();
    assert!(rest.entries.len() >= 3);
    let end = store.events_after(i64::MAX, 1).await.works();
    assert_eq!((end.position, end.entries.len()), (i64::MAX, 0));
}

async fn a_name_is_given_out_once(store: &Arc<dyn AccountStore>) {
    let (wanted, hash) = somebody();
    let tries = join_all((0..100).map(|_| {
        let (store, hash) = (Arc::clone(store), hash.clone());
        let account = Account {
            account_id: id(),
            ..wanted.clone()
        };
        tokio::spawn(async move {
            let mut result = store.open(&account, &hash).await;
            // So many at once are more than a pool serves: the store may ask to come back.
            while matches!(&result, Err(p) if p.reason() == Reason::StoreUnavailable) {
                result = store.open(&account, &hash).await;
            }
            result.map_err(|problem| problem.reason())
        })
    }));
    let results: Vec<_> = tries
        .await
        .into_iter()
        .map(|r| r.expect("no panic"))
        .collect();
    assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 1);
    let taken = results.iter().filter(|r| **r == Err(Reason::UsernameTaken));
    assert_eq!(taken.count(), 99);
}

async fn a_reader_beside_many_writers_misses_nothing(store: &Arc<dyn AccountStore>) {
    let start = store.end_of_events().await.works();
    let writers = (0..8).map(|_| {
        let store = Arc::clone(store);
        tokio::spawn(async move {
            let mut opened_here = Vec::new();
            for _ in 0..10 {
                opened_here.push(opened(store.as_ref()).await.account.account_id);
            }
            opened_here
        })
    });
    let writing = tokio::spawn(join_all(writers));

    let (mut position, mut seen) = (start, Vec::new());
    let mut written = false;
    loop {
        // Asked before reading: what was written by then must be read by then.
        written |= writing.is_finished();
        let events = store.events_after(position, 7).await.works();
        let step = i64::try_from(events.entries.len()).expect("few");
        assert_eq!(events.position, position + step, "no gap");
        if step == 0 && written {
            break;
        }
        position = events.position;
        seen.extend(events.entries.into_iter().map(|entry| entry.account_id));
    }
    let unique: HashSet<_> = seen.iter().collect();
    assert_eq!(unique.len(), seen.len(), "each once");
    for opened_here in writing.await.expect("no panic") {
        let opened_here = opened_here.expect("no panic");
        assert!(
            opened_here.iter().all(|id| unique.contains(id)),
            "none missing"
        );
    }
}

async fn callers_that_hang_up_harm_nobody(store: &Arc<dyn AccountStore>) {
    for n in 0..40 {
        let (account, hash) = somebody();
        let patience = Duration::from_micros(n * 100);
        // Dropped wherever it is by then.
        let _ = tokio::time::timeout(patience, store.open(&account, &hash)).await;
    }
    // More than a pool has connections: each of them serves, and keeps what it is given.
    for credentials in join_all((0..20).map(|_| opened(store.as_ref()))).await {
        let found = store.find(credentials.account.account_id).await.works();
        assert_eq!(found, Some(credentials));
    }
}

async fn adding_an_event_rings(store: &dyn AccountStore) {
    let mut bell = store.events_added();
    bell.borrow_and_update();
    opened(store).await;
    let rung = tokio::time::timeout(Duration::from_secs(5), bell.changed()).await;
    rung.expect("in time").expect("the store is there");
}
