//! What is not committed never was, and no connection remembers it.

use std::{pin::pin, sync::Arc, task::Poll, time::Duration};

use futures::future::join_all;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{office::people, sample};
use crate::{
    domain::Body,
    store::{Changes, SharedStore, StoreError},
};

/// More than any pool has connections.
const MANY: usize = 20;

/// What `work` comes to, unless it is dropped at the await it reaches after `polls` steps.
pub(super) async fn cut_short<T>(work: impl Future<Output = T>, polls: usize) -> Option<T> {
    let mut work = pin!(work);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        work.as_mut().poll(context).map(Some)
    })
    .await
}

/// Changes that put one message into `owner`'s mailbox.
async fn a_message(store: &SharedStore, owner: Uuid) -> (Uuid, Arc<Changes>) {
    let inbox = sample::open(store, owner).await;
    let mut content = sample::content(owner, Body::default());
    let copy = sample::copy(&mut content, owner, inbox.folder_id, 2);
    let id = copy.message_id;
    let changes = Changes {
        contents: vec![content],
        new_copies: vec![copy],
        ..Changes::default()
    };
    (id, Arc::new(changes))
}

pub(super) async fn a_dropped_transaction_takes_no_effect(store: SharedStore) {
    let [owner] = people();
    let (id, changes) = a_message(&store, owner).await;
    for _ in 0..MANY {
        let mut transaction = store.begin().await.unwrap();
        transaction.lock_mailboxes(&[owner]).await.unwrap();
        transaction.write(&changes).await.unwrap();
        drop(transaction);
    }
    assert_eq!(store.copies(owner, &[id]).await.unwrap(), []);
    sample::write(&store, &changes).await;
    assert_eq!(store.copies(owner, &[id]).await.unwrap().len(), 1);
}

pub(super) async fn a_rolled_back_transaction_takes_no_effect(store: SharedStore) {
    let [owner] = people();
    let (id, changes) = a_message(&store, owner).await;
    for _ in 0..MANY {
        let mut transaction = store.begin().await.unwrap();
        transaction.write(&changes).await.unwrap();
        transaction.rollback().await;
    }
    assert_eq!(store.copies(owner, &[id]).await.unwrap(), []);
    sample::write(&store, &changes).await;
    assert_eq!(store.copies(owner, &[id]).await.unwrap().len(), 1);
}

pub(super) async fn a_statement_cut_short_poisons_nothing(store: SharedStore) {
    let [owner] = people();
    let (id, changes) = a_message(&store, owner).await;
    let mut whole = None;
    for polls in 1..200 {
        let work = async {
            let mut transaction = store.begin().await.unwrap();
            transaction.lock_mailboxes(&[owner]).await.unwrap();
            transaction.write(&changes).await.unwrap();
            transaction.rollback().await;
        };
        whole = cut_short(work, polls).await;
        assert_eq!(store.copies(owner, &[id]).await.unwrap(), [], "{polls}");
        if whole.is_some() {
            break;
        }
    }
    assert!(whole.is_some(), "the last attempt ran to its end");
    sample::write(&store, &changes).await;
    assert_eq!(store.copies(owner, &[id]).await.unwrap().len(), 1);
}

pub(super) async fn a_refused_statement_poisons_nothing(store: SharedStore) {
    let [owner] = people();
    let (id, changes) = a_message(&store, owner).await;
    sample::write(&store, &changes).await;
    for _ in 0..MANY {
        let mut transaction = store.begin().await.unwrap();
        let again = transaction.write(&changes).await;
        assert!(matches!(again, Err(StoreError::Refused(_))), "{again:?}");
    }
    assert_eq!(store.copies(owner, &[id]).await.unwrap().len(), 1);
    store.ping().await.unwrap();
}

pub(super) async fn mailboxes_are_locked_in_one_order(store: SharedStore) {
    let owners: [Uuid; 8] = people();
    for owner in owners {
        sample::open(&store, owner).await;
    }
    let lockers = (0..5).map(|n| {
        let (store, mut owners) = (Arc::clone(&store), owners);
        owners.rotate_left(n);
        if n % 2 == 0 {
            owners.reverse();
        }
        tokio::spawn(async move {
            for _ in 0..5 {
                let mut transaction = store.begin().await?;
                let found = transaction.lock_mailboxes(&owners).await?;
                assert_eq!(found.len(), owners.len());
                transaction.commit().await?;
            }
            Ok::<(), StoreError>(())
        })
    });
    for result in join_all(lockers).await {
        result.unwrap().unwrap();
    }
}

pub(super) async fn what_another_writer_committed_is_seen_after_the_lock(store: SharedStore) {
    let [owner] = people();
    let (id, mut changes) = a_message(&store, owner).await;
    let mut first = store.begin().await.unwrap();
    let mut mailboxes = first.lock_mailboxes(&[owner]).await.unwrap();
    mailboxes[0].last_change = 99;
    Arc::make_mut(&mut changes).mailboxes = mailboxes;

    let (begun, is_begun) = oneshot::channel();
    let second = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            begun.send(()).unwrap();
            let mut second = store.begin().await.unwrap();
            let mailboxes = second.lock_mailboxes(&[owner]).await.unwrap();
            let copies = second.copies(&[(owner, id)]).await.unwrap();
            second.rollback().await;
            (mailboxes[0].last_change, copies.len())
        })
    };
    is_begun.await.unwrap();
    // Long enough for the second to stand at the lock, should it not wait there.
    tokio::time::sleep(Duration::from_millis(20)).await;
    first.write(&changes).await.unwrap();
    assert!(!second.is_finished(), "the lock holds");
    first.commit().await.unwrap();
    assert_eq!(second.await.unwrap(), (99, 1));
}

pub(super) async fn the_store_answers(store: SharedStore) {
    store.ping().await.unwrap();
}
