//! What is wrong below the messages: bytes, sizes, methods, encodings, deadlines.

use std::time::{Duration, Instant};

use bytes::Bytes;
use prost::Message as _;
use tonic::{Code, codec::CompressionEncoding};
use turbomessage_proto::mail_v1::SendMessageRequest;
use turbomessage_tests::{
    Dev, Edge, User,
    client::letter,
    errors::{reason, refused},
    raw::{self, Answer, Connection},
};

const SEND: &str = "/turbomessage.mail.v1.MailService/SendMessage";
const MAILBOX: &str = "/turbomessage.mail.v1.MailService/GetMailbox";
const REGISTER: &str = "/turbomessage.auth.v1.AuthService/Register";

/// Somebody who says any bytes on one connection.
struct Caller {
    user: User,
    connection: Connection,
}

impl Caller {
    async fn new(edge: &Edge) -> Self {
        Self {
            user: edge.register_fresh().await,
            connection: Connection::open(edge).await,
        }
    }

    async fn call(&self, path: &str, headers: &[(&str, &str)], body: Bytes) -> Answer {
        let token = format!("Bearer {}", self.user.token);
        let headers = [&[("authorization", &*token)], headers].concat();
        self.connection.call(path, &headers, body).await.unwrap()
    }

    /// The same connection answers a good call.
    async fn goes_on(&self) {
        let answer = self.call(MAILBOX, &[], raw::frame(b"")).await;
        assert_eq!(answer.status().code(), Code::Ok, "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_messages_are_refused_and_the_connection_lives_on() {
    let dev = Dev::start().await;
    let ana = Caller::new(&dev).await;
    let bodies = [
        raw::frame(b"\xff\xff\xff\xff\xff"),
        raw::frame(b"\x0a\x7f"),
        // A string that is not UTF-8.
        raw::frame(b"\x2a\x02\xff\xfe"),
        // Group tags that never end.
        raw::frame(&[0x0b; 1000]),
        Bytes::new(),
        // A frame that ends early.
        Bytes::from_static(b"\0\0\0\0\x09abc"),
        // Neither compressed nor not.
        Bytes::from_static(b"\x07\0\0\0\0"),
    ];
    for path in [SEND, REGISTER] {
        for body in &bodies {
            let status = ana.call(path, &[], body.clone()).await.status();
            let expected = [Code::Internal, Code::InvalidArgument];
            assert!(
                expected.contains(&status.code()),
                "{path} {body:?}: {status:?}"
            );
            assert!(!reason(&status).is_empty(), "{path} {body:?}: {status:?}");
            ana.goes_on().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_over_the_limit_is_refused_and_one_below_it_is_not() {
    let dev = Dev::start().await;
    let ana = dev.register_fresh().await;
    for mib in [5, 64] {
        let result = ana.send(&[&ana], "large", &"x".repeat(mib << 20)).await;
        let status = result.unwrap_err();
        let expected = [Code::OutOfRange, Code::ResourceExhausted];
        assert!(expected.contains(&status.code()), "{mib} MiB: {status:?}");
        assert_eq!(reason(&status), "TOO_LARGE", "{mib} MiB");
    }
    let mib = "x".repeat(1 << 20);
    let mut request = letter(&[&ana], "as large as may be", &mib);
    request.body.as_mut().unwrap().html.clone_from(&mib);
    ana.send_request(request).await.unwrap();
    let whole = ana.get(&ana.inbox().await[0].message_id).await.unwrap();
    assert_eq!(whole.size_bytes, (2 << 20) + 18);
    assert_eq!(whole.body.unwrap().html, mib);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_bomb_is_refused() {
    let dev = Dev::start().await;
    let ana = dev.register_fresh().await;
    let zip = || ana.mail().send_compressed(CompressionEncoding::Gzip);
    let small = letter(&[&ana], "squeezed", &"x".repeat(100_000));
    zip().send_message(small.clone()).await.unwrap();
    let received = ana.get(&ana.inbox().await[0].message_id).await.unwrap();
    assert_eq!(received.body, small.body);

    for mib in [8, 200] {
        let bomb = letter(&[&ana], "bomb", &"x".repeat(mib << 20));
        let status = zip().send_message(bomb).await.unwrap_err();
        let expected = [Code::OutOfRange, Code::ResourceExhausted];
        assert!(expected.contains(&status.code()), "{mib} MiB: {status:?}");
        assert_eq!(reason(&status), "TOO_LARGE", "{mib} MiB: {status:?}");
    }
    assert_eq!(ana.inbox().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_methods_and_encodings_are_unimplemented() {
    let dev = Dev::start().await;
    let ana = Caller::new(&dev).await;
    let paths = [
        "/turbomessage.mail.v1.MailService/Nothing",
        "/turbomessage.mail.v2.MailService/SendMessage",
        "/turbomessage.auth.v1.AuthService/Nothing",
        "/nothing",
        "/",
    ];
    for path in paths {
        let status = ana.call(path, &[], raw::frame(b"")).await.status();
        assert_eq!(status.code(), Code::Unimplemented, "{path}: {status:?}");
        assert_eq!(reason(&status), "METHOD_UNKNOWN", "{path}");
    }
    let squeezed = Bytes::from_static(b"\x01\0\0\0\x03abc");
    for encoding in ["br", "snappy", "deflate"] {
        let encoding = [("grpc-encoding", encoding)];
        for path in [SEND, REGISTER] {
            let status = ana.call(path, &encoding, squeezed.clone()).await.status();
            assert_eq!(
                status.code(),
                Code::Unimplemented,
                "{path} {encoding:?}: {status:?}"
            );
        }
    }
    ana.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_timeout_is_ignored() {
    let dev = Dev::start().await;
    let ana = Caller::new(&dev).await;
    for timeout in ["", "x", "-1S", "1", "1s", "123456789S", "1.5S", "99999999H"] {
        let answer = ana
            .call(MAILBOX, &[("grpc-timeout", timeout)], raw::frame(b""))
            .await;
        assert_eq!(answer.status().code(), Code::Ok, "{timeout:?}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_in_a_hurry_gets_its_deadline() {
    let dev = Dev::start().await;
    let ana = Caller::new(&dev).await;
    let began = Instant::now();
    for timeout in ["1n", "1u"] {
        let answer = ana
            .call(MAILBOX, &[("grpc-timeout", timeout)], raw::frame(b""))
            .await;
        refused(
            Err::<(), _>(answer.status()),
            Code::DeadlineExceeded,
            "DEADLINE_EXCEEDED",
        );
    }
    assert!(began.elapsed() < Duration::from_secs(5));
    ana.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_nobody_knows_are_passed_over() {
    let dev = Dev::start().await;
    let ana = Caller::new(&dev).await;
    let mut message = letter(&[&ana.user], "from the future", "text").encode_to_vec();
    // Field 1000, a string.
    message.extend([0xc2, 0x3e, 0x03, b'n', b'e', b'w']);
    assert!(SendMessageRequest::decode(&*message).is_ok());
    let answer = ana.call(SEND, &[], raw::frame(&message)).await;
    assert_eq!(answer.status().code(), Code::Ok, "{answer:?}");
    assert_eq!(ana.user.inbox().await[0].subject, "from the future");
}
