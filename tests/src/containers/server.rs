//! One container, and what can happen to it.

use std::net::TcpListener;

use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, runners::AsyncRunner};

use super::docker;
use crate::eventually::{SOON, eventually};

/// A server in a container. Its port stays the same when it is started again.
#[derive(Debug)]
pub struct Server {
    pub(super) container: ContainerAsync<GenericImage>,
    pub(super) host: String,
    pub(super) port: u16,
}

impl Server {
    /// Starts `image`, whose server listens in the container on `port`.
    pub(crate) async fn start(image: ContainerRequest<GenericImage>, port: u16) -> Self {
        let container = Box::pin(image.start()).await;
        let container =
            container.expect("a container: tests/containers/images.sh makes the images");
        let host = container.get_host().await.expect("the engine's host");
        Self {
            host: host.to_string(),
            port: container.get_host_port_ipv4(port).await.expect("a port"),
            container,
        }
    }

    /// The port on this machine that `port` in the container is mapped to.
    pub(crate) async fn mapped(&self, port: u16) -> u16 {
        let mapped = self.container.get_host_port_ipv4(port).await;
        mapped.expect("a port")
    }

    /// Its port on this machine.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Runs a command in it; answers with what it printed.
    pub async fn execute(&self, command: &[&str]) -> String {
        docker(&[&["exec", self.container.id()], command].concat()).await
    }

    /// Freezes every process in it: connections stay open and nothing answers.
    pub async fn pause(&self) {
        // The engine gives up on processes that are busy, and has to be asked again.
        eventually("a pause", SOON, async || self.container.pause().await.ok()).await;
    }

    /// Goes on after [`Self::pause`].
    pub async fn resume(&self) {
        self.container.unpause().await.expect("an end of the pause");
    }

    /// Has every packet to and from it vanish, without a word to anybody.
    pub async fn black_hole(&self) {
        self.packets("--append", &["--jump", "DROP"]).await;
    }

    /// Ends [`Self::black_hole`].
    pub async fn reachable(&self) {
        self.packets("--flush", &[]).await;
    }

    async fn packets(&self, change: &str, rule: &[&str]) {
        let network = format!("container:{}", self.container.id());
        for chain in ["INPUT", "OUTPUT"] {
            let run = ["run", "--rm", "--cap-add", "NET_ADMIN", "--network"];
            let tables = [&network, "turbomessage-test/network:1", "iptables", change];
            docker(&[&run[..], &tables, &[chain], rule].concat()).await;
        }
    }

    /// Kills it (SIGKILL); what it had written stays.
    pub async fn kill(&self) {
        docker(&["kill", self.container.id()]).await;
    }

    /// Stops it in good order.
    pub async fn stop(&self) {
        self.container
            .stop_with_timeout(Some(10))
            .await
            .expect("a stop");
    }

    /// Starts it again after [`Self::kill`] or [`Self::stop`]; it may not answer yet.
    pub async fn start_again(&self) {
        self.container.start().await.expect("a start");
    }
}

/// The mapping must survive a restart, so that the engine cannot choose the port.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("0.0.0.0:0").expect("a free port");
    listener.local_addr().expect("its number").port()
}
