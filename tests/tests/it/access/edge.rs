//! Connections that say nothing or too much, and pages from elsewhere.

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tonic::Code;
use turbomessage_tests::{
    Dev,
    http2::{self, END_HEADERS, Kind},
    raw::{self, Connection},
};

use super::paths::{LOGIN, MAILBOX};

/// How long the server keeps a connection that has said `opening`, and says no more than `more` now and then.
async fn kept(dev: &Dev, opening: &[u8], more: &[u8]) -> Duration {
    let stream = TcpStream::connect(dev.address).await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    let began = Instant::now();
    writing.write_all(opening).await.unwrap();
    let trickle = async {
        while writing.write_all(more).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        std::future::pending::<()>().await;
    };
    let mut answer = Vec::new();
    // An end and a reset both close the connection.
    let end = tokio::time::timeout(Duration::from_secs(60), reading.read_to_end(&mut answer));
    tokio::select! {
        _ = end => {}
        () = trickle => {}
    }
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_do_not_say_what_they_want_are_closed() {
    let dev = Dev::start().await;
    let head = http2::head(MAILBOX, &[]);
    let http2 = |frames: &[u8]| {
        let settings = http2::frame(Kind::Settings, 0, 0, &[]);
        [http2::PREFACE, &settings, frames].concat()
    };
    let openings: [(&[u8], &[u8]); 8] = [
        (b"", b""),
        (b"PRI * HTTP/2", b""),
        (b"POST / HTTP/1.1\r\nhost: x\r\n", b""),
        (b"POST / HTTP/1.1\r\nhost: x\r\nx: ", b"x"),
        // The beginning of a TLS handshake.
        (b"\x16\x03\x01\x02\x00\x01", b""),
        // Headers of HTTP/2 whose last frame does not come, or not all of it.
        (&http2(&http2::frame(Kind::Headers, 0, 1, &head)), b""),
        (
            &http2(&http2::frame(Kind::Headers, END_HEADERS, 1, &head)[..20]),
            b"",
        ),
        (&http2(b"\0\x40\0\x01\x04\0\0\0\x01"), b"\0"),
    ];
    let all = openings.map(|(opening, more)| kept(&dev, opening, more));
    let times = futures::future::join_all(all).await;
    for (time, (opening, _)) in times.into_iter().zip(openings) {
        assert!(
            time < Duration::from_secs(13),
            "{opening:?}: kept for {time:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_over_16_kib_are_refused_and_others_are_not_disturbed() {
    let dev = Dev::start().await;
    let ana = dev.register_fresh().await;
    let connection = Connection::open(&dev).await;
    let token = format!("Bearer {}", ana.token);
    for size in [17 << 10, 64 << 10] {
        let junk = "x".repeat(size);
        let headers = [("authorization", &*token), ("junk", &*junk)];
        let answer = connection.call(MAILBOX, &headers, raw::frame(b"")).await;
        if let Ok(answer) = answer {
            assert_eq!(answer.http_status, 431, "{size}: {answer:?}");
        }
    }
    assert!(ana.inbox().await.is_empty(), "another connection goes on");
    let connection = Connection::open(&dev).await;
    let some = "x".repeat(8 << 10);
    let headers = [("authorization", &*token), ("junk", &*some)];
    let answer = connection
        .call(MAILBOX, &headers, raw::frame(b""))
        .await
        .unwrap();
    assert_eq!(answer.status().code(), Code::Ok);
}

/// What a browser gets for a request with these headers, over HTTP/1.1.
async fn browser(dev: &Dev, method: &str, headers: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(dev.address).await.unwrap();
    let (host, length) = (dev.address, body.len());
    let head = format!(
        "{method} {LOGIN} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
         content-length: {length}\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).to_lowercase()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_from_foreign_origins_are_refused() {
    let dev = Dev::start().await;
    let own = format!("http://{}", dev.address);
    let web = "content-type: application/grpc-web+proto\r\nx-grpc-web: 1\r\n";
    for (origin, allowed) in [
        (&*own, true),
        ("https://evil.example", false),
        ("null", false),
    ] {
        let asks = format!(
            "origin: {origin}\r\naccess-control-request-method: POST\r\n\
             access-control-request-headers: content-type,x-grpc-web\r\n"
        );
        let preflight = browser(&dev, "OPTIONS", &asks, b"").await;
        let header = format!("access-control-allow-origin: {origin}");
        assert_eq!(preflight.contains(&header), allowed, "{preflight}");

        let headers = format!("{web}origin: {origin}\r\n");
        let answer = browser(&dev, "POST", &headers, &raw::frame(b"")).await;
        assert_eq!(answer.contains("grpc-status"), allowed, "{answer}");
        assert_eq!(answer.starts_with("http/1.1 403"), !allowed, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_another_protocol_is_answered_in_this_one() {
    let dev = Dev::start().await;
    // hyper lets go of such a connection as soon as it takes the answer for written.
    let upgrade = "connection: upgrade\r\nupgrade: h2c\r\n";
    for _ in 0..20 {
        let answer = browser(&dev, "GET", upgrade, b"").await;
        assert!(answer.starts_with("http/1.1 404"), "{answer:?}");
        assert!(answer.contains("\r\n\r\n"), "{answer:?}");
    }
}
