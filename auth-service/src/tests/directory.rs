//! Who there is, for the rest of the system.

use std::time::Duration;

use tokio_stream::StreamExt;
use tonic::{Status, Streaming};
use turbomessage_proto::{
    auth_internal_v1::{
        DirectoryEntry, LookUpAccountsRequest, WatchAccountsRequest, WatchAccountsResponse,
    },
    auth_v1::{DeleteAccountRequest, UpdateAccountRequest},
};
use turbomessage_service_kit::{clock::new_id, problem::Reason};

use super::{PASSWORD, Running, START, in_time, reason, refused, start, with_token};

async fn look_up(
    service: &Running,
    usernames: &[&str],
    account_ids: &[&str],
) -> Result<Vec<DirectoryEntry>, Status> {
    let owned = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
    let request = LookUpAccountsRequest {
        usernames: owned(usernames),
        account_ids: owned(account_ids),
    };
    let answer = service.directory.clone().look_up_accounts(request).await?;
    Ok(answer.into_inner().entries)
}

async fn watch(
    service: &Running,
    position: i64,
) -> Result<Streaming<WatchAccountsResponse>, Status> {
    let request = WatchAccountsRequest { position };
    Ok(service
        .directory
        .clone()
        .watch_accounts(request)
        .await?
        .into_inner())
}

async fn next(stream: &mut Streaming<WatchAccountsResponse>) -> WatchAccountsResponse {
    in_time(stream.next()).await.expect("a message").unwrap()
}

async fn delete(service: &Running, token: &str) {
    let request = DeleteAccountRequest {
        password: PASSWORD.into(),
    };
    service
        .auth
        .clone()
        .delete_account(with_token(token, request))
        .await
        .unwrap();
}

#[tokio::test]
async fn accounts_are_found_by_name_and_by_id_and_each_comes_once() {
    let service = start().await;
    let ada = service.register("ada").await.account.unwrap();
    service.register("bob").await;
    let names = ["ada", "bob", "nobody", "not a name"];
    let mut found = look_up(&service, &names, &[&ada.account_id]).await.unwrap();
    found.sort_by(|a, b| a.username.cmp(&b.username));
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].account_id, ada.account_id);
    assert_eq!(
        (found[0].display_name.as_str(), found[0].deleted),
        ("ada", false)
    );
    assert_eq!(found[1].username, "bob");
    assert_eq!(look_up(&service, &[], &[]).await.unwrap(), []);
}

#[tokio::test]
async fn a_deleted_account_is_found_by_id_only() {
    let service = start().await;
    let ada = service.register("ada").await;
    delete(&service, &ada.session_token).await;
    let id = ada.account.unwrap().account_id;
    assert_eq!(look_up(&service, &["ada"], &[]).await.unwrap(), []);
    let expected = DirectoryEntry {
        account_id: id.clone(),
        deleted: true,
        ..Default::default()
    };
    assert_eq!(look_up(&service, &[], &[&id]).await.unwrap(), [expected]);
}

#[tokio::test]
async fn what_cannot_be_looked_up_is_said() {
    let service = start().await;
    let status = refused(look_up(&service, &[], &["x"]).await);
    assert_eq!(reason(&status), Reason::FieldInvalid);
    let many = vec!["ada"; 1001];
    let status = refused(look_up(&service, &many, &[]).await);
    assert_eq!(reason(&status), Reason::FieldInvalid);
    let ids: Vec<_> = (0..1000).map(|_| new_id(START).to_string()).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    assert_eq!(look_up(&service, &[], &ids).await.unwrap(), []);
}

#[tokio::test]
async fn a_watcher_gets_every_event_from_its_position_on_and_then_live() {
    let service = start().await;
    let ada = service.register("ada").await;
    service.register("bob").await;
    let mut stream = watch(&service, 0).await.unwrap();
    let past = next(&mut stream).await;
    assert_eq!(past.position, 2);
    let names: Vec<_> = past.entries.iter().map(|e| e.username.as_str()).collect();
    assert_eq!(names, ["ada", "bob"]);

    let request = UpdateAccountRequest {
        display_name: "Countess".into(),
        update_mask: None,
    };
    let call = with_token(&ada.session_token, request);
    service.auth.clone().update_account(call).await.unwrap();
    let renamed = next(&mut stream).await;
    assert_eq!((renamed.position, renamed.entries.len()), (3, 1));
    assert_eq!(renamed.entries[0].display_name, "Countess");

    delete(&service, &ada.session_token).await;
    let deleted = next(&mut stream).await;
    assert_eq!(deleted.position, 4);
    assert!(deleted.entries[0].deleted);

    let mut resumed = watch(&service, 3).await.unwrap();
    assert_eq!(next(&mut resumed).await.position, 4);
}

#[tokio::test]
async fn a_silent_stream_has_a_heartbeat() {
    let service = start().await;
    service.register("ada").await;
    let mut stream = watch(&service, 1).await.unwrap();
    let began = tokio::time::Instant::now();
    let heartbeat = next(&mut stream).await;
    assert_eq!((heartbeat.position, heartbeat.entries.len()), (1, 0));
    assert!(began.elapsed() < Duration::from_secs(8));
}

#[tokio::test]
async fn a_position_beyond_the_log_is_refused() {
    let service = start().await;
    let status = refused(watch(&service, 7).await);
    assert_eq!(reason(&status), Reason::HistoryExpired, "a restored backup");
    let status = refused(watch(&service, -1).await);
    assert_eq!(reason(&status), Reason::FieldInvalid);
}
