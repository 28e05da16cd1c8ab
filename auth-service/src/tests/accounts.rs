//! Opening, changing and deleting accounts.

use std::time::Duration;

use futures::future::join_all;
use prost_types::FieldMask;
use tonic::{Code, Request};
use tonic_types::StatusExt;
use turbomessage_proto::auth_v1::{
    ChangePasswordRequest, DeleteAccountRequest, GetAccountRequest, RegisterRequest,
    UpdateAccountRequest,
};
use turbomessage_service_kit::problem::Reason;

use super::{PASSWORD, START, in_time, reason, refused, start, with_token};
use crate::store::{AccountStore, accounts::SqliteAccounts};

fn registration(username: &str, password: &str) -> RegisterRequest {
    RegisterRequest {
        username: username.into(),
        password: password.into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn registering_opens_an_account_and_a_session() {
    let service = start().await;
    let mut request = registration("Ada", PASSWORD);
    request.device_name = "laptop".into();
    let answer = service
        .auth
        .clone()
        .register(request)
        .await
        .unwrap()
        .into_inner();

    let account = answer.account.unwrap();
    assert_eq!(account.username, "ada");
    assert_eq!(
        account.display_name, "ada",
        "the username, for want of another"
    );
    assert_eq!(account.create_time, Some(START.into()));
    let session = answer.session.unwrap();
    assert_eq!(session.device_name, "laptop");
    assert!(session.current);
    let thirty_days = Duration::from_secs(30 * 24 * 3600);
    assert_eq!(session.expire_time, Some(START.plus(thirty_days).into()));

    let call = with_token(&answer.session_token, GetAccountRequest {});
    let got = service
        .auth
        .clone()
        .get_account(call)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(got.account, Some(account));
}

#[tokio::test]
async fn every_field_that_is_wrong_is_named() {
    let service = start().await;
    let request = RegisterRequest {
        username: "-".into(),
        password: "short".into(),
        display_name: "a\nb".into(),
        device_name: "x".repeat(65),
    };
    let status = refused(service.auth.clone().register(request).await);
    assert_eq!(reason(&status), Reason::FieldInvalid);
    let details = status.get_details_bad_request().unwrap();
    let fields: Vec<_> = details
        .field_violations
        .iter()
        .map(|v| v.field.as_str())
        .collect();
    assert_eq!(
        fields,
        ["username", "password", "display_name", "device_name"]
    );
}

#[tokio::test]
async fn a_huge_password_is_refused_before_any_work() {
    let service = start().await;
    let huge = "x".repeat(1024 * 1024);
    let began = std::time::Instant::now();
    let status = refused(
        service
            .auth
            .clone()
            .register(registration("ada", &huge))
            .await,
    );
    assert_eq!(reason(&status), Reason::FieldInvalid);
    let status = refused(service.login("ada", &huge).await);
    assert_eq!(reason(&status), Reason::FieldInvalid);
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_weak_password_gets_advice_in_the_callers_language() {
    let service = start().await;
    for (language, word) in [("en", "common"), ("es", "común")] {
        let mut request = Request::new(registration("ada", "password1"));
        let language = language.parse().unwrap();
        request.metadata_mut().insert("accept-language", language);
        let status = refused(service.auth.clone().register(request).await);
        assert_eq!(reason(&status), Reason::PasswordTooWeak);
        assert_eq!(status.code(), Code::InvalidArgument);
        let details = status.get_details_bad_request().unwrap();
        assert_eq!(details.field_violations[0].field, "password");
        let localized = status.get_details_localized_message().unwrap().message;
        assert!(localized.contains(word), "{localized}");
    }
    let weak = registration("wolfgang.amadeus", "wolfgang.amadeus");
    let status = refused(service.auth.clone().register(weak).await);
    assert_eq!(reason(&status), Reason::PasswordTooWeak, "one's own name");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_registrations_of_one_name_one_succeeds() {
    let service = start().await;
    let tries = join_all((0..100).map(|_| {
        let mut auth = service.auth.clone();
        tokio::spawn(async move { auth.register(registration("ada", PASSWORD)).await })
    }));
    let results: Vec<_> = tries.await.into_iter().map(Result::unwrap).collect();
    assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 1);
    for status in results.iter().filter_map(|r| r.as_ref().err()) {
        assert_eq!(reason(status), Reason::UsernameTaken);
        assert_eq!(status.code(), Code::AlreadyExists);
    }
}

#[tokio::test]
async fn the_display_name_changes_as_the_mask_says() {
    let service = start().await;
    let token = service.register("ada").await.session_token;
    let update = async |display_name: &str, paths: Option<&[&str]>| {
        let request = UpdateAccountRequest {
            display_name: display_name.into(),
            update_mask: paths.map(|paths| FieldMask {
                paths: paths.iter().map(|p| (*p).to_owned()).collect(),
            }),
        };
        let mut auth = service.auth.clone();
        let answer = auth.update_account(with_token(&token, request)).await;
        answer.map(|a| a.into_inner().account.unwrap().display_name)
    };
    assert_eq!(
        update("Ada 👩🏽‍🚀", Some(&["display_name"])).await.unwrap(),
        "Ada 👩🏽‍🚀"
    );
    assert_eq!(update("Countess", None).await.unwrap(), "Countess");
    assert_eq!(
        update("", None).await.unwrap(),
        "Countess",
        "nothing is set"
    );
    let violation = async |name, paths| {
        let status = refused(update(name, paths).await);
        status.get_details_bad_request().unwrap().field_violations[0]
            .field
            .clone()
    };
    assert_eq!(violation("x", Some(&["username"])).await, "update_mask");
    assert_eq!(violation("", Some(&["display_name"])).await, "display_name");
}

#[tokio::test]
async fn a_changed_password_ends_every_other_session() {
    let service = start().await;
    let mine = service.register("ada").await.session_token;
    let other = service.login("ada", PASSWORD).await.unwrap().session_token;
    let change = async |current: &str, new: &str| {
        let request = ChangePasswordRequest {
            current_password: current.into(),
            new_password: new.into(),
        };
        service
            .auth
            .clone()
            .change_password(with_token(&mine, request))
            .await
    };
    let new = "purple monkey dishwasher 7";
    let status = refused(change("wrong", new).await);
    assert_eq!(reason(&status), Reason::CredentialsInvalid);
    let status = refused(change(PASSWORD, "password1").await);
    let details = status.get_details_bad_request().unwrap();
    assert_eq!(details.field_violations[0].field, "new_password");
    assert!(service.opens(&other).await, "nothing has changed yet");

    let answer = change(PASSWORD, new).await.unwrap();
    assert!(answer.metadata().contains_key("x-tm-ended-sessions-of"));
    assert!(service.opens(&mine).await);
    assert!(!service.opens(&other).await);
    assert!(service.login("ada", PASSWORD).await.is_err());
    assert!(service.login("ada", new).await.is_ok());
}

#[tokio::test]
async fn a_deleted_account_is_gone_and_its_name_is_never_given_out_again() {
    let service = start().await;
    let answer = service.register("ada").await;
    let other = service.login("ada", PASSWORD).await.unwrap().session_token;
    let token = answer.session_token;
    let delete = async |password: &str| {
        let request = DeleteAccountRequest {
            password: password.into(),
        };
        service
            .auth
            .clone()
            .delete_account(with_token(&token, request))
            .await
    };
    let status = refused(delete("wrong").await);
    assert_eq!(reason(&status), Reason::CredentialsInvalid);
    assert!(service.opens(&token).await);

    let deleted = delete(PASSWORD).await.unwrap();
    let of = deleted.metadata().get("x-tm-ended-sessions-of").unwrap();
    assert_eq!(of.to_str().unwrap(), answer.account.unwrap().account_id);
    assert!(!service.opens(&token).await);
    assert!(!service.opens(&other).await);
    let status = refused(service.login("ada", PASSWORD).await);
    assert_eq!(reason(&status), Reason::CredentialsInvalid);
    let again = service
        .auth
        .clone()
        .register(registration("ada", PASSWORD))
        .await;
    assert_eq!(reason(&refused(again)), Reason::UsernameTaken);
}

#[tokio::test]
async fn a_death_amid_a_deletion_leaves_no_session_behind() {
    let service = start().await;
    let answer = service.register("ada").await;
    assert!(service.opens(&answer.session_token).await);
    // What another replica did just before it died: the account is deleted, its sessions are not.
    let file = service.data.path().join("accounts.db");
    let replica = SqliteAccounts::open(&file).await.unwrap();
    let account_id = answer.account.unwrap().account_id.parse().unwrap();
    let hash = replica
        .find(account_id)
        .await
        .unwrap()
        .unwrap()
        .password_hash;
    assert!(replica.delete(account_id, &hash, START).await.unwrap());
    let token = answer.session_token;
    in_time(async {
        let mut sessions = service.sessions.clone();
        let request = turbomessage_proto::auth_internal_v1::IntrospectRequest {
            session_token: token.clone(),
        };
        while sessions.introspect(request.clone()).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}
