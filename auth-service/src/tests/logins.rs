//! Logging in, and guessing passwords.

use std::time::Duration;

use futures::future::join_all;
use tonic::Code;
use tonic_types::StatusExt;
use turbomessage_service_kit::problem::Reason;

use super::{PASSWORD, reason, refused, start, start_with};

const HERE: &str = "192.0.2.1";
const ELSEWHERE: &str = "198.51.100.9";

#[tokio::test]
async fn logging_in_opens_another_session() {
    let service = start().await;
    let first = service.register("ada").await;
    let second = service.login("ADA", PASSWORD).await.unwrap();
    assert_eq!(second.account, first.account);
    assert_ne!(second.session_token, first.session_token);
    assert!(service.opens(&first.session_token).await);
    assert!(service.opens(&second.session_token).await);
}

#[tokio::test]
async fn an_unknown_user_and_a_wrong_password_get_the_same_bytes() {
    let service = start().await;
    service.register("ada").await;
    let wrong = refused(service.login("ada", "wrong").await);
    let unknown = refused(service.login("nobody", "wrong").await);
    assert_eq!(reason(&wrong), Reason::CredentialsInvalid);
    assert_eq!(wrong.code(), Code::Unauthenticated);
    assert_eq!(wrong.code(), unknown.code());
    assert_eq!(wrong.message(), unknown.message());
    assert_eq!(wrong.details(), unknown.details());
    let headers = |status: &tonic::Status| status.metadata().clone().into_headers();
    assert_eq!(headers(&wrong), headers(&unknown));
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_held_back_the_same_for_unknown_users() {
    let service = start_with(&["--login-failures-per-name=3"]).await;
    service.register("ada").await;
    let mut answers = Vec::new();
    for name in ["ada", "nobody"] {
        let guesses = join_all((0..12).map(|_| service.login_from(HERE, name, "wrong"))).await;
        let reasons: Vec<_> = guesses.into_iter().map(|g| reason(&refused(g))).collect();
        let tried = reasons.iter().filter(|r| **r == Reason::CredentialsInvalid);
        assert_eq!(tried.count(), 3, "{name}");
        let status = refused(service.login_from(HERE, name, PASSWORD).await);
        assert_eq!(reason(&status), Reason::RateLimited);
        answers.push((status.message().to_owned(), status.details().to_owned()));
        let wait = status
            .get_details_retry_info()
            .unwrap()
            .retry_delay
            .unwrap();
        assert!(wait <= Duration::from_secs(900) && wait >= Duration::from_secs(1));
    }
    assert_eq!(answers[0], answers[1]);

    let owner = service.login_from(ELSEWHERE, "ada", PASSWORD).await;
    assert!(owner.is_ok(), "the owner gets in from elsewhere");
    service.clock.advance(Duration::from_secs(900));
    assert!(
        service.login_from(HERE, "ada", PASSWORD).await.is_ok(),
        "and here later"
    );
}

#[tokio::test]
async fn guessing_at_many_names_is_held_back_by_address() {
    let service = start_with(&["--login-failures-per-address=4"]).await;
    service.register("ada").await;
    for n in 0..4 {
        let status = refused(service.login_from(HERE, &format!("user{n}"), "wrong").await);
        assert_eq!(reason(&status), Reason::CredentialsInvalid);
    }
    let status = refused(service.login_from(HERE, "ada", PASSWORD).await);
    assert_eq!(reason(&status), Reason::RateLimited);
    assert!(service.login_from(ELSEWHERE, "ada", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn a_success_does_not_count() {
    let service = start_with(&["--login-failures-per-name=2"]).await;
    service.register("ada").await;
    for _ in 0..5 {
        service.login("ada", PASSWORD).await.unwrap();
    }
    refused(service.login("ada", "wrong").await);
    for _ in 0..3 {
        service.login("ada", PASSWORD).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_logins_is_shed() {
    let service = start_with(&["--hash-concurrency=1", "--hash-queue=2"]).await;
    service.register("ada").await;
    let flood = join_all((0..30).map(|n| {
        let address = format!("192.0.2.{n}");
        let service = &service;
        async move { service.login_from(&address, "ada", PASSWORD).await }
    }));
    let results = flood.await;
    assert!(results.iter().any(Result::is_ok), "some get in");
    let shed: Vec<_> = results.iter().filter_map(|r| r.as_ref().err()).collect();
    assert!(!shed.is_empty());
    for status in shed {
        assert_eq!(reason(status), Reason::Overloaded);
        assert!(status.get_details_retry_info().is_some());
    }
    assert!(
        service.login("ada", PASSWORD).await.is_ok(),
        "shedding counted as no failure"
    );
}
