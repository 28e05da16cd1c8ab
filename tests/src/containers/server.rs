//! One container, and what can happen to it.

use std::{fs::Permissions, io::Write as _, net::TcpListener, os::unix::fs::PermissionsExt};

use anyhow::Context as _;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, runners::AsyncRunner};

use super::{docker, output};
use crate::eventually::{SOON, eventually};

/// A server in a container. Its port stays the same when it is started again.
#[derive(Debug)]
pub struct Server {
    pub(super) container: ContainerAsync<GenericImage>,
    pub(super) host: String,
    pub(super) port: u16,
    inner_port: u16,
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
            inner_port: port,
        }
    }

    /// From now on names the container's own address, which changes when it is started again: on the
    /// way to the mapped port the engine copies every byte, and a measurement would have that in it.
    ///
    /// # Errors
    /// The engine does not say what it is.
    pub async fn go_direct(&mut self) -> anyhow::Result<()> {
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}";
        let told = output(&["inspect", "--format", format, self.container.id()]).await?;
        let address = told.split_whitespace().next().context("no address")?;
        (self.host, self.port) = (address.to_owned(), self.inner_port);
        Ok(())
    }

    /// Where it listens.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// What this machine calls its first process, whose children all the others are.
    ///
    /// # Errors
    /// The engine does not say.
    pub async fn process(&self) -> anyhow::Result<u32> {
        let id = self.container.id();
        let told = output(&["inspect", "--format", "{{.State.Pid}}", id]).await?;
        Ok(told.trim().parse()?)
    }

    /// Runs a command in it; answers with what that printed.
    ///
    /// # Errors
    /// It failed, with what it said.
    pub async fn exec(&self, command: &[&str]) -> anyhow::Result<String> {
        let arguments = [&["exec", self.container.id()], command].concat();
        output(&arguments).await
    }

    /// Writes a file in it.
    ///
    /// # Errors
    /// It could not be written.
    pub async fn put(&self, path: &str, text: &str) -> anyhow::Result<()> {
        let mut file = tempfile::NamedTempFile::new()?;
        file.write_all(text.as_bytes())?;
        let permissions = Permissions::from_mode(0o644);
        file.as_file().set_permissions(permissions)?;
        let from = file.path().to_string_lossy();
        let to = format!("{}:{path}", self.container.id());
        output(&["cp", &from, &to]).await.map(drop)
    }

    /// What it has written to standard output and standard error.
    ///
    /// # Errors
    /// The engine does not say.
    pub async fn log(&self) -> anyhow::Result<String> {
        let out = self.container.stdout_to_vec().await?;
        let err = self.container.stderr_to_vec().await?;
        Ok(String::from_utf8_lossy(&[out, err].concat()).into_owned())
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
        self.exec(command).await.expect("a command that works")
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
