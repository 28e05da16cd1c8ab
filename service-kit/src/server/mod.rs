//! The gRPC server that every service runs: HTTP/2 limits, and one layer that knows the call's
//! context, holds its deadline, and completes what errors lack.

mod body;
mod call;
mod methods;
mod timeout;
mod under_way;

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tonic::{service::Routes, transport::Server};

use self::under_way::Unread;
pub use self::{
    call::{CALL_DEADLINE, CallLayer, CallService, STREAM_DEADLINE},
    methods::is_stream,
    timeout::{format_timeout, parse_timeout},
};
use crate::{
    listener::{self, Listener},
    shutdown,
};

/// The largest request or response message, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;
/// Calls a connection may have open at the edge.
pub const EDGE_STREAMS: u32 = 256;
/// Calls a connection from another service of ours may have open.
pub const INNER_STREAMS: u32 = 10_000;

/// Calls that may have been given up before they were looked at, on a connection from another service.
const INNER_RESETS: usize = 10_000;

/// The most bytes of a request's header.
pub const MAX_HEADER_BYTES: u32 = 16 * 1024;
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

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
    let is_edge = max_streams == EDGE_STREAMS;
    let unread = is_edge.then(Unread::default);
    let layer = CallLayer {
        shutdown: Some(shutdown.clone()),
        unread: unread.clone(),
    };
    let stop = shutdown.clone();
    let serve = move |incoming: listener::Incoming| {
        let server = Server::builder()
            // gRPC-Web and the page speak HTTP/1 as well; inner services never see it.
            .accept_http1(is_edge)
            .max_concurrent_streams(max_streams)
            .http2_max_header_list_size(MAX_HEADER_BYTES)
            // Inside, a connection carries the calls of many: that some of them hang up must not end it.
            .http2_max_local_error_reset_streams(is_edge.then_some(1024))
            .http2_max_pending_accept_reset_streams(Some(if is_edge { 20 } else { INNER_RESETS }))
            .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
            .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
            .layer(layer.clone())
            .add_routes(routes.clone())
            .serve_with_incoming_shutdown(incoming, stop.clone().cancelled_owned());
        async { Ok(server.await?) }
    };
    let server = Box::pin(listener::serve_each(listener.into(), &shutdown, serve));
    let server = shutdown::bounded(server, &shutdown, drain);
    match unread {
        None => server.await,
        Some(unread) => tokio::select! {
            ended = server => ended,
            () = unread.give_up_late_ones() => Ok(()),
        },
    }
}
