//! A call as it is seen from outside: its span, and what is counted when it ends.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame};
use opentelemetry::KeyValue;
use tokio::{task::JoinHandle, time::Instant};
use tonic::{Code, Status, body::Body};
use tracing::{Span, field::Empty};

use crate::{
    context::RequestContext,
    listener::Peer,
    problem::{code_in, code_name},
    telemetry::metrics,
};

/// How long after its deadline the end of a stream may stay unread.
const UNREAD_TIME: Duration = Duration::from_secs(5);

/// A call that is being answered: its span, and what is counted of it when it ends. One that is dropped
/// before was given up by its caller.
pub(super) struct UnderWay {
    span: Span,
    method: &'static str,
    begun: Instant,
    pub(super) streaming: bool,
    ended: bool,
    /// Gives a stream up that does not end in time.
    guard: Option<JoinHandle<()>>,
}

impl UnderWay {
    pub(super) fn begin(span: Span, method: &'static str, streaming: bool) -> Self {
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

    /// Whoever does not read a stream cannot be told that its time is over: soon after its deadline what
    /// `body` holds is let go, and the connection is closed if it is one client's alone.
    pub(super) fn give_up_unread(&mut self, peer: Peer, body: Body, deadline: Instant) -> Body {
        let body = Held(Arc::new(Mutex::new(body)));
        let held = Arc::clone(&body.0);
        self.guard = Some(tokio::spawn(async move {
            tokio::time::sleep_until(deadline + UNREAD_TIME).await;
            *lock(&held) = Body::empty();
            if !peer.is_shared() {
                peer.close();
            }
        }));
        Body::new(body)
    }

    /// The call ended as `headers` or trailers say, if they do.
    pub(super) fn end_as(&mut self, headers: &HeaderMap) {
        if let Some(code) = code_in(headers) {
            self.end(code);
        }
    }

    pub(super) fn end(&mut self, code: Code) {
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

/// A body that somebody else can let go of.
struct Held(Arc<Mutex<Body>>);

fn lock(body: &Mutex<Body>) -> MutexGuard<'_, Body> {
    body.lock().unwrap_or_else(PoisonError::into_inner)
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut *lock(&self.0)).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        lock(&self.0).is_end_stream()
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

pub(super) fn span_of(method: &'static str, context: &RequestContext) -> Span {
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
    )
}
