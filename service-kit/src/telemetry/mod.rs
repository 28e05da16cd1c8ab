//! Logs, traces and metrics of one process. Names are those of OpenTelemetry's semantic conventions
//! wherever it has one. Texts of messages, tokens, passwords and addresses are in none of them.

pub mod database;
mod lines;
pub mod metrics;
mod propagation;
mod traces;

use std::time::Duration;

use anyhow::Context;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing::{Level, Metadata};
use tracing_subscriber::{
    Layer,
    filter::{DynFilterFn, LevelFilter},
    layer::{self, SubscriberExt},
    util::SubscriberInitExt,
};

pub use self::propagation::{continue_trace, pass_trace};
use crate::settings::LogArgs;

/// How long what was not sent yet may take at the end.
const FLUSH_TIME: Duration = Duration::from_secs(3);

/// What has to be ended with the process, so that nothing is lost.
#[derive(Debug)]
#[must_use = "spans that were not sent yet are lost without `end`"]
pub struct Telemetry {
    /// `None`: they are not sent.
    traces: Option<SdkTracerProvider>,
}

/// Starts logging for the process of `service`, to standard error; and sending traces to where the
/// `OTEL_*` variables say, if they do.
///
/// # Errors
/// The filter or one of these variables cannot be used, or logging was started before.
pub fn init(service: &'static str, args: &LogArgs) -> anyhow::Result<Telemetry> {
    let traces = traces::provider(&resource(service))?;
    propagation::start();
    let mut layers = vec![lines::layer(args)?];
    // Without it nobody wants spans, and none are made.
    if let Some(traces) = &traces {
        database::spans_are_sent();
        let spans = tracing_opentelemetry::layer()
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_tracer(traces.tracer("turbomessage"))
            .with_filter(our_spans());
        layers.push(spans.boxed());
    }
    tracing_subscriber::registry()
        .with(layers)
        .try_init()
        .context("logging was started twice")?;
    Ok(Telemetry { traces })
}

impl Telemetry {
    /// Sends what was not sent yet. A collector that does not answer is not waited for long.
    pub async fn end(self) {
        let Some(traces) = self.traces else { return };
        // It blocks, and on a thread of the runtime it might wait for that very thread.
        let flushed = tokio::task::spawn_blocking(move || {
            // Not heard by anybody any more.
            let _ = traces.shutdown_with_timeout(FLUSH_TIME);
        });
        let _ = tokio::time::timeout(FLUSH_TIME, flushed).await;
    }
}

/// What all spans and metrics of this process have in common.
pub(crate) fn resource(service: &'static str) -> Resource {
    let resource = Resource::builder();
    let named = std::env::var_os("OTEL_SERVICE_NAME").is_some_and(|name| !name.is_empty());
    let resource = if named {
        resource
    } else {
        resource.with_service_name(service)
    };
    let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    resource.with_attribute(version).build()
}

/// Spans that our own code makes. It is asked about each of them anew: what `tracing::enabled!` asked before on
/// the same thread, which sqlx does, would otherwise hold for the next span that nobody has doubts about, and some
/// were lost.
fn our_spans<S>() -> DynFilterFn<S, impl Fn(&Metadata<'_>, &layer::Context<'_, S>) -> bool> {
    let is_ours = |metadata: &Metadata<'_>, _: &layer::Context<'_, S>| {
        metadata.is_span()
            && *metadata.level() <= Level::DEBUG
            && metadata.target().starts_with("turbomessage")
    };
    DynFilterFn::new(is_ours).with_max_level_hint(LevelFilter::DEBUG)
}
