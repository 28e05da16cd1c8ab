//! The gRPC server that every service runs: HTTP/2 limits, and one layer that knows the call's
//! context, holds its deadline, and completes what errors lack.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body as HttpBody, Frame};
use opentelemetry::KeyValue;
use tokio::{
    task::JoinHandle,
    time::{Instant, Sleep},
};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, body::Body, service::Routes, transport::Server};
use tower::{Layer, Service};
use tracing::{Instrument, Span, field::Empty};
use turbomessage_proto::PUBLIC_METHODS;

use crate::{
    context::{self, REQUEST_ID, RequestContext},
    language::Language,
    listener::{self, Listener, Peer},
    problem::{Problem, Reason, code_name, complete},
    shutdown,
    telemetry::{self, metrics},
};

/// The largest request or response message, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;
/// Calls a connection may have open at the edge.
pub const EDGE_STREAMS: u32 = 256;
/// Calls a connection from another service of ours may have open.
pub const INNER_STREAMS: u32 = 10_000;
/// How long a call may take, unless the client wants less.
pub const CALL_DEADLINE: Duration = Duration::from_secs(10);
/// How long a stream may last.
pub const STREAM_DEADLINE: Duration = Duration::from_secs(3600);

const MAX_HEADER_BYTES: u32 = 16 * 1024;
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// tonic ends a call as CANCELLED when the client's own timeout is over, before any layer of ours
/// is asked: ours must fire a little earlier to say `DEADLINE_EXCEEDED`.
const HEAD_START: Duration = Duration::from_millis(20);

/// How long what is still to be told may take after the signal to stop.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// How long after its deadline the end of a stream may stay unread.
const UNREAD_TIME: Duration = Duration::from_secs(5);
/// When whoever lost a stream should begin another.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Methods that are not part of the public packages, and whether either side sends a stream.
const OTHER_METHODS: &[(&str, bool)] = &[
    ("/grpc.health.v1.Health/Check", false),
    ("/grpc.health.v1.Health/List", false),
    ("/grpc.health.v1.Health/Watch", true),
    (
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        true,
    ),
    (
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        true,
    ),
    (
        "/turbomessage.auth.internal.v1.DirectoryService/LookUpAccounts",
        false,
    ),
    (
        "/turbomessage.auth.internal.v1.DirectoryService/WatchAccounts",
        true,
    ),
    (
        "/turbomessage.auth.internal.v1.SessionService/Introspect",
        false,
    ),
    (
        "/turbomessage.auth.internal.v1.SessionService/ListTicketKeys",
        false,
    ),
    (
        "/turbomessage.auth.internal.v1.SessionService/WatchRevocations",
        true,
    ),
];

/// Those of them that would go on as long as the client likes.
const ENDLESS: &[&str] = &[
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// Whether either side of the method sends a stream.
#[must_use]
pub fn is_stream(path: &str) -> bool {
    let other = OTHER_METHODS.iter().find(|(other, _)| *other == path);
    other.is_some_and(|(_, streaming)| *streaming)
        || PUBLIC_METHODS.iter().any(|m| m.streaming && m.path == path)
}

/// The method at `path`, as spans and metrics name it: what does not exist has one name, however it is
/// called.
fn method_at(path: &str) -> &'static str {
    let public = PUBLIC_METHODS.iter().map(|method| method.path);
    let mut known = public.chain(OTHER_METHODS.iter().map(|(path, _)| *path));
    let known = known.find(|known| *known == path);
    known.map_or("_OTHER", |path| path.trim_start_matches('/'))
}

/// Serves `routes` on `listener` until `shutdown`, then lets calls in flight finish for at most
/// `drain`.
///
/// # Errors
/// The server failed, or calls were still in flight when `drain` was over.
pub async fn serve(
    listener: impl Into<Listener>,
    routes: Routes,
    max_streams: u32,
    shutdown: CancellationToken,
    drain: Duration,
) -> anyhow::Result<()> {
    let server = Server::builder()
        // gRPC-Web and the page speak HTTP/1 as well; inner services never see it.
        .accept_http1(max_streams == EDGE_STREAMS)
        .max_concurrent_streams(max_streams)
        .http2_max_header_list_size(MAX_HEADER_BYTES)
        .http2_max_local_error_reset_streams(Some(1024))
        .http2_max_pending_accept_reset_streams(Some(20))
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .layer(CallLayer {
            shutdown: Some(shutdown.clone()),
            is_edge: max_streams == EDGE_STREAMS,
        })
        .add_routes(routes)
        .serve_with_incoming_shutdown(
            listener::incoming(listener.into()),
            shutdown.clone().cancelled_owned(),
        );
    shutdown::bounded(async { Ok(server.await?) }, &shutdown, drain).await
}

/// Gives every call its [`RequestContext`], its span and its deadline.
#[derive(Debug, Clone, Default)]
pub struct CallLayer {
    /// Soon after it the streams of health and reflection end: their services would let them go on until
    /// the drain is over. All others end their streams themselves.
    shutdown: Option<CancellationToken>,
    /// Whether clients of the world are at the other end, whose connections are their own.
    is_edge: bool,
}

impl<S> Layer<S> for CallLayer {
    type Service = CallService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CallService {
            inner,
            layer: self.clone(),
        }
    }
}

/// The service that [`CallLayer`] makes.
#[derive(Debug, Clone)]
pub struct CallService<S> {
    inner: S,
    layer: CallLayer,
}

impl<S, B> Service<Request<B>> for CallService<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let method = method_at(request.uri().path());
        let mut context = context_of(&request);
        let span = span_of(method, &context);
        context.trace_id = telemetry::continue_trace(&span, request.headers());
        let mut underway = UnderWay::begin(span.clone(), method, is_stream(request.uri().path()));
        let peer = request
            .extensions()
            .get::<Peer>()
            .filter(|_| self.layer.is_edge);
        if let Some(peer) = peer.filter(|_| underway.streaming) {
            underway.give_up_on(peer.clone(), context.deadline);
        }
        let is_endless = ENDLESS.contains(&request.uri().path());
        let shutdown = self.layer.shutdown.clone().filter(|_| is_endless);
        let call = async move {
            let (deadline, language) = (context.deadline, context.language);
            let answer = context::scope(context.clone(), inner.call(request));
            let mut response = match tokio::time::timeout_at(deadline, answer).await {
                Ok(Ok(response)) => response,
                Ok(Err(never)) => match never {},
                Err(_) => context::within(context, || {
                    Status::from(Problem::new(Reason::DeadlineExceeded)).into_http::<Body>()
                }),
            };
            complete(response.headers_mut(), language);
            tracing::debug!("answered");
            let (head, body) = response.into_parts();
            let body = CallBody::wrap(&head.headers, body, deadline, language, shutdown, underway);
            Ok(Response::from_parts(head, body))
        };
        Box::pin(call.instrument(span))
    }
}

/// A call that is being answered: its span, and what is counted of it when it ends. One that is dropped
/// before was given up by its caller.
struct UnderWay {
    span: Span,
    method: &'static str,
    begun: Instant,
    streaming: bool,
    ended: bool,
    /// Closes the connection of a stream that does not end in time.
    guard: Option<JoinHandle<()>>,
}

impl UnderWay {
    fn begin(span: Span, method: &'static str, streaming: bool) -> Self {
        if streaming {
            metrics::STREAMS.add(1, &[]);
        }
        Self {
            span,
            method,
            begun: Instant::now(),
            streaming,
            ended: false,
            guard: None,
        }
    }

    /// Whoever does not read a stream cannot be told that its time is over, and nobody is asked for more of
    /// it: soon after its deadline the connection is closed.
    fn give_up_on(&mut self, peer: Peer, deadline: Instant) {
        self.guard = Some(tokio::spawn(async move {
            tokio::time::sleep_until(deadline + UNREAD_TIME).await;
            peer.close();
        }));
    }

    /// The call ended as `headers` or trailers say, if they do.
    fn end_as(&mut self, headers: &HeaderMap) {
        if let Some(status) = Status::from_header_map(headers) {
            self.end(status.code());
        }
    }

    fn end(&mut self, code: Code) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let name = code_name(code);
        self.span.record("rpc.response.status_code", name);
        let mut attributes = vec![
            KeyValue::new("rpc.system.name", "grpc"),
            KeyValue::new("rpc.method", self.method),
            KeyValue::new("rpc.response.status_code", name),
        ];
        if is_fault(code) {
            self.span.record("otel.status_code", "ERROR");
            self.span.record("error.type", name);
            attributes.push(KeyValue::new("error.type", name));
        }
        if self.streaming {
            metrics::STREAMS.add(-1, &[]);
        }
        metrics::CALLS.record(self.begun.elapsed().as_secs_f64(), &attributes);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(guard) = self.guard.take() {
            guard.abort();
        }
        self.end(Code::Cancelled);
    }
}

/// Whether it is the server's fault that a call ended so: the codes that OpenTelemetry's conventions name.
fn is_fault(code: Code) -> bool {
    matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    )
}

fn context_of<B>(request: &Request<B>) -> RequestContext {
    let headers = request.headers();
    let text = |name| headers.get(name).and_then(|v| v.to_str().ok());
    let request_id = match text(REQUEST_ID) {
        Some(id) if id.len() <= 64 && id.bytes().all(|b| b.is_ascii_graphic()) => id.into(),
        _ => Arc::from(uuid::Uuid::new_v4().to_string()),
    };
    let most = if is_stream(request.uri().path()) {
        STREAM_DEADLINE
    } else {
        CALL_DEADLINE
    };
    let wanted = text("grpc-timeout").and_then(parse_timeout).unwrap_or(most);
    let allowed = wanted.min(most);
    RequestContext {
        language: text("accept-language").map_or_else(Language::default, Language::from_accept),
        request_id,
        trace_id: None,
        deadline: Instant::now() + allowed.saturating_sub(HEAD_START.min(allowed / 10)),
    }
}

fn span_of(method: &'static str, context: &RequestContext) -> Span {
    // Asked every few seconds by everybody: nobody wants to see these.
    if method.starts_with("grpc.health.") {
        return Span::none();
    }
    tracing::info_span!(
        "call",
        otel.name = method,
        otel.kind = "server",
        otel.status_code = Empty,
        rpc.system.name = "grpc",
        rpc.method = method,
        rpc.response.status_code = Empty,
        error.r#type = Empty,
        request_id = %context.request_id,
        trace_id = Empty,
    )
}

/// A `grpc-timeout` header: at most eight digits and a unit. Anything else is `None`: the server's
/// own deadline holds.
#[must_use]
pub fn parse_timeout(header: &str) -> Option<Duration> {
    let (digits, unit) = header.split_at_checked(header.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let n: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(n * 3600)),
        "M" => Some(Duration::from_secs(n * 60)),
        "S" => Some(Duration::from_secs(n)),
        "m" => Some(Duration::from_millis(n)),
        "u" => Some(Duration::from_micros(n)),
        "n" => Some(Duration::from_nanos(n)),
        _ => None,
    }
}

/// `remaining` as a `grpc-timeout` header.
#[must_use]
pub fn format_timeout(remaining: Duration) -> String {
    let millis = remaining.as_millis().max(1);
    if millis < 100_000_000 {
        format!("{millis}m")
    } else {
        format!("{}S", remaining.as_secs())
    }
}

pin_project_lite::pin_project! {
    /// A response body that ends at the deadline and whose trailers are complete.
    struct CallBody {
        #[pin]
        inner: Body,
        #[pin]
        deadline: Sleep,
        shutdown: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
        language: Language,
        ended: bool,
        underway: UnderWay,
    }
}

impl CallBody {
    fn wrap(
        headers: &HeaderMap,
        inner: Body,
        deadline: Instant,
        language: Language,
        shutdown: Option<CancellationToken>,
        mut underway: UnderWay,
    ) -> Body {
        if inner.is_end_stream() {
            underway.end_as(headers);
            return inner;
        }
        let deadline = tokio::time::sleep_until(deadline);
        let soon_after = |shutdown: CancellationToken| async move {
            shutdown.cancelled().await;
            tokio::time::sleep(LAST_WORDS).await;
        };
        Body::new(Self {
            inner,
            deadline,
            shutdown: shutdown.map(|token| Box::pin(soon_after(token)) as _),
            language,
            ended: false,
            underway,
        })
    }
}

impl HttpBody for CallBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.project();
        if *this.ended {
            return Poll::Ready(None);
        }
        // Before anything else: a stream that always has more to tell would never end.
        let shutdown = this.shutdown.as_mut();
        let problem = if shutdown.is_some_and(|end| end.as_mut().poll(cx).is_ready()) {
            Problem::new(Reason::ShuttingDown).retry_after(RETRY_AFTER)
        } else if this.deadline.poll(cx).is_ready() {
            Problem::new(Reason::DeadlineExceeded)
        } else {
            let frame = std::task::ready!(this.inner.poll_frame(cx));
            let frame = frame.map(|frame| frame.map(|f| with_details(f, *this.language)));
            match &frame {
                Some(Ok(frame)) => {
                    if let Some(trailers) = frame.trailers_ref() {
                        this.underway.end_as(trailers);
                    }
                }
                Some(Err(status)) => this.underway.end(status.code()),
                // An answer that is not gRPC, or was cut off.
                None => this.underway.end(Code::Unknown),
            }
            return Poll::Ready(frame);
        };
        *this.ended = true;
        let mut trailers = HeaderMap::new();
        let status = Status::from(problem);
        this.underway.end(status.code());
        let trailers = status
            .add_header(&mut trailers)
            .map(|()| Frame::trailers(trailers));
        Poll::Ready(Some(trailers))
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }
}

fn with_details(frame: Frame<Bytes>, language: Language) -> Frame<Bytes> {
    match frame.into_trailers() {
        Ok(mut trailers) => {
            complete(&mut trailers, language);
            Frame::trailers(trailers)
        }
        Err(frame) => frame,
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use turbomessage_proto::INTERNAL_DESCRIPTORS;

    use super::*;

    /// A method that is not in the lists would have no name in metrics, and a stream the deadline of a call.
    #[test]
    fn every_method_has_its_name_and_kind() {
        let described = prost_types::FileDescriptorSet::decode(INTERNAL_DESCRIPTORS).unwrap();
        let mut found = 0;
        for file in &described.file {
            for service in &file.service {
                for method in &service.method {
                    let name = format!("{}.{}/{}", file.package(), service.name(), method.name());
                    let path = format!("/{name}");
                    assert_eq!(method_at(&path), name);
                    let streaming = method.client_streaming() || method.server_streaming();
                    assert_eq!(is_stream(&path), streaming, "{path}");
                    found += 1;
                }
            }
        }
        assert!(found >= 5);
        assert_eq!(
            method_at("/turbomessage.mail.v1.MailService/Nonsense"),
            "_OTHER"
        );
    }

    #[test]
    fn timeouts_are_read_as_the_specification_says() {
        for (text, expected) in [
            ("100m", Some(Duration::from_millis(100))),
            ("2S", Some(Duration::from_secs(2))),
            ("99999999H", Some(Duration::from_secs(99_999_999 * 3600))),
            ("", None),
            ("S", None),
            ("-1S", None),
            ("+1S", None),
            ("123456789m", None),
            ("1s", None),
            ("1é", None),
        ] {
            assert_eq!(parse_timeout(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_timeout_survives_being_passed_on() {
        for secs in [1, 10, 3600, 99_999, 1_000_000] {
            let timeout = Duration::from_secs(secs);
            assert_eq!(parse_timeout(&format_timeout(timeout)), Some(timeout));
        }
    }
}
