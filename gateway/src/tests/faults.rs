//! Upstreams that fail.

use std::{
    panic::resume_unwind,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode};
use http_body::Frame;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{Status, body::Body};
use turbomessage_service_kit::{problem::Reason, server, tls::UpstreamTlsArgs, upstream::Upstream};

use super::support::{
    ALICE, FakeAuth, GET_MESSAGE, LOGIN, Raw, SEND_MESSAGE, echo, frame, gateway, gateway_between,
    gateway_with, request, respond,
};
use crate::{Config, Upstreams};

#[tokio::test]
async fn an_upstream_that_is_down_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let down =
        Upstream::connect(&format!("http://{address}"), &UpstreamTlsArgs::default()).unwrap();
    let upstreams = Upstreams {
        auth: down.clone(),
        mail: down,
    };
    let gateway = gateway_between(Config::default(), upstreams, FakeAuth::new()).await;
    for path in [GET_MESSAGE, SEND_MESSAGE, LOGIN] {
        let reply = gateway.call(path, ALICE).await;
        reply.assert_reason(Reason::UpstreamUnavailable);
        let status = format!("{:?}", reply.status());
        assert!(!status.contains(&address.port().to_string()), "{status}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_ends_as_unavailable() {
    let data = || Ok(Frame::data(frame(b"half")));
    let lost = || Err(Status::unknown("h2 protocol error: connection reset"));
    for frames in [vec![data()], vec![data(), lost()], vec![lost()], vec![]] {
        let frames = std::sync::Mutex::new(Some(frames));
        let gateway = gateway(move |_| {
            let frames = frames.lock().unwrap().take().unwrap();
            Box::pin(async { respond(frames) })
        })
        .await;
        let reply = gateway.call(GET_MESSAGE, ALICE).await;
        reply.assert_reason(Reason::UpstreamUnavailable);
    }
}

#[tokio::test]
async fn an_answer_that_no_service_of_ours_made_is_unavailable() {
    let gateway = gateway(|_| {
        Box::pin(async {
            let mut response = respond([Ok(Frame::data(Bytes::from_static(b"<html>")))]);
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            let html = HeaderValue::from_static("text/html");
            response.headers_mut().insert("content-type", html);
            response
        })
    })
    .await;
    let reply = gateway.call(GET_MESSAGE, ALICE).await;
    reply.assert_reason(Reason::UpstreamUnavailable);
}

/// A mail-service over the network whose first `n` calls are reset, and how many came.
async fn resetting(n: usize) -> (Upstream, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let routes = Raw::routes(move |request: Request<Body>| {
        let call = counted.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            if call < n {
                resume_unwind(Box::new("no answer"));
            }
            echo(request).await
        })
    });
    let stop = CancellationToken::new();
    let drain = Duration::from_secs(5);
    tokio::spawn(server::serve(
        listener,
        routes,
        server::INNER_STREAMS,
        stop,
        drain,
    ));
    (
        Upstream::connect(&url, &UpstreamTlsArgs::default()).unwrap(),
        calls,
    )
}

#[tokio::test]
async fn a_lost_call_is_made_again_once_if_it_has_no_side_effects() {
    let (mail, calls) = resetting(1).await;
    let gateway = gateway_with(Config::default(), mail).await;
    let reply = gateway.call(GET_MESSAGE, ALICE).await;
    assert!(reply.is_ok());
    assert_eq!(reply.data, frame(b"hello"));
    assert_eq!(calls.load(Ordering::SeqCst), 2);

    let (mail, calls) = resetting(5).await;
    let gateway = gateway_with(Config::default(), mail).await;
    let reply = gateway.call(GET_MESSAGE, ALICE).await;
    reply.assert_reason(Reason::UpstreamUnavailable);
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn where_many_calls_are_lost_few_are_made_again() {
    const CALLS: usize = 300;
    let (mail, calls) = resetting(usize::MAX).await;
    let gateway = gateway_with(Config::default(), mail).await;
    for _ in 0..CALLS {
        let reply = gateway.call(GET_MESSAGE, ALICE).await;
        reply.assert_reason(Reason::UpstreamUnavailable);
    }
    // As many a second as are always allowed, over ten seconds, and a fifth of the calls.
    let again = calls.load(Ordering::SeqCst) - CALLS;
    assert!((1..=100 + CALLS / 5).contains(&again), "{again}");
}

#[tokio::test]
async fn a_lost_call_is_not_made_again_if_that_could_do_harm() {
    let (mail, calls) = resetting(1).await;
    let gateway = gateway_with(Config::default(), mail).await;
    let reply = gateway.call(SEND_MESSAGE, ALICE).await;
    reply.assert_reason(Reason::UpstreamUnavailable);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_lost_call_is_not_made_again_if_it_was_too_large_to_keep() {
    let (mail, calls) = resetting(1).await;
    let gateway = gateway_with(Config::default(), mail).await;
    let body = frame(&vec![0; 65 * 1024]);
    let reply = gateway.send(request(GET_MESSAGE, Some(ALICE), body)).await;
    reply.assert_reason(Reason::UpstreamUnavailable);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_error_of_a_service_passes_with_its_details() {
    let problem = || turbomessage_service_kit::problem::Problem::new(Reason::MessageNotFound);
    let gateway =
        gateway(move |_| Box::pin(async move { Status::from(problem()).into_http() })).await;
    let reply = gateway.call(GET_MESSAGE, ALICE).await;
    reply.assert_reason(Reason::MessageNotFound);
}

#[tokio::test]
async fn a_call_ends_at_its_deadline() {
    let gateway = gateway(|_| Box::pin(std::future::pending())).await;
    let mut call = request(GET_MESSAGE, Some(ALICE), frame(b""));
    let timeout = HeaderValue::from_static("100m");
    call.headers_mut().insert("grpc-timeout", timeout);
    let reply = gateway.send(call).await;
    reply.assert_reason(Reason::DeadlineExceeded);
}
