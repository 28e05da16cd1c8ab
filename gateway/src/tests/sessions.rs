//! Whose call it is.

use futures::future::join_all;
use http::HeaderMap;
use turbomessage_service_kit::problem::Reason;

use super::support::{ALICE, BOB, GET_MESSAGE, LOGOUT, echo, frame, gateway, request};

#[tokio::test]
async fn every_bad_token_gets_the_same_bytes() {
    let gateway = gateway(echo).await;
    let mut answers: Vec<HeaderMap> = Vec::new();
    for value in [
        None,
        Some("Bearer tm_nobody"),
        Some("Bearer garbage"),
        Some("Bearer "),
        Some("Basic tm_alice"),
        Some("tm_alice"),
        Some("Bearer tm_alice tm_alice"),
    ] {
        let mut request = request(GET_MESSAGE, None, frame(b""));
        if let Some(value) = value {
            let headers = request.headers_mut();
            headers.insert("authorization", value.parse().unwrap());
        }
        let reply = gateway.send(request).await;
        reply.assert_reason(Reason::SessionInvalid);
        answers.push(reply.headers);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

#[tokio::test]
async fn a_hundred_callers_with_one_token_are_one_look_up() {
    let gateway = gateway(echo).await;
    gateway.auth.allow(0);
    let calls = join_all((0..100).map(|_| gateway.call(GET_MESSAGE, ALICE)));
    let release = async {
        gateway.auth.until_asked(1).await;
        gateway.auth.allow(usize::MAX);
    };
    let (replies, ()) = tokio::join!(calls, release);
    assert!(replies.iter().all(super::support::Reply::is_ok));
    assert_eq!(gateway.auth.asked(), 1);
}

#[tokio::test]
async fn a_caller_who_hangs_up_fails_nobody_else() {
    let gateway = gateway(echo).await;
    gateway.auth.allow(0);
    {
        let first = gateway.call(GET_MESSAGE, ALICE);
        tokio::select! {
            _ = first => panic!("nobody answers yet"),
            () = gateway.auth.until_asked(1) => {}
        }
    }
    let second = gateway.call(GET_MESSAGE, ALICE);
    let release = async { gateway.auth.allow(usize::MAX) };
    let (reply, ()) = tokio::join!(second, release);
    assert!(reply.is_ok());
    assert_eq!(gateway.auth.asked(), 1, "the look-up went on");
}

#[tokio::test]
async fn an_answer_is_used_for_half_a_second_from_when_it_was_asked_for() {
    let gateway = gateway(echo).await;
    let millis = std::time::Duration::from_millis;
    gateway.auth.allow(0);
    let first = gateway.call(GET_MESSAGE, ALICE);
    let slow = async {
        gateway.auth.until_asked(1).await;
        gateway.clock.advance(millis(300));
        gateway.auth.allow(usize::MAX);
    };
    assert!(tokio::join!(first, slow).0.is_ok());
    gateway.auth.forget(ALICE);
    gateway.clock.advance(millis(199));
    assert!(gateway.call(GET_MESSAGE, ALICE).await.is_ok());
    assert_eq!(gateway.auth.asked(), 1);
    gateway.clock.advance(millis(1));
    let reply = gateway.call(GET_MESSAGE, ALICE).await;
    reply.assert_reason(Reason::SessionInvalid);
    assert_eq!(gateway.auth.asked(), 2);
}

#[tokio::test]
async fn a_refusal_is_not_remembered() {
    let gateway = gateway(echo).await;
    for asked in 1..=3 {
        let reply = gateway.call(GET_MESSAGE, "tm_nobody").await;
        reply.assert_reason(Reason::SessionInvalid);
        assert_eq!(gateway.auth.asked(), asked);
    }
}

#[tokio::test]
async fn what_cannot_be_known_is_neither_a_yes_nor_a_no() {
    let gateway = gateway(echo).await;
    for (failure, heard) in [
        (Reason::StoreUnavailable, Reason::StoreUnavailable),
        (Reason::UpstreamUnavailable, Reason::UpstreamUnavailable),
        (Reason::Internal, Reason::UpstreamUnavailable),
        (Reason::DeadlineExceeded, Reason::UpstreamUnavailable),
        (Reason::CredentialsInvalid, Reason::UpstreamUnavailable),
    ] {
        gateway.auth.fail(Some(failure));
        let status = gateway.call(GET_MESSAGE, ALICE).await.status();
        assert_eq!(
            turbomessage_service_kit::problem::reason_of(&status),
            Some(heard),
            "{failure:?}"
        );
    }
    gateway.auth.fail(None);
    assert!(
        gateway.call(GET_MESSAGE, ALICE).await.is_ok(),
        "not remembered"
    );
}

#[tokio::test]
async fn a_logout_is_in_force_before_it_is_answered() {
    let gateway = gateway(echo).await;
    assert!(gateway.call(GET_MESSAGE, ALICE).await.is_ok());
    assert!(gateway.call(GET_MESSAGE, BOB).await.is_ok());
    let logout = gateway.call(LOGOUT, ALICE).await;
    assert!(logout.is_ok());
    assert!(!logout.headers.contains_key("x-tm-ended-sessions-of"));
    let reply = gateway.call(GET_MESSAGE, ALICE).await;
    reply.assert_reason(Reason::SessionInvalid);
    let asked = gateway.auth.asked();
    assert!(gateway.call(GET_MESSAGE, BOB).await.is_ok());
    assert_eq!(gateway.auth.asked(), asked, "others are still remembered");
}
