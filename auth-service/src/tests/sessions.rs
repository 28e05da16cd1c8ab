//! Using, listing and ending sessions.

use std::{sync::Arc, time::Duration};

use tonic::{Code, Request};
use tonic_types::StatusExt;
use turbomessage_proto::auth_v1::{
    GetAccountRequest, ListSessionsRequest, LogoutRequest, RevokeOtherSessionsRequest,
    RevokeSessionRequest,
};
use turbomessage_service_kit::problem::Reason;

use super::{PASSWORD, reason, refused, start, start_in, start_with, with_token};

#[tokio::test]
async fn a_token_of_no_use_gets_the_same_bytes_whatever_is_wrong_with_it() {
    let service = start().await;
    let revoked = service.register("ada").await.session_token;
    let call = with_token(&revoked, LogoutRequest {});
    service.auth.clone().logout(call).await.unwrap();
    let expired = service.login("ada", PASSWORD).await.unwrap().session_token;
    service.clock.advance(Duration::from_secs(31 * 24 * 3600));
    let unknown = format!("tm_{}", "A".repeat(43));

    let mut requests = vec![Request::new(GetAccountRequest {})];
    for value in ["Bearer", "Bearer garbage", "Basic YWRhOng=", &expired] {
        let mut request = Request::new(GetAccountRequest {});
        request
            .metadata_mut()
            .insert("authorization", value.parse().unwrap());
        requests.push(request);
    }
    for token in [&revoked, &expired, &unknown] {
        requests.push(with_token(token, GetAccountRequest {}));
    }
    let mut answers = Vec::new();
    for request in requests {
        let status = refused(service.auth.clone().get_account(request).await);
        assert_eq!(reason(&status), Reason::SessionInvalid);
        assert_eq!(status.code(), Code::Unauthenticated);
        let headers = status.metadata().clone().into_headers();
        answers.push((
            status.message().to_owned(),
            status.details().to_owned(),
            headers,
        ));
    }
    assert!(answers.iter().all(|answer| answer == &answers[0]));
}

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one() {
    let service = start().await;
    let answer = service.register("ada").await;
    let (mine, my_id) = (answer.session_token, answer.session.unwrap().session_id);
    service.clock.advance(Duration::from_secs(1));
    let phone = service.login("ada", PASSWORD).await.unwrap();
    let phone_id = phone.session.unwrap().session_id;
    let stranger = service.register("bob").await;

    let call = with_token(&mine, ListSessionsRequest {});
    let listed = service
        .auth
        .clone()
        .list_sessions(call)
        .await
        .unwrap()
        .into_inner()
        .sessions;
    let seen: Vec<_> = listed
        .iter()
        .map(|s| (s.session_id.clone(), s.current))
        .collect();
    assert_eq!(seen, [(phone_id.clone(), false), (my_id, true)]);
    assert_eq!(listed[0].device_name, "phone");

    let revoke = async |token: &str, session_id: &str| {
        let request = RevokeSessionRequest {
            session_id: session_id.into(),
        };
        service
            .auth
            .clone()
            .revoke_session(with_token(token, request))
            .await
    };
    let status = refused(revoke(&stranger.session_token, &phone_id).await);
    assert_eq!(reason(&status), Reason::SessionNotFound, "nobody else's");
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.metadata["session_id"], phone_id);
    assert_eq!(
        reason(&refused(revoke(&mine, "x").await)),
        Reason::FieldInvalid
    );

    let answer = revoke(&mine, &phone_id).await.unwrap();
    assert!(answer.metadata().contains_key("x-tm-ended-sessions-of"));
    assert!(!service.opens(&phone.session_token).await);
    assert!(service.opens(&mine).await);
    assert_eq!(
        reason(&refused(revoke(&mine, &phone_id).await)),
        Reason::SessionNotFound
    );
}

#[tokio::test]
async fn all_other_sessions_are_ended_at_once() {
    let service = start().await;
    let mine = service.register("ada").await.session_token;
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(service.login("ada", PASSWORD).await.unwrap().session_token);
    }
    let stranger = service.register("bob").await.session_token;
    let call = with_token(&mine, RevokeOtherSessionsRequest {});
    let answer = service
        .auth
        .clone()
        .revoke_other_sessions(call)
        .await
        .unwrap();
    assert!(answer.metadata().contains_key("x-tm-ended-sessions-of"));
    assert_eq!(answer.into_inner().revoked_count, 3);
    for token in &others {
        assert!(!service.opens(token).await);
    }
    assert!(service.opens(&mine).await);
    assert!(service.opens(&stranger).await);
}

#[tokio::test]
async fn logging_out_ends_this_session_only() {
    let service = start().await;
    let mine = service.register("ada").await.session_token;
    let other = service.login("ada", PASSWORD).await.unwrap().session_token;
    let call = with_token(&mine, LogoutRequest {});
    let answer = service.auth.clone().logout(call).await.unwrap();
    assert!(answer.metadata().contains_key("x-tm-ended-sessions-of"));
    assert!(!service.opens(&mine).await);
    assert!(service.opens(&other).await);
}

#[tokio::test]
async fn a_session_that_is_used_lives_until_its_end() {
    let settings = [
        "--session-idle-seconds=3600",
        "--session-lifetime-seconds=10000",
    ];
    let service = start_with(&settings).await;
    let used = service.register("ada").await.session_token;
    let idle = service.login("ada", PASSWORD).await.unwrap().session_token;
    for _ in 0..3 {
        service.clock.advance(Duration::from_secs(3000));
        assert!(service.opens(&used).await);
    }
    assert!(!service.opens(&idle).await);
    service.clock.advance(Duration::from_secs(1000));
    assert!(!service.opens(&used).await, "however often it is used");
}

#[tokio::test]
async fn accounts_and_sessions_survive_a_restart() {
    let service = start().await;
    let token = service.register("ada").await.session_token;
    let data = Arc::clone(&service.data);
    drop(service);
    let service = start_in(data, &[]).await;
    assert!(service.opens(&token).await);
    assert!(service.login("ada", PASSWORD).await.is_ok());
}
