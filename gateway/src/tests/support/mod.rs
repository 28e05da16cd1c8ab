//! A gateway with made-up upstreams, and what tests say and hear over it.

mod auth;
mod raw;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, Version};
use http_body_util::{BodyExt, Full};
use tokio_util::sync::CancellationToken;
use tonic::{Status, body::Body, service::Routes};
use tower::ServiceExt;
use turbomessage_proto::{Method, PUBLIC_METHODS};
use turbomessage_service_kit::{
    clock::{ManualClock, Timestamp},
    problem::{Reason, reason_of},
    upstream::Upstream,
};

pub(crate) use self::{
    auth::{ALICE, BOB, FakeAuth},
    raw::{Handler, Raw, Tail, Tails, echo, frame, ok, respond, tails},
};
use crate::{Config, Upstreams, build_with};

pub(crate) const GET_MESSAGE: &str = "/turbomessage.mail.v1.MailService/GetMessage";
pub(crate) const SEND_MESSAGE: &str = "/turbomessage.mail.v1.MailService/SendMessage";
pub(crate) const LOGIN: &str = "/turbomessage.auth.v1.AuthService/Login";
pub(crate) const LOGOUT: &str = "/turbomessage.auth.v1.AuthService/Logout";
/// A stream that there is in tests only.
pub(crate) const TAIL: &str = "/turbomessage.mail.v1.MailService/TestTail";

pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

/// A gateway whose time the test owns.
pub(crate) struct Gateway {
    pub(crate) edge: Upstream,
    pub(crate) routes: Routes,
    pub(crate) auth: Arc<FakeAuth>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) shutdown: CancellationToken,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// A gateway before a mail-service that answers as `mail` says.
pub(crate) async fn gateway(mail: impl Handler) -> Gateway {
    gateway_with(Config::default(), Upstream::local(Raw::routes(mail))).await
}

pub(crate) async fn gateway_with(config: Config, mail: Upstream) -> Gateway {
    let auth = FakeAuth::new();
    let upstreams = Upstreams {
        auth: Upstream::local(auth.routes()),
        mail,
    };
    gateway_between(config, upstreams, auth).await
}

pub(crate) async fn gateway_between(
    config: Config,
    upstreams: Upstreams,
    auth: Arc<FakeAuth>,
) -> Gateway {
    let (clock, shutdown) = (ManualClock::at(NOW), CancellationToken::new());
    let routes = build_with(
        methods(),
        config,
        upstreams,
        clock.clone(),
        shutdown.clone(),
    )
    .await
    .unwrap();
    Gateway {
        edge: Upstream::local(routes.clone()),
        routes,
        auth,
        clock,
        shutdown,
    }
}

/// The public methods and one stream.
fn methods() -> &'static [Method] {
    let tail = Method {
        service: "turbomessage.mail.v1.MailService",
        path: TAIL,
        no_side_effects: true,
        streaming: true,
    };
    let methods: Vec<Method> = PUBLIC_METHODS.iter().copied().chain([tail]).collect();
    Box::leak(methods.into_boxed_slice())
}

/// A gRPC request as a client makes it.
pub(crate) fn request(path: &str, token: Option<&str>, body: Bytes) -> Request<Body> {
    let mut request = Request::post(path)
        .version(Version::HTTP_2)
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    request.body(Body::new(Full::new(body))).unwrap()
}

/// What came back for a call.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) http: http::StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) data: Bytes,
    pub(crate) trailers: HeaderMap,
}

impl Reply {
    pub(crate) async fn of(response: Response<Body>) -> Self {
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap();
        Self {
            http: head.status,
            headers: head.headers,
            trailers: body.trailers().cloned().unwrap_or_default(),
            data: body.to_bytes(),
        }
    }

    pub(crate) fn status(&self) -> Status {
        Status::from_header_map(&self.trailers)
            .or_else(|| Status::from_header_map(&self.headers))
            .expect("a gRPC status")
    }

    pub(crate) fn is_ok(&self) -> bool {
        self.status().code() == tonic::Code::Ok
    }

    #[track_caller]
    pub(crate) fn assert_reason(&self, reason: Reason) {
        assert_reason(&self.status(), reason);
    }
}

/// A status says why in full: code, reason, text, and when to try again where that helps.
#[track_caller]
pub(crate) fn assert_reason(status: &Status, reason: Reason) {
    use tonic_types::StatusExt;
    assert_eq!(status.code(), reason.code(), "{status:?}");
    assert_eq!(reason_of(status), Some(reason), "{status:?}");
    let details = status.get_error_details();
    assert!(details.localized_message().is_some());
    let passes = matches!(
        reason,
        Reason::UpstreamUnavailable | Reason::Overloaded | Reason::ShuttingDown
    );
    assert_eq!(details.retry_info().is_some(), passes, "{status:?}");
}

impl Gateway {
    pub(crate) async fn answer(&self, request: Request<Body>) -> Response<Body> {
        within(self.edge.calls().oneshot(request)).await.unwrap()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        within(Reply::of(self.answer(request).await)).await
    }

    /// A call with a small message.
    pub(crate) async fn call(&self, path: &str, token: &str) -> Reply {
        self.send(request(path, Some(token), frame(b"hello"))).await
    }
}

/// No test waits for ever.
pub(crate) async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), work)
        .await
        .expect("it takes too long")
}
