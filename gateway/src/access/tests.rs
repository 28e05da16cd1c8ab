use std::sync::Arc;

use http::{HeaderMap, header::AUTHORIZATION};
use tokio_util::sync::CancellationToken;
use turbomessage_service_kit::{
    clock::{Clock, ManualClock},
    upstream::Upstream,
};

use super::*;
use crate::tests::support::{ALICE, BOB, FakeAuth, NOW};

fn token(text: &str) -> Token {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, format!("Bearer {text}").parse().unwrap());
    Token::from_headers(&headers).unwrap()
}

fn access() -> (Arc<FakeAuth>, Arc<ManualClock>, Access) {
    let (auth, clock) = (FakeAuth::new(), ManualClock::at(NOW));
    let client = SessionClient::new(Upstream::local(auth.routes()));
    let access = Access::new(client, clock.clone());
    (auth, clock, access)
}

/// Alice's session as `auth` knows it, and what her open stream ends with.
async fn with_stream(access: &Access) -> (Ended, OpenStream) {
    let checked = access.check(&token(ALICE)).await.unwrap();
    let session = checked.session();
    let ended = Ended {
        session_id: session.session_id,
        account_id: session.account_id,
    };
    let stream = access.open_stream(Some((&checked, token(ALICE)))).unwrap();
    (ended, stream)
}

#[tokio::test]
async fn an_answer_that_a_revocation_overtook_is_asked_for_again() {
    let (auth, _, access) = access();
    let (ended, _stream) = with_stream(&access).await;
    for scope in [
        Scope::Session(ended.session_id),
        Scope::Account(ended.account_id),
        Scope::Everything,
    ] {
        access.sessions.forget(Scope::Everything);
        let asked = auth.asked();
        auth.allow(asked);
        let overtake = async {
            auth.until_asked(asked + 1).await;
            access.sessions.forget(scope);
            auth.allow(usize::MAX);
        };
        let alice = token(ALICE);
        let (checked, ()) = tokio::join!(access.check(&alice), overtake);
        assert!(checked.is_ok());
        assert_eq!(auth.asked(), asked + 2, "{scope:?}");
    }
}

#[tokio::test]
async fn an_answer_about_others_stands() {
    let (auth, _, access) = access();
    let (ended, _stream) = with_stream(&access).await;
    access.revoke(ended);
    assert!(access.check(&token(BOB)).await.is_ok());
    let asked = auth.asked();
    access.revoke(ended);
    assert!(access.check(&token(BOB)).await.is_ok());
    assert_eq!(auth.asked(), asked);
}

#[tokio::test]
async fn no_stream_opens_for_a_session_that_ended_meanwhile() {
    let (_, _, access) = access();
    let checked = access.check(&token(ALICE)).await.unwrap();
    access.recheck_account(checked.session().account_id).await;
    let refused = access.open_stream(Some((&checked, token(ALICE))));
    assert_eq!(refused.unwrap_err().reason(), Reason::SessionInvalid);
}

#[tokio::test]
async fn a_revocation_ends_the_streams_of_its_session_only() {
    let (_, _, access) = access();
    let (ended, alice) = with_stream(&access).await;
    let checked = access.check(&token(BOB)).await.unwrap();
    let bob = access.open_stream(Some((&checked, token(BOB)))).unwrap();
    access.revoke(ended);
    assert_eq!(alice.ending().reason(), Some(Reason::SessionInvalid));
    assert_eq!(bob.ending().reason(), None);
}

#[tokio::test]
async fn a_doubt_is_settled_by_a_later_answer_only() {
    let (auth, _, access) = access();
    let (_, stream) = with_stream(&access).await;
    access.doubt_everything();
    let asked = auth.asked();
    auth.allow(asked);
    let doubt_again = async {
        auth.until_asked(asked + 1).await;
        access.doubt_everything();
        auth.allow(usize::MAX);
    };
    tokio::join!(access.settle_doubts(), doubt_again);
    assert_eq!(access.streams.doubtful().len(), 1, "asked before the doubt");
    access.settle_doubts().await;
    assert!(access.streams.doubtful().is_empty());
    assert_eq!(stream.ending().reason(), None);
}

#[tokio::test]
async fn a_stream_is_closed_after_a_while_in_doubt() {
    let (auth, clock, access) = access();
    let (_, stream) = with_stream(&access).await;
    auth.fail(Some(Reason::StoreUnavailable));
    access.doubt_everything();
    clock.advance(streams::PATIENCE);
    access.settle_doubts().await;
    assert_eq!(stream.ending().reason(), None);
    clock.advance(Duration::from_millis(1));
    access.settle_doubts().await;
    assert_eq!(stream.ending().reason(), Some(Reason::UpstreamUnavailable));
}

#[tokio::test]
async fn a_stream_ends_with_a_session_that_nobody_used() {
    let (auth, clock, access) = access();
    let checked = access.check(&token(ALICE)).await.unwrap();
    let (_, stream) = with_stream(&access).await;
    let asked = auth.asked();
    access.settle_doubts().await;
    assert_eq!(auth.asked(), asked, "no reason to ask");
    clock.advance(checked.session().expire_time.since(clock.now()));
    auth.forget(ALICE);
    access.settle_doubts().await;
    assert_eq!(stream.ending().reason(), Some(Reason::SessionInvalid));
}

#[tokio::test]
async fn streams_of_one_session_are_one_question() {
    let (auth, _, access) = access();
    let mut streams = Vec::new();
    for _ in 0..10 {
        streams.push(with_stream(&access).await.1);
    }
    access.doubt_everything();
    let asked = auth.asked();
    access.settle_doubts().await;
    assert_eq!(auth.asked(), asked + 1);
    assert!(access.streams.doubtful().is_empty());
    drop(streams);
    access.doubt_everything();
    assert!(
        access.streams.doubtful().is_empty(),
        "closed streams are gone"
    );
}

#[tokio::test]
async fn a_silent_watch_is_taken_up_again() {
    let (auth, _, access) = access();
    let mut follower = Follower::new(Arc::new(access));
    follower.silence = Duration::from_millis(20);
    let stop = CancellationToken::new();
    tokio::spawn(follower.run(stop.clone()));
    let silent = auth.next_watch().await;
    silent.step("5", &[]).await;
    // It stays open and says nothing more.
    assert_eq!(auth.next_watch().await.position, "5");
    stop.cancel();
}
