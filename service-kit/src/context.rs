//! What is known about the call being served: its language, its id, its deadline. Set once by the
//! server's layer, read wherever an error is explained or another service is called.

use std::{future::Future, sync::Arc, time::Duration};

pub use opentelemetry::trace::SpanContext;
use opentelemetry::trace::TraceId;
use tokio::time::Instant;

use crate::language::Language;

/// The header with the id of a call, the same in the logs of every service.
pub const REQUEST_ID: &str = "x-request-id";

/// The facts about one call.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// What to explain errors in.
    pub language: Language,
    /// What finds the call in the logs.
    pub request_id: Arc<str>,
    /// The method that was called, as `package.Service/Method`.
    pub method: &'static str,
    /// Where the call is in its trace.
    pub trace: SpanContext,
    /// When the caller gives up.
    pub deadline: Instant,
}

impl RequestContext {
    /// The trace that the call belongs to.
    #[must_use]
    pub fn trace_id(&self) -> Option<TraceId> {
        self.trace.is_valid().then(|| self.trace.trace_id())
    }

    /// How long the caller still waits.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

tokio::task_local! {
    static CURRENT: RequestContext;
}

/// Runs `call` as the call that `context` is about.
pub fn scope<F: Future>(context: RequestContext, call: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(context, call)
}

/// Does `work` at once as a part of the call that `context` is about: for what a call leaves to be
/// done outside of it, such as the end of a body.
pub fn within<T>(context: RequestContext, work: impl FnOnce() -> T) -> T {
    CURRENT.sync_scope(context, work)
}

/// The context of the call being served, if there is one.
#[must_use]
pub fn current() -> Option<RequestContext> {
    CURRENT.try_with(Clone::clone).ok()
}

/// The language of the call being served.
#[must_use]
pub fn language() -> Language {
    CURRENT.try_with(|c| c.language).unwrap_or_default()
}
