//! Streams and the end of the sessions they belong to.

use http::Response;
use http_body::Frame;
use http_body_util::BodyExt;
use tonic::{Status, body::Body};
use turbomessage_service_kit::problem::Reason;

use super::support::{
    ALICE, Gateway, LOGOUT, Reply, TAIL, Tail, Tails, assert_reason, frame, gateway, request,
    tails, within,
};

async fn with_tails() -> (Gateway, Tails) {
    let (tails, handler) = tails();
    (gateway(handler).await, tails)
}

/// A stream of Alice's that has delivered a first message.
async fn open(gateway: &Gateway, tails: &mut Tails) -> (Response<Body>, Tail) {
    let mut response = gateway
        .answer(request(TAIL, Some(ALICE), frame(b"from now")))
        .await;
    let tail = tails.next().await;
    deliver(&mut response, &tail).await;
    (response, tail)
}

async fn deliver(response: &mut Response<Body>, tail: &Tail) {
    let message = frame(b"event");
    tail.frames
        .send(Ok(Frame::data(message.clone())))
        .await
        .unwrap();
    let got = within(response.body_mut().frame()).await.unwrap().unwrap();
    assert_eq!(got.into_data().unwrap(), message);
}

async fn end_of(response: Response<Body>) -> Status {
    within(Reply::of(response)).await.status()
}

#[tokio::test]
async fn a_revocation_ends_a_stream_on_both_sides() {
    let (gateway, mut tails) = with_tails().await;
    let watch = gateway.auth.next_watch().await;
    assert_eq!(watch.position, "");
    watch.step("1", &[]).await;
    let (response, tail) = open(&gateway, &mut tails).await;
    watch.step("2", &[gateway.auth.forget(ALICE)]).await;
    assert_reason(&end_of(response).await, Reason::SessionInvalid);
    within(tail.frames.closed()).await;
}

#[tokio::test]
async fn a_stream_that_ends_early_takes_its_request_along() {
    let (gateway, mut tails) = with_tails().await;
    let watch = gateway.auth.next_watch().await;
    // A client that goes on sending.
    let (sender, body) = tokio::sync::mpsc::channel::<Result<_, Status>>(1);
    let mut open = request(TAIL, Some(ALICE), frame(b""));
    let body = tokio_stream::wrappers::ReceiverStream::new(body);
    *open.body_mut() = Body::new(http_body_util::StreamBody::new(body));
    let response = gateway.answer(open).await;
    let mut tail = tails.next().await;
    sender.send(Ok(Frame::data(frame(b"one")))).await.unwrap();
    let got = within(tail.request.frame()).await.unwrap().unwrap();
    assert_eq!(got.into_data().unwrap(), frame(b"one"));
    watch.step("1", &[gateway.auth.forget(ALICE)]).await;
    assert_reason(&end_of(response).await, Reason::SessionInvalid);
    assert!(within(tail.request.frame()).await.unwrap().is_err());
    within(sender.closed()).await;
}

#[tokio::test]
async fn a_logout_ends_a_stream_before_it_is_answered() {
    let (gateway, mut tails) = with_tails().await;
    let (response, tail) = open(&gateway, &mut tails).await;
    assert!(gateway.call(LOGOUT, ALICE).await.is_ok());
    // Nothing more is waited for: the stream has ended.
    tail.frames.try_send(Ok(Frame::data(frame(b"late")))).ok();
    let reply = within(Reply::of(response)).await;
    reply.assert_reason(Reason::SessionInvalid);
    assert!(reply.data.is_empty());
}

#[tokio::test]
async fn after_a_break_every_open_stream_is_asked_about() {
    let (gateway, mut tails) = with_tails().await;
    let watch = gateway.auth.next_watch().await;
    watch.step("7", &[]).await;
    let (mut response, tail) = open(&gateway, &mut tails).await;
    let asked = gateway.auth.asked();
    drop(watch);
    gateway.auth.until_asked(asked + 1).await;
    let watch = gateway.auth.next_watch().await;
    assert_eq!(watch.position, "7", "it goes on where it was");
    deliver(&mut response, &tail).await;

    gateway.auth.forget(ALICE);
    watch.step("8", &[]).await;
    assert_reason(&end_of(response).await, Reason::SessionInvalid);
}

#[tokio::test]
async fn while_revocations_are_not_heard_open_streams_are_asked_about_again_and_again() {
    let (gateway, mut tails) = with_tails().await;
    // Nobody answers this one: nothing is heard from the start.
    let _silent = gateway.auth.next_watch().await;
    let (response, _tail) = open(&gateway, &mut tails).await;
    let asked = gateway.auth.asked();
    gateway.auth.until_asked(asked + 2).await;
    gateway.auth.forget(ALICE);
    assert_reason(&end_of(response).await, Reason::SessionInvalid);
}

#[tokio::test]
async fn a_log_that_does_not_reach_back_is_taken_up_at_its_end() {
    let (gateway, _tails) = with_tails().await;
    let watch = gateway.auth.next_watch().await;
    watch.step("7", &[]).await;
    watch.fail(Status::out_of_range("")).await;
    assert_eq!(gateway.auth.next_watch().await.position, "");
}

#[tokio::test]
async fn a_stopping_gateway_ends_streams_and_opens_none() {
    let (gateway, mut tails) = with_tails().await;
    let (response, _tail) = open(&gateway, &mut tails).await;
    gateway.shutdown.cancel();
    assert_reason(&end_of(response).await, Reason::ShuttingDown);
    let late = gateway.send(request(TAIL, Some(ALICE), frame(b""))).await;
    late.assert_reason(Reason::ShuttingDown);
}

#[tokio::test]
async fn a_stream_that_ends_by_itself_ends_as_it_did() {
    let (gateway, mut tails) = with_tails().await;
    let (response, tail) = open(&gateway, &mut tails).await;
    tail.frames.send(Ok(super::support::ok())).await.unwrap();
    let reply = within(Reply::of(response)).await;
    assert!(reply.is_ok());
}

#[tokio::test]
async fn a_stream_that_is_not_answered_yet_ends_too() {
    let (opened, mut opens) = tokio::sync::mpsc::unbounded_channel();
    let gateway = gateway(move |request| {
        opened.send(request).unwrap();
        Box::pin(std::future::pending())
    })
    .await;
    let watch = gateway.auth.next_watch().await;
    let call = gateway.call(TAIL, ALICE);
    let revoke = async {
        let _request = within(opens.recv()).await.unwrap();
        watch.step("1", &[gateway.auth.forget(ALICE)]).await;
    };
    let (reply, ()) = tokio::join!(call, revoke);
    reply.assert_reason(Reason::SessionInvalid);
}
