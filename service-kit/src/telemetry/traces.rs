//! Traces over OTLP (gRPC), as the standard variables say: `OTEL_EXPORTER_OTLP_ENDPOINT` and its
//! siblings where to, `OTEL_TRACES_SAMPLER` how many, `OTEL_BSP_*` in what portions.

use std::env;

use anyhow::{Context, bail};
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};

/// What sends spans; nothing if nobody says where to.
///
/// # Errors
/// One of the variables cannot be used.
pub(super) fn provider(resource: &Resource) -> anyhow::Result<Option<SdkTracerProvider>> {
    let of_traces = || set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
    let endpoint = of_traces().or_else(|| set("OTEL_EXPORTER_OTLP_ENDPOINT"));
    let is_off = set("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"))
        || set("OTEL_TRACES_EXPORTER").is_some_and(|value| value == "none");
    let Some(endpoint) = endpoint.filter(|_| !is_off) else {
        return Ok(None);
    };
    let of_traces = || set("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL");
    let protocol = of_traces().or_else(|| set("OTEL_EXPORTER_OTLP_PROTOCOL"));
    if let Some(other) = protocol.filter(|protocol| protocol != "grpc") {
        bail!("OTEL_EXPORTER_OTLP_PROTOCOL: `{other}` is not supported, only `grpc` is");
    }
    let exporter = SpanExporter::builder().with_tonic().build();
    let exporter =
        exporter.with_context(|| format!("OTEL_EXPORTER_OTLP_ENDPOINT: `{endpoint}`"))?;
    let provider = SdkTracerProvider::builder()
        .with_resource(resource.clone())
        .with_batch_exporter(exporter);
    Ok(Some(provider.build()))
}

fn set(variable: &str) -> Option<String> {
    env::var(variable).ok().filter(|value| !value.is_empty())
}
