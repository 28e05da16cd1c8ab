//! What every call gets, whoever answers it.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::{Request, Response};
use http_body::Body as _;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::{Status, body::Body};
use tower::{Layer, Service};
use tracing::Instrument;

use super::{
    body::CallBody,
    is_stream,
    methods::{is_endless, method_at},
    timeout::parse_timeout,
    under_way::{UnderWay, Unread, span_of},
};
use crate::{
    context::{self, REQUEST_ID, RequestContext, SpanContext},
    language::Language,
    listener::Peer,
    problem::{Problem, Reason, complete},
    telemetry,
};

/// How long a call may take, unless the client wants less.
pub const CALL_DEADLINE: Duration = Duration::from_secs(10);
/// How long a stream may last.
pub const STREAM_DEADLINE: Duration = Duration::from_secs(3600);

/// tonic ends a call as CANCELLED when the client's own timeout is over, before any layer of ours
/// is asked: ours must fire a little earlier to say `DEADLINE_EXCEEDED`.
const HEAD_START: Duration = Duration::from_millis(20);

/// Gives every call its [`RequestContext`], its span and its deadline.
#[derive(Debug, Clone, Default)]
pub struct CallLayer {
    /// Soon after it the streams of health and reflection end: their services would let them go on until
    /// the drain is over. All others end their streams themselves.
    pub(super) shutdown: Option<CancellationToken>,
    /// What clients of the world, whose connections are their own, have not read yet; none where others call.
    pub(super) unread: Option<Unread>,
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
        let mut context = context_of(&request, method);
        let span = span_of(method, &context);
        context.trace = telemetry::continue_trace(&span, request.headers());
        let mut underway = UnderWay::begin(span.clone(), method, is_stream(request.uri().path()));
        let peer = request.extensions().get::<Peer>().cloned();
        let reader = self.layer.unread.clone().zip(peer);
        let is_endless = is_endless(request.uri().path());
        let shutdown = self.layer.shutdown.clone().filter(|_| is_endless);
        let call = async move {
            let (deadline, language) = (context.deadline, context.language);
            let answer = context::scope(context.clone(), inner.call(request));
            let mut response = match tokio::time::timeout_at(deadline, answer).await {
                Ok(Ok(response)) => response,
                Ok(Err(never)) => match never {},
                Err(_) => context::within(context.clone(), || {
                    Status::from(Problem::new(Reason::DeadlineExceeded)).into_http::<Body>()
                }),
            };
            complete(response.headers_mut(), language);
            context::within(context.clone(), || tracing::debug!("answered"));
            let (head, mut body) = response.into_parts();
            if let Some((unread, peer)) = reader.filter(|_| !body.is_end_stream()) {
                body = underway.give_up_unread(&unread, peer, body, deadline);
            }
            let body = CallBody::wrap(&head.headers, body, context, shutdown, underway);
            Ok(Response::from_parts(head, body))
        };
        Box::pin(call.instrument(span))
    }
}

fn context_of<B>(request: &Request<B>, method: &'static str) -> RequestContext {
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
        method,
        trace: SpanContext::NONE,
        deadline: Instant::now() + allowed.saturating_sub(HEAD_START.min(allowed / 10)),
    }
}
