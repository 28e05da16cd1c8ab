//! Accounts and sessions.

use tonic::Code;
use turbomessage_proto::{
    auth_v1::{
        ChangePasswordRequest, DeleteAccountRequest, GetAccountRequest, ListSessionsRequest,
        LogoutRequest, RevokeOtherSessionsRequest, RevokeSessionRequest, Session,
        UpdateAccountRequest,
    },
    mail_v1::{FolderRole, ParticipantKind},
};
use turbomessage_tests::{
    Edge, User,
    client::{fresh_name, fresh_password},
    errors::refused,
    eventually,
    eventually::SOON,
};
use uuid::Uuid;

pub(super) async fn registering_opens_an_account_a_mailbox_and_a_session(edge: &Edge) {
    let name = fresh_name();
    let client = edge.client().await;
    let opened = client
        .register(&name.to_uppercase(), &fresh_password())
        .await
        .unwrap();
    let account = opened.account.unwrap();
    assert_eq!((&account.username, &account.display_name), (&name, &name));
    assert!(Uuid::try_parse(&account.account_id).is_ok());
    assert!(opened.session_token.starts_with("tm_") && opened.session_token.len() == 46);

    let client = client.with_token(&opened.session_token);
    let own = client
        .auth()
        .get_account(GetAccountRequest {})
        .await
        .unwrap();
    assert_eq!(own.into_inner().account.unwrap(), account);
    let sessions = client
        .auth()
        .list_sessions(ListSessionsRequest {})
        .await
        .unwrap();
    let [session] = &sessions.into_inner().sessions[..] else {
        panic!("one session");
    };
    assert!(session.current);
    assert_eq!(session.session_id, opened.session.unwrap().session_id);
}

pub(super) async fn a_session_lasts_until_its_logout(edge: &Edge) {
    let ana = edge.register_fresh().await;
    let phone = ana.log_in_again(edge, None).await;
    phone.auth().logout(LogoutRequest {}).await.unwrap();
    refused(
        phone.list(FolderRole::Inbox).await,
        Code::Unauthenticated,
        "SESSION_INVALID",
    );
    let account = phone.auth().get_account(GetAccountRequest {}).await;
    refused(account, Code::Unauthenticated, "SESSION_INVALID");
    assert!(ana.inbox().await.is_empty(), "the other session goes on");
}

async fn sessions(user: &User) -> Vec<Session> {
    let listed = user
        .auth()
        .list_sessions(ListSessionsRequest {})
        .await
        .unwrap();
    listed.into_inner().sessions
}

pub(super) async fn sessions_are_listed_and_revoked_one_by_one(edge: &Edge) {
    let ana = edge.register_fresh().await;
    let phone = ana.log_in_again(edge, None).await;
    let listed = sessions(&ana).await;
    assert_eq!(listed.len(), 2);
    let current: Vec<_> = listed.iter().filter(|s| s.current).collect();
    assert_eq!(current.len(), 1);
    assert_eq!(current[0].session_id, ana.session.session_id);

    let request = RevokeSessionRequest {
        session_id: phone.session.session_id.clone(),
    };
    ana.auth().revoke_session(request.clone()).await.unwrap();
    refused(
        phone.list(FolderRole::Inbox).await,
        Code::Unauthenticated,
        "SESSION_INVALID",
    );
    assert_eq!(sessions(&ana).await.len(), 1);
    let again = ana.auth().revoke_session(request).await;
    refused(again, Code::NotFound, "SESSION_NOT_FOUND");
}

pub(super) async fn all_other_sessions_are_revoked_at_once(edge: &Edge) {
    let ana = edge.register_fresh().await;
    let others = [
        ana.log_in_again(edge, None).await,
        ana.log_in_again(edge, None).await,
    ];
    let revoked = ana
        .auth()
        .revoke_other_sessions(RevokeOtherSessionsRequest {})
        .await
        .unwrap();
    assert_eq!(revoked.into_inner().revoked_count, 2);
    for other in others {
        refused(
            other.list(FolderRole::Inbox).await,
            Code::Unauthenticated,
            "SESSION_INVALID",
        );
    }
    assert!(ana.inbox().await.is_empty());
}

pub(super) async fn a_new_password_ends_every_other_session(edge: &Edge) {
    let ana = edge.register_fresh().await;
    let phone = ana.log_in_again(edge, None).await;
    let new_password = fresh_password();
    let request = |current: &str| ChangePasswordRequest {
        current_password: current.into(),
        new_password: new_password.clone(),
    };
    let wrong = ana.auth().change_password(request("not this one")).await;
    refused(wrong, Code::Unauthenticated, "CREDENTIALS_INVALID");

    ana.auth()
        .change_password(request(&ana.password))
        .await
        .unwrap();
    refused(
        phone.list(FolderRole::Inbox).await,
        Code::Unauthenticated,
        "SESSION_INVALID",
    );
    assert!(ana.inbox().await.is_empty(), "this session goes on");
    let old = ana.client.log_in(&ana.name, &ana.password).await;
    refused(old, Code::Unauthenticated, "CREDENTIALS_INVALID");
    ana.client.log_in(&ana.name, &new_password).await.unwrap();
}

pub(super) async fn a_new_display_name_is_what_others_see(edge: &Edge) {
    let (ana, ben) = (edge.register_fresh().await, edge.register_fresh().await);
    ana.send(&[&ben], "before", "x").await.unwrap();
    let request = UpdateAccountRequest {
        display_name: "Ana María 🌻".into(),
        update_mask: None,
    };
    let updated = ana
        .auth()
        .update_account(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(updated.account.unwrap().display_name, "Ana María 🌻");
    eventually("the new name is shown", SOON, async || {
        let from = ben.inbox().await.remove(0).from.unwrap();
        (from.display_name == "Ana María 🌻" && from.username == ana.name).then_some(())
    })
    .await;
}

pub(super) async fn a_deleted_account_is_gone_and_copies_of_others_stay(edge: &Edge) {
    let (ana, ben) = (edge.register_fresh().await, edge.register_fresh().await);
    ana.send(&[&ben], "farewell", "so long").await.unwrap();
    let request = |password: &str| DeleteAccountRequest {
        password: password.into(),
    };
    let wrong = ana.auth().delete_account(request("not this one")).await;
    refused(wrong, Code::Unauthenticated, "CREDENTIALS_INVALID");
    ana.auth()
        .delete_account(request(&ana.password))
        .await
        .unwrap();

    refused(
        ana.list(FolderRole::Inbox).await,
        Code::Unauthenticated,
        "SESSION_INVALID",
    );
    let login = ana.client.log_in(&ana.name, &ana.password).await;
    refused(login, Code::Unauthenticated, "CREDENTIALS_INVALID");
    let taken = ben.client.register(&ana.name, &fresh_password()).await;
    refused(taken, Code::AlreadyExists, "USERNAME_TAKEN");
    eventually("nobody can write to it", SOON, async || {
        ben.send(&[&ana], "?", "").await.err()
    })
    .await;
    eventually("the sender is shown as deleted", SOON, async || {
        let message = ben.get(&ben.inbox().await[0].message_id).await.unwrap();
        assert_eq!(message.body.unwrap().text, "so long");
        let from = message.from.unwrap();
        let deleted = from.kind() == ParticipantKind::Deleted;
        (deleted && from.username.is_empty() && from.display_name.is_empty()).then_some(())
    })
    .await;
}
