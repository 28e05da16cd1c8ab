//! What the gateway asks: whose session, which tickets, which sessions have ended, who is healthy.

use std::time::Duration;

use tokio_stream::StreamExt;
use tonic::Status;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use turbomessage_proto::{
    auth_internal_v1::{
        IntrospectRequest, IntrospectResponse, ListTicketKeysRequest, WatchRevocationsRequest,
    },
    auth_v1::{LogoutRequest, RegisterResponse},
};
use turbomessage_service_kit::{
    clock::Clock,
    problem::Reason,
    ticket::{PublicKey, verify},
};

use super::{Running, in_time, reason, refused, start, with_token};

async fn introspect(service: &Running, token: &str) -> Result<IntrospectResponse, Status> {
    let request = IntrospectRequest {
        session_token: token.into(),
    };
    let answer = service.sessions.clone().introspect(request).await?;
    Ok(answer.into_inner())
}

async fn log_out(service: &Running, who: &RegisterResponse) {
    let call = with_token(&who.session_token, LogoutRequest {});
    service.auth.clone().logout(call).await.unwrap();
}

#[tokio::test]
async fn a_session_gets_a_ticket_that_the_announced_keys_verify() {
    let service = start().await;
    let ada = service.register("ada").await;
    let answer = introspect(&service, &ada.session_token).await.unwrap();
    assert_eq!(answer.account_id, ada.account.unwrap().account_id);
    assert_eq!(answer.session_id, ada.session.unwrap().session_id);

    let mut sessions = service.sessions.clone();
    let keys = sessions
        .list_ticket_keys(ListTicketKeysRequest {})
        .await
        .unwrap()
        .into_inner()
        .keys;
    let keys: Vec<_> = keys
        .iter()
        .map(|key| PublicKey::new(&key.key_id, &key.public_key).unwrap())
        .collect();
    let claims = verify(&answer.ticket, &keys, service.clock.now()).unwrap();
    assert_eq!(claims.account_id.to_string(), answer.account_id);
    assert_eq!(claims.session_id.to_string(), answer.session_id);
    assert_eq!(answer.ticket_expire_time, Some(claims.expire_time.into()));
}

#[tokio::test]
async fn a_ticket_is_handed_out_until_half_its_life_is_over() {
    let service = start().await;
    let token = service.register("ada").await.session_token;
    let ticket = async || introspect(&service, &token).await.unwrap().ticket;
    let first = ticket().await;
    service.clock.advance(Duration::from_secs(29));
    assert_eq!(ticket().await, first);
    service.clock.advance(Duration::from_secs(2));
    assert_ne!(ticket().await, first);
}

#[tokio::test]
async fn a_session_that_has_ended_gets_no_ticket() {
    let service = start().await;
    let ada = service.register("ada").await;
    introspect(&service, &ada.session_token).await.unwrap();
    log_out(&service, &ada).await;
    for token in [ada.session_token.as_str(), "", "garbage"] {
        let status = refused(introspect(&service, token).await);
        assert_eq!(reason(&status), Reason::SessionInvalid);
    }
}

#[tokio::test]
async fn a_watcher_hears_where_the_log_stands_and_then_who_has_left() {
    let service = start().await;
    let ada = service.register("ada").await;
    let bob = service.register("bob").await;
    let watch = async |position: &str| {
        let request = WatchRevocationsRequest {
            position: position.into(),
        };
        let answer = service.sessions.clone().watch_revocations(request).await;
        answer.map(tonic::Response::into_inner)
    };
    let mut stream = watch("").await.unwrap();
    let first = in_time(stream.next()).await.unwrap().unwrap();
    assert_eq!(first.sessions, [], "at once");

    log_out(&service, &ada).await;
    let second = in_time(stream.next()).await.unwrap().unwrap();
    assert_eq!(second.sessions.len(), 1);
    assert_eq!(
        second.sessions[0].session_id,
        ada.session.as_ref().unwrap().session_id
    );

    // Nobody listens for a while.
    drop(stream);
    log_out(&service, &bob).await;
    let mut stream = watch(&second.position).await.unwrap();
    let mut missed = Vec::new();
    while missed.is_empty() {
        missed = in_time(stream.next()).await.unwrap().unwrap().sessions;
    }
    assert_eq!(
        missed[0].session_id,
        bob.session.as_ref().unwrap().session_id
    );

    let status = refused(watch("12345").await);
    assert_eq!(reason(&status), Reason::HistoryExpired);
    assert_eq!(status.code(), tonic::Code::OutOfRange);

    service.shutdown.cancel();
    let last = loop {
        match in_time(stream.next()).await.expect("a status") {
            Ok(_) => {}
            Err(status) => break status,
        }
    };
    assert_eq!(reason(&last), Reason::ShuttingDown);
}

#[tokio::test]
async fn health_follows_the_stores_and_ends_with_the_process() {
    let service = start().await;
    for name in ["", "turbomessage.auth.v1.AuthService"] {
        let request = HealthCheckRequest {
            service: name.into(),
        };
        let mut health = HealthClient::new(service.upstream.streams());
        let mut changes = health.watch(request).await.unwrap().into_inner();
        let mut until = async |wanted: ServingStatus| {
            in_time(async {
                while changes.next().await.unwrap().unwrap().status != wanted as i32 {}
            })
            .await;
        };
        until(ServingStatus::Serving).await;
        if name.is_empty() {
            continue;
        }
        service.shutdown.cancel();
        until(ServingStatus::NotServing).await;
    }
}
