//! What auth-service's log of account events leaves behind.

use uuid::Uuid;

use super::office::people;
use crate::store::{Account, SharedStore};

fn account(account_id: Uuid, name: &str) -> Account {
    Account {
        account_id,
        username: name.to_lowercase(),
        display_name: name.into(),
        deleted: false,
    }
}

fn deleted(account_id: Uuid) -> Account {
    Account {
        account_id,
        username: String::new(),
        display_name: String::new(),
        deleted: true,
    }
}

async fn note(store: &SharedStore, accounts: &[Account], position: i64) {
    let mut transaction = store.begin().await.unwrap();
    transaction.note_accounts(accounts, position).await.unwrap();
    transaction.commit().await.unwrap();
}

pub(super) async fn accounts_never_go_back(store: SharedStore) {
    let [id, other] = people();
    note(
        &store,
        &[account(id, "Old"), account(other, "Ñandú '\u{1f426}'")],
        5,
    )
    .await;
    note(&store, &[account(id, "New")], 7).await;
    note(&store, &[account(id, "Late")], 6).await;
    note(&store, &[account(id, "Same")], 7).await;
    let mut found = store.accounts(&[id, other, Uuid::new_v4()]).await.unwrap();
    found.sort_by_key(|a| a.account_id != id);
    assert_eq!(
        found,
        [account(id, "New"), account(other, "Ñandú '\u{1f426}'")]
    );
}

pub(super) async fn deleted_accounts_stay_deleted(store: SharedStore) {
    let [id] = people();
    note(&store, &[account(id, "Ana")], 3).await;
    note(&store, &[deleted(id)], 4).await;
    note(&store, &[account(id, "Back")], 9).await;
    assert_eq!(store.accounts(&[id]).await.unwrap(), [deleted(id)]);
}

/// Other cases move it on as well.
pub(super) async fn the_position_never_goes_back(store: SharedStore) {
    note(&store, &[], 1_000_000).await;
    let position = store.feed_position().await.unwrap();
    assert!(position >= 1_000_000);
    note(&store, &[], 2).await;
    assert!(store.feed_position().await.unwrap() >= position);
    let mut transaction = store.begin().await.unwrap();
    transaction.note_accounts(&[], i64::MAX).await.unwrap();
    transaction.rollback().await;
    assert!(store.feed_position().await.unwrap() < i64::MAX);
}
