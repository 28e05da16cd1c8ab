//! Accounts: found, renamed, deleted, never mixed up.

use turbomessage_service_kit::{problem::Reason, settings::Secret};
use uuid::Uuid;

use super::{NOW, Works, answers, id, refusal};
use crate::{
    config::AccountStoreUrl,
    domain::{Account, Credentials, DirectoryEntry, DisplayName, Names, PasswordHash, Username},
    store::{
        AccountStore,
        accounts::{PostgresAccounts, SqliteAccounts},
    },
};

pub(super) async fn run_all(store: &dyn AccountStore) {
    an_account_is_found_by_id_and_by_name(store).await;
    a_renamed_account_has_its_new_name_everywhere(store).await;
    a_password_changes_only_from_what_it_was(store).await;
    a_deleted_account_is_gone_and_its_name_stays_taken(store).await;
    many_accounts_are_looked_up_at_once(store).await;
    a_follower_never_goes_back(store).await;
}

pub(super) async fn prepare_every_statement(url: &str) {
    match AccountStoreUrl::parse(&Secret::new(url)).expect("a URL") {
        AccountStoreUrl::Sqlite(path) => {
            let store = SqliteAccounts::open(&path).await.expect("opens");
            store.prepare_all().await.works();
        }
        AccountStoreUrl::Postgres(options) => {
            let shutdown = tokio_util::sync::CancellationToken::new();
            let store = PostgresAccounts::open(&options, shutdown);
            answers(|| store.ping()).await;
            store.prepare_all().await.works();
        }
    }
}

/// An account that nobody else has, and its password's hash.
pub(super) fn somebody() -> (Account, PasswordHash) {
    // The random end of the id, so that the name is a name.
    let unique = &Uuid::simple(id()).to_string()[8..];
    let account = Account {
        account_id: id(),
        username: Username::parse(&format!("u.{unique}")).expect("a name"),
        display_name: DisplayName::parse("Ada 'O; DROP \u{202e}Lovelace 👩🏽‍🚀").expect("a name"),
        create_time: NOW,
    };
    (account, PasswordHash::new(format!("hash of {unique}")))
}

pub(super) async fn opened(store: &dyn AccountStore) -> Credentials {
    let (account, password_hash) = somebody();
    store.open(&account, &password_hash).await.works();
    Credentials {
        account,
        password_hash,
    }
}

fn entry(account: &Account) -> DirectoryEntry {
    DirectoryEntry {
        account_id: account.account_id,
        names: Some(Names {
            username: account.username.clone(),
            display_name: account.display_name.clone(),
        }),
    }
}

async fn look_up_one(store: &dyn AccountStore, account: &Account) -> [Vec<DirectoryEntry>; 2] {
    let by_name = store.look_up(std::slice::from_ref(&account.username), &[]);
    let ids = [account.account_id];
    let by_id = store.look_up(&[], &ids);
    [by_name.await.works(), by_id.await.works()]
}

async fn an_account_is_found_by_id_and_by_name(store: &dyn AccountStore) {
    let one = opened(store).await;
    let other = opened(store).await;
    assert_eq!(
        store.find(one.account.account_id).await.works().as_ref(),
        Some(&one)
    );
    assert_eq!(
        store.find_named(&one.account.username).await.works(),
        Some(one.clone())
    );
    assert_eq!(
        store.find_named(&other.account.username).await.works(),
        Some(other)
    );
    let known = vec![entry(&one.account)];
    assert_eq!(
        look_up_one(store, &one.account).await,
        [known.clone(), known]
    );

    let (nobody, _) = somebody();
    assert_eq!(store.find(nobody.account_id).await.works(), None);
    assert_eq!(store.find_named(&nobody.username).await.works(), None);
    assert_eq!(look_up_one(store, &nobody).await, [vec![], vec![]]);
}

async fn a_renamed_account_has_its_new_name_everywhere(store: &dyn AccountStore) {
    let credentials = opened(store).await;
    let mut account = credentials.account;
    account.display_name = DisplayName::parse("Countess").expect("a name");
    let renamed = store
        .rename(account.account_id, &account.display_name, NOW)
        .await;
    assert_eq!(renamed.works().as_ref(), Some(&account));
    let known = vec![entry(&account)];
    assert_eq!(look_up_one(store, &account).await, [known.clone(), known]);
    let nobody = store.rename(id(), &account.display_name, NOW).await;
    assert_eq!(nobody.works(), None);
}

async fn a_password_changes_only_from_what_it_was(store: &dyn AccountStore) {
    let Credentials {
        account,
        password_hash: old,
    } = opened(store).await;
    let new = PasswordHash::new("new".into());
    let change = |from, to| store.change_password(account.account_id, from, to);
    assert!(!change(&new, &old).await.works(), "it was another");
    assert!(change(&old, &new).await.works());
    assert!(!change(&old, &new).await.works(), "it has changed");
    let found = store.find(account.account_id).await.works().expect("there");
    assert_eq!(found.password_hash, new);
}

async fn a_deleted_account_is_gone_and_its_name_stays_taken(store: &dyn AccountStore) {
    let credentials = opened(store).await;
    let (account, hash) = (&credentials.account, &credentials.password_hash);
    let account_id = account.account_id;
    let wrong = PasswordHash::new("wrong".into());
    assert!(!store.delete(account_id, &wrong, NOW).await.works());
    assert!(
        store.find(account_id).await.works().is_some(),
        "still there"
    );

    assert!(store.delete(account_id, hash, NOW).await.works());
    assert!(!store.delete(account_id, hash, NOW).await.works(), "once");
    // The hash is erased, and what is erased opens nothing.
    let erased = PasswordHash::new(String::new());
    assert!(!store.delete(account_id, &erased, NOW).await.works());
    assert_eq!(store.find(account_id).await.works(), None);
    assert_eq!(store.find_named(&account.username).await.works(), None);
    assert_eq!(
        store
            .rename(account_id, &account.display_name, NOW)
            .await
            .works(),
        None
    );
    assert!(
        !store
            .change_password(account_id, &erased, hash)
            .await
            .works()
    );
    let trace = DirectoryEntry {
        account_id,
        names: None,
    };
    assert_eq!(look_up_one(store, account).await, [vec![], vec![trace]]);

    let heir = Account {
        account_id: id(),
        ..account.clone()
    };
    assert_eq!(
        refusal(store.open(&heir, hash).await),
        Reason::UsernameTaken
    );
}

async fn many_accounts_are_looked_up_at_once(store: &dyn AccountStore) {
    let mut accounts = Vec::new();
    for _ in 0..20 {
        accounts.push(opened(store).await.account);
    }
    let mut names: Vec<_> = accounts.iter().map(|a| a.username.clone()).collect();
    names.extend((0..500).map(|_| somebody().0.username));
    let mut ids: Vec<_> = accounts.iter().map(|a| a.account_id).collect();
    ids.extend((0..480).map(|_| id()));
    for found in [
        store.look_up(&names, &[]).await.works(),
        store.look_up(&[], &ids).await.works(),
    ] {
        assert_eq!(found.len(), accounts.len());
        assert!(
            accounts
                .iter()
                .all(|account| found.contains(&entry(account)))
        );
    }
}

async fn a_follower_never_goes_back(store: &dyn AccountStore) {
    let follower = format!("conformance-{}", id());
    assert_eq!(store.follower_position(&follower).await.works(), 0);
    for (to, expected) in [(7, 7), (3, 7), (9, 9)] {
        store.advance_follower(&follower, to).await.works();
        assert_eq!(store.follower_position(&follower).await.works(), expected);
    }
}
