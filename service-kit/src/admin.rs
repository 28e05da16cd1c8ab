//! The port for those who run the process: `/metrics` for Prometheus, `/livez` for whoever wants to know
//! that it still turns, `/readyz` for whoever would send it work and cannot ask over gRPC.

use anyhow::Context;
use axum::{
    Router,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{health, telemetry::metrics::Page};

/// What Prometheus' text format is called.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers on `listener` until `stop`.
///
/// # Errors
/// The listener failed.
pub async fn serve(
    listener: TcpListener,
    page: Page,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let router = Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(async || ready()))
        .route("/metrics", get(async move || metrics(&page)));
    axum::serve(listener, router)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
        .context("the admin port")
}

fn ready() -> (StatusCode, &'static str) {
    if health::is_ready() {
        (StatusCode::OK, "ok\n")
    } else {
        let waits = "starting and waiting for what it depends on, or stopping\n";
        (StatusCode::SERVICE_UNAVAILABLE, waits)
    }
}

fn metrics(page: &Page) -> Response {
    match page.show() {
        Ok(text) => ([(CONTENT_TYPE, METRICS_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(error.cause = %format_args!("{error:#}"), "metrics cannot be shown");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
