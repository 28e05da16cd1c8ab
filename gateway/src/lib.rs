//! The edge of TurboMessage. A byte proxy: it decides by path, checks the session, swaps the
//! client's metadata for internal metadata and hands the untouched messages on.

mod access;
mod config;
mod edge;
mod health;
mod introspection;
mod proxy;
mod reflection;
mod web;

use std::{fmt, sync::Arc};

use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use turbomessage_proto::{Method, PUBLIC_METHODS};
use turbomessage_service_kit::{
    clock::{SharedClock, SystemClock},
    listener::Listener,
    proxies::TrustedProxies,
    server::{self, EDGE_STREAMS},
    settings::ServerArgs,
    upstream::Upstream,
};

use crate::{
    access::{Access, Follower},
    edge::Edge,
    introspection::SessionClient,
    proxy::Proxy,
};
pub use config::{Config, Origin};

/// The services behind the gateway.
#[derive(Clone)]
pub struct Upstreams {
    /// auth-service.
    pub auth: Upstream,
    /// mail-service.
    pub mail: Upstream,
}

impl fmt::Debug for Upstreams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstreams").finish_non_exhaustive()
    }
}

/// Starts following the upstreams' health and revocations, until `shutdown`. The routes are the
/// whole edge: gRPC, gRPC-Web, health and reflection.
///
/// # Errors
/// The descriptors that reflection shows cannot be read.
pub async fn build(
    config: Config,
    upstreams: Upstreams,
    clock: SharedClock,
    shutdown: CancellationToken,
) -> anyhow::Result<Routes> {
    build_with(PUBLIC_METHODS, config, upstreams, clock, shutdown).await
}

async fn build_with(
    methods: &'static [Method],
    config: Config,
    upstreams: Upstreams,
    clock: SharedClock,
    shutdown: CancellationToken,
) -> anyhow::Result<Routes> {
    let sessions = SessionClient::new(upstreams.auth.clone());
    let access = Arc::new(Access::new(sessions, clock));
    tokio::spawn(Follower::new(Arc::clone(&access)).run(shutdown.clone()));
    let health = health::follow(&upstreams, &shutdown).await;
    let services = reflection::add_to(Routes::new(health.service()))?.prepare();
    let proxy = Proxy::new(methods, &config, upstreams, access);
    let edge = Edge::new(config.allow_origins, proxy, services);
    Ok(edge.into_routes())
}

/// Serves the edge on `listener` until `shutdown`, then lets calls in flight finish.
///
/// # Errors
/// It could not be built, the server failed, or calls were still in flight when the time to drain
/// was over.
pub async fn serve(
    config: Config,
    server: ServerArgs,
    upstreams: Upstreams,
    listener: Listener,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let listener = listener.behind(TrustedProxies::new(&config.trusted_proxies));
    let routes = build(config, upstreams, SystemClock::shared(), shutdown.clone()).await?;
    server::serve(
        listener,
        routes,
        EDGE_STREAMS,
        shutdown,
        server.drain_seconds,
    )
    .await
}

#[cfg(test)]
mod tests;
