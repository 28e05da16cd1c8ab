//! What goes through, and what is changed on the way.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body::Frame;
use tokio::net::TcpListener;
use tonic::body::Body;
use turbomessage_service_kit::{problem::Reason, server, tls::UpstreamTlsArgs, upstream::Upstream};

use super::support::{
    ALICE, GET_MESSAGE, Gateway, Handler, LOGIN, Reply, SEND_MESSAGE, echo, frame, gateway,
    request, respond, within,
};

type Seen = Arc<Mutex<Vec<HeaderMap>>>;

/// An upstream that answers with what it got and notes the headers.
fn noting() -> (Seen, impl Handler) {
    let seen = Seen::default();
    let notes = Arc::clone(&seen);
    let handler = move |request: Request<Body>| {
        notes.lock().unwrap().push(request.headers().clone());
        echo(request)
    };
    (seen, handler)
}

async fn noted() -> (Gateway, Seen) {
    let (seen, handler) = noting();
    (gateway(handler).await, seen)
}

#[tokio::test]
async fn messages_pass_untouched() {
    let gateway = gateway(echo).await;
    let large: Vec<u8> = (0..=250).cycle().take(3_000_000).collect();
    for message in [&b""[..], b"not even protobuf", &large] {
        let body = frame(message);
        let reply = gateway
            .send(request(SEND_MESSAGE, Some(ALICE), body.clone()))
            .await;
        assert!(reply.is_ok());
        assert_eq!(reply.data, body);
    }
}

#[tokio::test]
async fn unknown_methods_and_internal_services_are_not_routed() {
    let (gateway, seen) = noted().await;
    for path in [
        "/turbomessage.auth.internal.v1.SessionService/Introspect",
        "/turbomessage.auth.internal.v1.DirectoryService/LookUpAccounts",
        "/turbomessage.mail.v1.MailService/Nothing",
        "/turbomessage.mail.v1.MailService/GetMessage/",
        "/turbomessage.mail.v1.MailService",
        "//turbomessage.mail.v1.MailService/GetMessage",
        "/grpc.health.v1.Health/Nothing",
        "/",
    ] {
        let reply = gateway.call(path, ALICE).await;
        reply.assert_reason(Reason::MethodUnknown);
    }
    assert_eq!(gateway.auth.asked(), 0);
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_is_not_grpc_is_refused() {
    let (gateway, seen) = noted().await;
    let send = async |method: &str, path: &str, content_type: &str| {
        let mut request = request(path, Some(ALICE), frame(b""));
        *request.method_mut() = method.parse().unwrap();
        let headers = request.headers_mut();
        headers.insert("content-type", content_type.parse().unwrap());
        gateway.send(request).await.http
    };
    for content_type in [
        "application/grpc+json",
        "application/json",
        "application/grpcx",
        "",
    ] {
        let status = send("POST", GET_MESSAGE, content_type).await;
        assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type}");
    }
    assert_eq!(send("GET", "/", "").await, StatusCode::NOT_FOUND);
    let status = send("GET", GET_MESSAGE, "application/grpc").await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(seen.lock().unwrap().is_empty());
    assert!(
        send("POST", GET_MESSAGE, "application/grpc+proto")
            .await
            .is_success()
    );
}

#[tokio::test]
async fn clients_cannot_say_what_only_the_gateway_says() {
    let (gateway, seen) = noted().await;
    let mut forged = request(GET_MESSAGE, Some(ALICE), frame(b""));
    for (name, value) in [
        ("x-tm-ticket", "forged"),
        ("x-tm-client-address", "1.2.3.4"),
        ("x-tm-anything", "x"),
        ("cookie", "secret"),
        ("x-forwarded-for", "1.2.3.4"),
        ("user-agent", "curl"),
        ("grpc-encoding", "gzip"),
        ("tracestate", "a=b"),
        ("x-request-id", "mine"),
        ("grpc-timeout", "5S"),
        ("accept-language", "es-MX"),
    ] {
        forged.headers_mut().append(name, value.parse().unwrap());
    }
    assert!(gateway.send(forged).await.is_ok());

    let seen = seen.lock().unwrap();
    let headers = &seen[0];
    let mut names: Vec<_> = headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    let expected = [
        "accept-language",
        "content-type",
        "grpc-encoding",
        "grpc-timeout",
        "te",
        "tracestate",
        "user-agent",
        "x-request-id",
        "x-tm-ticket",
    ];
    assert_eq!(names, expected);
    assert_eq!(headers["x-tm-ticket"], format!("ticket-for-{ALICE}"));
    assert_eq!(headers.get_all("x-tm-ticket").iter().count(), 1);
    assert_eq!(headers["x-request-id"], "mine");
    assert_eq!(headers["accept-language"], "es");
    let timeout = server::parse_timeout(headers["grpc-timeout"].to_str().unwrap()).unwrap();
    assert!(timeout.as_secs() < 5, "what remains, {timeout:?}");
}

#[tokio::test]
async fn auth_service_gets_the_token_and_in_one_process_no_address() {
    let gateway = gateway(echo).await;
    let mut forged = request(LOGIN, Some(ALICE), frame(b""));
    forged
        .headers_mut()
        .insert("x-tm-client-address", "1.2.3.4".parse().unwrap());
    assert!(gateway.send(forged).await.is_ok());
    let seen = gateway.auth.seen.lock().unwrap();
    assert_eq!(seen[0]["authorization"], format!("Bearer {ALICE}"));
    assert!(!seen[0].contains_key("x-tm-client-address"));
    assert!(!seen[0].contains_key("x-tm-ticket"));
    assert_eq!(
        gateway.auth.asked(),
        0,
        "auth-service checks sessions itself"
    );
}

#[tokio::test]
async fn auth_service_gets_the_address_of_the_connection() {
    let gateway = gateway(echo).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = server::serve(
        listener,
        gateway.routes.clone(),
        server::EDGE_STREAMS,
        gateway.shutdown.clone(),
        std::time::Duration::from_secs(5),
    );
    tokio::spawn(serving);
    let client = Upstream::connect(&url, &UpstreamTlsArgs::default()).unwrap();
    let mut forged = request(LOGIN, None, frame(b""));
    forged
        .headers_mut()
        .insert("x-tm-client-address", "1.2.3.4".parse().unwrap());
    let response = within(tower::ServiceExt::oneshot(client.calls(), forged)).await;
    assert!(Reply::of(response.unwrap()).await.is_ok());
    let seen = gateway.auth.seen.lock().unwrap();
    assert_eq!(seen[0]["x-tm-client-address"], "127.0.0.1");
}

#[tokio::test]
async fn clients_do_not_see_what_is_internal() {
    let gateway = gateway(|_| {
        Box::pin(async {
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", "0".parse().unwrap());
            trailers.insert("x-tm-secret", "1".parse().unwrap());
            trailers.insert("x-other", "1".parse().unwrap());
            let data = Frame::data(Bytes::from_static(b"\0\0\0\0\0"));
            let mut response = respond([Ok(data), Ok(Frame::trailers(trailers))]);
            let headers = response.headers_mut();
            headers.insert("x-tm-secret", "1".parse().unwrap());
            headers.insert("x-other", "1".parse().unwrap());
            response
        })
    })
    .await;
    let reply = gateway.call(GET_MESSAGE, ALICE).await;
    assert!(reply.headers.contains_key("x-other") && reply.trailers.contains_key("x-other"));
    assert!(!reply.headers.contains_key("x-tm-secret"));
    assert!(!reply.trailers.contains_key("x-tm-secret"));
}
