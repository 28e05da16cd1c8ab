//! Trace context that goes from service to service (W3C Trace Context).

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    propagation::{Extractor, Injector},
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::context;

pub(super) fn start() {
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
}

/// Makes `span` a child of what came in `headers`. Answers with the place of the span in the trace or, where no
/// spans are made, with what came, or with the beginning of a trace that nobody records.
pub fn continue_trace(span: &Span, headers: &HeaderMap) -> SpanContext {
    let parent = opentelemetry::global::get_text_map_propagator(|p| p.extract(&Incoming(headers)));
    let came = parent.span().span_context().clone();
    // Where no spans are made there is nothing to continue.
    let _ = span.set_parent(parent);
    let own = span.context().span().span_context().clone();
    if own.is_valid() {
        own
    } else if came.is_valid() {
        came
    } else {
        let (trace_id, span_id) = (rand::random(), rand::random());
        SpanContext::new(
            TraceId::from_bytes(trace_id),
            SpanId::from_bytes(span_id),
            TraceFlags::NOT_SAMPLED,
            false,
            TraceState::NONE,
        )
    }
}

/// Writes into `headers` where in the trace the current span is or, without one, the current call.
pub fn pass_trace(headers: &mut HeaderMap) {
    let mut context = Span::current().context();
    if !context.span().span_context().is_valid()
        && let Some(call) = context::current()
    {
        context = context.with_remote_span_context(call.trace);
    }
    opentelemetry::global::get_text_map_propagator(|p| {
        p.inject_context(&context, &mut Outgoing(headers));
    });
}

struct Incoming<'a>(&'a HeaderMap);

impl Extractor for Incoming<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

struct Outgoing<'a>(&'a mut HeaderMap);

impl Injector for Outgoing<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}
