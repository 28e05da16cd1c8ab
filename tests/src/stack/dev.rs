//! All of TurboMessage in this process, wired as `tm dev` wires it.

use std::{ops::Deref, path::Path, sync::Arc, time::Duration};

use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::service::Routes;
use turbomessage_auth_service as auth_service;
use turbomessage_gateway as gateway;
use turbomessage_mail_service as mail_service;
use turbomessage_service_kit::{
    server::{EDGE_STREAMS, serve},
    upstream::Upstream,
};

use super::{Clocks, Edge};

/// The three services in this process, on SQLite files that go with the last that uses them.
#[derive(Debug)]
pub struct Dev {
    edge: Edge,
    /// What the services ask for the time.
    pub clocks: Clocks,
    _stop: DropGuard,
    data: Arc<TempDir>,
}

impl Dev {
    /// A new, empty system that serves.
    pub async fn start() -> Self {
        let data = tempfile::tempdir().expect("a folder");
        Self::on(Arc::new(data)).await
    }

    /// Another one on the same files.
    pub async fn another(&self) -> Self {
        Self::on(Arc::clone(&self.data)).await
    }

    async fn on(data: Arc<TempDir>) -> Self {
        let clocks = Clocks::default();
        let stop = CancellationToken::new();
        let routes = build(data.path(), &clocks, stop.clone()).await;
        let routes = routes.expect("the services");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let drain = Duration::from_secs(5);
        tokio::spawn(serve(listener, routes, EDGE_STREAMS, stop.clone(), drain));
        let edge = Edge { address };
        edge.ready().await;
        Self {
            edge,
            clocks,
            _stop: stop.drop_guard(),
            data,
        }
    }
}

impl Deref for Dev {
    type Target = Edge;

    fn deref(&self) -> &Edge {
        &self.edge
    }
}

async fn build(data: &Path, clocks: &Clocks, stop: CancellationToken) -> anyhow::Result<Routes> {
    let config = auth_service::Config::embedded(data);
    let auth = auth_service::build(config, clocks.auth.clone(), stop.clone()).await?;
    let auth = Upstream::local(auth);
    let (config, clock) = (mail_service::Config::embedded(data), clocks.mail.clone());
    let mail = mail_service::build(config, auth.clone(), clock, stop.clone()).await?;
    let mail = Upstream::local(mail);
    let upstreams = gateway::Upstreams { auth, mail };
    let config = gateway::Config::default();
    gateway::build(config, upstreams, clocks.gateway.clone(), stop).await
}
