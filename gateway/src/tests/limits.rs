//! How much is too much.

use std::pin::pin;

use bytes::Bytes;
use http::Response;
use http_body::Frame;
use http_body_util::BodyExt;
use tokio::time::Instant;
use tonic::body::Body;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use turbomessage_service_kit::{problem::Reason, server::MAX_MESSAGE_BYTES, upstream::Upstream};

use super::support::{
    ALICE, GET_MESSAGE, Gateway, LOGIN, Raw, Reply, SEND_MESSAGE, TAIL, Tail, Tails, echo, frame,
    gateway, gateway_between, gateway_with, ok, request, tails, within,
};
use crate::{Config, Upstreams};

fn announcing(length: usize) -> Bytes {
    let length = u32::try_from(length).unwrap();
    [&[0], &length.to_be_bytes()[..]].concat().into()
}

#[tokio::test]
async fn a_message_over_four_mebibytes_is_refused_when_it_is_announced() {
    let gateway = gateway(echo).await;
    let small = frame(&[1; 10]);
    let large = frame(&vec![1; 100_000]);
    let too_large = announcing(MAX_MESSAGE_BYTES + 1);
    for (path, body) in [
        (SEND_MESSAGE, too_large.to_vec()),
        (SEND_MESSAGE, [&small[..], &too_large].concat()),
        (SEND_MESSAGE, [&large[..], &too_large].concat()),
        (GET_MESSAGE, too_large.to_vec()),
        (TAIL, too_large.to_vec()),
    ] {
        let reply = gateway.send(request(path, Some(ALICE), body.into())).await;
        reply.assert_reason(Reason::TooLarge);
    }
}

#[tokio::test]
async fn a_message_of_four_mebibytes_passes() {
    let gateway = gateway(echo).await;
    let body = frame(&vec![7; MAX_MESSAGE_BYTES]);
    let reply = gateway
        .send(request(SEND_MESSAGE, Some(ALICE), body.clone()))
        .await;
    assert!(reply.is_ok());
    assert_eq!(reply.data, body);
}

#[tokio::test]
async fn a_message_that_grows_too_large_ends_an_answer_under_way() {
    let (mut tails, handler) = tails();
    let gateway = gateway(handler).await;
    let (sender, body) = tokio::sync::mpsc::channel::<Result<_, tonic::Status>>(1);
    let mut open = request(TAIL, Some(ALICE), frame(b""));
    let body = tokio_stream::wrappers::ReceiverStream::new(body);
    *open.body_mut() = Body::new(http_body_util::StreamBody::new(body));
    let response = gateway.answer(open).await;
    let mut tail = tails.next().await;
    // The two halves of one prefix.
    let announcement = announcing(MAX_MESSAGE_BYTES + 1);
    let sending = async {
        for half in [announcement.slice(..3), announcement.slice(3..)] {
            sender.send(Ok(Frame::data(half))).await.unwrap();
        }
    };
    let reading = async { while let Some(Ok(_)) = tail.request.frame().await {} };
    let ((), (), reply) =
        within(async { tokio::join!(sending, reading, Reply::of(response)) }).await;
    reply.assert_reason(Reason::TooLarge);
}

async fn narrow(config: Config) -> (Gateway, Tails) {
    let (tails, handler) = tails();
    let mail = Upstream::local(Raw::routes(handler));
    (gateway_with(config, mail).await, tails)
}

/// A gateway with one call under way, and that call.
async fn full() -> (Gateway, Tails, Response<Body>, Tail) {
    let config = Config {
        max_calls: 1,
        ..Config::default()
    };
    let (gateway, mut tails) = narrow(config).await;
    let first = request(GET_MESSAGE, Some(ALICE), frame(b""));
    let first = gateway.answer(first).await;
    let tail = tails.next().await;
    (gateway, tails, first, tail)
}

/// The call that was under way, and the next one, once it has come through.
async fn both_are_answered(
    first: Response<Body>,
    next: impl Future<Output = Reply>,
    tails: &mut Tails,
) {
    let answer = async { tails.next().await.frames.send(Ok(ok())).await.unwrap() };
    let (first, next, ()) = within(async { tokio::join!(Reply::of(first), next, answer) }).await;
    assert!(first.is_ok());
    assert!(next.is_ok());
}

#[tokio::test]
async fn a_call_too_many_waits_until_the_body_of_another_has_ended() {
    let (gateway, mut tails, first, tail) = full().await;
    let mut next = pin!(gateway.call(GET_MESSAGE, ALICE));
    let mut health = HealthClient::new(gateway.edge.calls());
    let health = tokio::select! {
        biased;
        _ = &mut next => panic!("it waits"),
        answer = health.check(HealthCheckRequest::default()) => answer,
    };
    assert!(health.is_ok(), "health counts for no limit");
    let stream = gateway.answer(request(TAIL, Some(ALICE), frame(b""))).await;
    assert!(
        !stream.headers().contains_key("grpc-status"),
        "streams count apart"
    );
    tails.next().await;

    tail.frames.send(Ok(ok())).await.unwrap();
    both_are_answered(first, next, &mut tails).await;
}

#[tokio::test]
async fn a_call_waits_for_a_second_and_only_four_of_them_for_each_under_way() {
    let (gateway, _tails, _first, _tail) = full().await;
    tokio::time::pause();
    let began = Instant::now();
    let calls = (0..7).map(async |_| {
        let reply = gateway.call(GET_MESSAGE, ALICE).await;
        reply.assert_reason(Reason::Overloaded);
        began.elapsed().as_secs()
    });
    let refused = futures::future::join_all(calls).await;
    assert_eq!(refused.iter().filter(|after| **after == 0).count(), 3);
    assert_eq!(refused.iter().filter(|after| **after == 1).count(), 4);
}

#[tokio::test]
async fn a_call_that_is_given_up_while_it_waits_leaves_its_place_to_another() {
    let (gateway, mut tails, first, tail) = full().await;
    for _ in 0..10 {
        let mut given_up = pin!(gateway.call(GET_MESSAGE, ALICE));
        let second = gateway.answer(request(TAIL, Some(ALICE), frame(b"")));
        tokio::select! {
            biased;
            _ = &mut given_up => panic!("it waits"),
            _ = second => {}
        }
        tails.next().await;
    }
    tail.frames.send(Ok(ok())).await.unwrap();
    both_are_answered(first, gateway.call(GET_MESSAGE, ALICE), &mut tails).await;
}

#[tokio::test]
async fn a_call_given_up_makes_room() {
    let config = Config {
        max_streams: 1,
        ..Config::default()
    };
    let (gateway, mut tails) = narrow(config).await;
    let open = || request(TAIL, Some(ALICE), frame(b""));
    let first = gateway.answer(open()).await;
    let tail = tails.next().await;
    gateway.send(open()).await.assert_reason(Reason::Overloaded);
    drop(first);
    within(tail.frames.closed()).await;
    let next = gateway.answer(open()).await;
    assert!(!next.headers().contains_key("grpc-status"));
}

#[tokio::test]
async fn a_flood_of_logins_leaves_room_for_mail() {
    let (mut tails, handler) = tails();
    let config = Config {
        max_password_calls: 1,
        ..Config::default()
    };
    let auth = super::support::FakeAuth::new();
    let upstreams = Upstreams {
        auth: Upstream::local(Raw::under(auth.session_routes(), handler)),
        mail: Upstream::local(Raw::routes(echo)),
    };
    let gateway = gateway_between(config, upstreams, auth).await;
    let first = gateway.answer(request(LOGIN, None, frame(b""))).await;
    let tail = tails.next().await;
    for _ in 0..10 {
        let refused = gateway.send(request(LOGIN, None, frame(b""))).await;
        refused.assert_reason(Reason::Overloaded);
        assert!(gateway.call(GET_MESSAGE, ALICE).await.is_ok());
    }
    tail.frames.send(Ok(ok())).await.unwrap();
    assert!(within(Reply::of(first)).await.is_ok());
}
