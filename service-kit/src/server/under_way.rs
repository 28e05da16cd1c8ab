//! A call as it is seen from outside: its span, and what is counted when it ends.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame};
use opentelemetry::KeyValue;
use tokio::time::{Instant, MissedTickBehavior};
use tonic::{Code, Status, body::Body};
use tracing::{Span, field::Empty};

use crate::{
    context::RequestContext,
    listener::Peer,
    problem::{code_in, code_name},
    telemetry::metrics,
};

/// How long after its deadline the end of an answer may stay unread.
const UNREAD_TIME: Duration = Duration::from_secs(5);
/// How often it is looked for those that did.
const LOOK: Duration = Duration::from_secs(1);

/// A call that is being answered: its span, and what is counted of it when it ends. One that is dropped
/// before was given up by its caller.
pub(super) struct UnderWay {
    span: Span,
    method: &'static str,
    begun: Instant,
    pub(super) streaming: bool,
    ended: bool,
    /// Where its answer waits to be read.
    unread: Option<Place>,
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
            unread: None,
        }
    }

    /// Whoever does not read an answer cannot be told that its time is over: soon after its deadline what `body` holds is let
    /// go, and the connection is closed if it is one client's alone.
    pub(super) fn give_up_unread(
        &mut self,
        unread: &Unread,
        peer: Peer,
        body: Body,
        deadline: Instant,
    ) -> Body {
        let body = Arc::new(Mutex::new(body));
        self.unread = Some(unread.add(Answer {
            until: deadline + UNREAD_TIME,
            body: Arc::clone(&body),
            peer,
        }));
        Body::new(Held(body))
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

/// Answers on their way to clients of the world, who may never read them. There is one of these for a server and no timer
/// for each answer, as nearly all are read at once.
#[derive(Clone, Default)]
pub(super) struct Unread(Arc<Mutex<Answers>>);

#[derive(Default)]
struct Answers {
    next: u64,
    open: HashMap<u64, Answer>,
}

struct Answer {
    until: Instant,
    body: Arc<Mutex<Body>>,
    peer: Peer,
}

/// An answer's place among the unread, left when it is dropped.
struct Place {
    unread: Unread,
    number: u64,
}

impl std::fmt::Debug for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unread").finish_non_exhaustive()
    }
}

impl Unread {
    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, answer: Answer) -> Place {
        let mut answers = self.answers();
        let number = answers.next;
        answers.next += 1;
        answers.open.insert(number, answer);
        drop(answers);
        let unread = self.clone();
        Place { unread, number }
    }

    /// Gives up those whose time is over, for ever.
    pub(super) async fn give_up_late_ones(self) {
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let now = looks.tick().await;
            let is_late = |_: &u64, answer: &mut Answer| answer.until <= now;
            let late: Vec<_> = self.answers().open.extract_if(is_late).collect();
            for (_, answer) in late {
                *lock(&answer.body) = Body::empty();
                if !answer.peer.is_shared() {
                    answer.peer.close();
                }
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let answer = self.unread.answers().open.remove(&self.number);
        drop(answer);
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
