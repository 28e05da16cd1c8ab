//! Browsers.

use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use bytes::{Buf, Bytes};
use futures::future::BoxFuture;
use http::{Method, Request, Response, StatusCode, Version};
use http_body_util::Full;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tonic::body::Body;
use turbomessage_service_kit::{
    problem::Reason,
    server::{self, MAX_MESSAGE_BYTES},
    tls::UpstreamTlsArgs,
    upstream::Upstream,
};

use super::support::{
    ALICE, GET_MESSAGE, Gateway, Handler, Raw, Reply, echo, frame, gateway, gateway_with, within,
};
use crate::Config;

const FRIEND: &str = "https://mail.example";

fn web(token: &str, body: Bytes) -> Request<Body> {
    Request::post(GET_MESSAGE)
        .version(Version::HTTP_11)
        .header("host", "tm.example:50051")
        .header("content-type", "application/grpc-web+proto")
        .header("x-grpc-web", "1")
        .header("authorization", format!("Bearer {token}"))
        .body(Body::new(Full::new(body)))
        .unwrap()
}

/// The message and the trailers in the body of a gRPC-Web answer.
fn parts(mut data: Bytes) -> (Bytes, String) {
    let (mut messages, mut trailers) = (Bytes::new(), String::new());
    while !data.is_empty() {
        let flag = data.get_u8();
        let length = data.get_u32() as usize;
        let part = data.split_to(length);
        if flag & 0x80 == 0 {
            messages = part;
        } else {
            trailers = String::from_utf8(part.to_vec()).unwrap();
        }
    }
    (messages, trailers)
}

async fn with_friend() -> Gateway {
    with_friend_before(echo).await
}

async fn with_friend_before(mail: impl Handler) -> Gateway {
    let config = Config {
        allow_origins: vec![FRIEND.parse().unwrap()],
        ..Config::default()
    };
    gateway_with(config, Upstream::local(Raw::routes(mail))).await
}

async fn from(gateway: &Gateway, origin: &str) -> Reply {
    let mut request = web(ALICE, frame(b"hello"));
    let origin = origin.parse().unwrap();
    request.headers_mut().insert("origin", origin);
    gateway.send(request).await
}

#[tokio::test]
async fn a_call_over_grpc_web_comes_back() {
    let gateway = gateway(echo).await;
    let reply = gateway.send(web(ALICE, frame(b"hello"))).await;
    assert_eq!(reply.http, StatusCode::OK);
    assert_eq!(reply.headers["content-type"], "application/grpc-web+proto");
    let (message, trailers) = parts(reply.data);
    assert_eq!(&message[..], b"hello");
    assert!(trailers.starts_with("grpc-status:0"), "{trailers:?}");
}

#[tokio::test]
async fn errors_and_limits_are_the_same_over_grpc_web() {
    let gateway = gateway(echo).await;
    let reply = gateway.send(web("tm_nobody", frame(b""))).await;
    reply.assert_reason(Reason::SessionInvalid);
    let length = u32::try_from(MAX_MESSAGE_BYTES).unwrap() + 1;
    let large = [&[0], &length.to_be_bytes()[..]].concat();
    let reply = gateway.send(web(ALICE, large.into())).await;
    reply.assert_reason(Reason::TooLarge);
}

#[tokio::test]
async fn a_page_can_read_that_the_time_of_its_call_is_over() {
    let (_tails, nobody_ends) = super::support::tails();
    let gateway = with_friend_before(nobody_ends).await;
    for (timeout, accepted) in [
        ("1u", "application/grpc-web+proto"),
        ("50m", "application/grpc-web+proto"),
        ("1u", "application/grpc-web-text+proto"),
    ] {
        let mut request = web(ALICE, frame(b"hello"));
        let headers = request.headers_mut();
        headers.insert("accept", accepted.parse().unwrap());
        headers.insert("origin", FRIEND.parse().unwrap());
        headers.insert("grpc-timeout", timeout.parse().unwrap());
        let reply = gateway.send(request).await;
        assert_eq!(reply.headers["access-control-allow-origin"], FRIEND);
        assert_eq!(reply.headers["content-type"], accepted);
        assert!(reply.trailers.is_empty(), "a page cannot read them");
        let mut body = reply.data;
        if accepted.contains("text") {
            body = BASE64.decode(body).unwrap().into();
        }
        let (_, trailers) = parts(body);
        assert!(trailers.starts_with("grpc-status:4\r\n"), "{trailers}");
        assert!(trailers.contains("grpc-status-details-bin:"), "{trailers}");
    }
}

#[tokio::test]
async fn a_page_can_read_that_nobody_answered_in_time() {
    let silent = |_| -> BoxFuture<'static, Response<Body>> { Box::pin(std::future::pending()) };
    let gateway = with_friend_before(silent).await;
    let mut request = web(ALICE, frame(b"hello"));
    let headers = request.headers_mut();
    headers.insert("origin", FRIEND.parse().unwrap());
    headers.insert("grpc-timeout", "1u".parse().unwrap());
    let reply = gateway.send(request).await;
    reply.assert_reason(Reason::DeadlineExceeded);
    assert_eq!(reply.headers["access-control-allow-origin"], FRIEND);
    assert_eq!(reply.headers["content-type"], "application/grpc-web+proto");
}

#[tokio::test]
async fn pages_of_foreign_origins_are_refused() {
    let gateway = with_friend().await;
    for origin in [
        "https://evil.example",
        "http://mail.example",
        "null",
        "https://mail.example.evil",
    ] {
        let reply = from(&gateway, origin).await;
        assert_eq!(reply.http, StatusCode::FORBIDDEN, "{origin}");
        assert!(!reply.headers.contains_key("access-control-allow-origin"));
    }
    assert_eq!(gateway.auth.asked(), 0);
}

#[tokio::test]
async fn pages_of_allowed_origins_and_of_our_own_may_call_and_read_the_status() {
    let gateway = with_friend().await;
    for origin in [FRIEND, "http://tm.example:50051"] {
        let reply = from(&gateway, origin).await;
        assert_eq!(reply.http, StatusCode::OK, "{origin}");
        assert_eq!(reply.headers["access-control-allow-origin"], origin);
        let exposed = reply.headers["access-control-expose-headers"]
            .to_str()
            .unwrap();
        for name in ["grpc-status", "grpc-message", "grpc-status-details-bin"] {
            assert!(exposed.split(',').any(|e| e.trim() == name), "{exposed}");
        }
    }
}

#[tokio::test]
async fn browsers_are_told_who_may_call() {
    let gateway = with_friend().await;
    let preflight = |origin: &str| {
        let mut request = web(ALICE, Bytes::new());
        *request.method_mut() = Method::OPTIONS;
        let headers = request.headers_mut();
        headers.remove("content-type");
        headers.insert("origin", origin.parse().unwrap());
        headers.insert("access-control-request-method", "POST".parse().unwrap());
        let asked = "authorization,content-type,x-grpc-web".parse().unwrap();
        headers.insert("access-control-request-headers", asked);
        gateway.send(request)
    };
    let friend = preflight(FRIEND).await;
    assert_eq!(friend.http, StatusCode::OK);
    assert_eq!(friend.headers["access-control-allow-origin"], FRIEND);
    assert_eq!(friend.headers["access-control-allow-methods"], "POST");
    let allowed = friend.headers["access-control-allow-headers"]
        .to_str()
        .unwrap();
    for name in ["authorization", "content-type", "x-grpc-web"] {
        assert!(allowed.contains(name), "{allowed}");
    }
    let foreign = preflight("https://evil.example").await;
    let told = foreign
        .headers
        .keys()
        .any(|n| n.as_str().starts_with("access-control"));
    assert!(!told);
}

#[tokio::test]
async fn browsers_and_clients_share_a_port() {
    let gateway = gateway(echo).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(server::serve(
        listener,
        gateway.routes.clone(),
        server::EDGE_STREAMS,
        gateway.shutdown.clone(),
        std::time::Duration::from_secs(5),
    ));
    let grpc =
        Upstream::connect(&format!("http://{address}"), &UpstreamTlsArgs::default()).unwrap();
    let call = super::support::request(GET_MESSAGE, Some(ALICE), frame(b"hello"));
    let response = within(tower::ServiceExt::oneshot(grpc.calls(), call)).await;
    assert!(Reply::of(response.unwrap()).await.is_ok());

    for (more, status) in [(0, "200"), (15_000, "200"), (16_384, "431")] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST {GET_MESSAGE} HTTP/1.1\r\nhost: {address}\r\norigin: http://{address}\r\n\
             content-type: application/grpc-web+proto\r\nauthorization: Bearer {ALICE}\r\n\
             x-more: {}\r\ncontent-length: 10\r\nconnection: close\r\n\r\n",
            "x".repeat(more)
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&frame(b"hello")).await.unwrap();
        let mut answer = Vec::new();
        within(stream.read_to_end(&mut answer)).await.unwrap();
        let answer = String::from_utf8_lossy(&answer);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
        let is_answered = answer.contains("hello") && answer.contains("grpc-status:0");
        assert_eq!(is_answered, status == "200", "{answer}");
    }
}
