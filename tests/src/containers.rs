//! Redis and Postgres in containers of their own, which a test may freeze, kill and start again.

use std::{
    env, fs::Permissions, io::Write as _, net::TcpListener, os::unix::fs::PermissionsExt,
    str::FromStr,
};

use anyhow::Context as _;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, postgres::PgConnectOptions};
use testcontainers::{
    ContainerAsync, GenericImage, ImageExt,
    core::{IntoContainerPort, WaitFor},
    runners::AsyncRunner,
};

use crate::{
    eventually::{SOON, eventually},
    programs::skip,
};

/// Whether tests may start containers: `TM_TEST_CONTAINERS=1`, which `tests/run.sh` sets where an
/// engine answers. Says loudly when not; fails where `CI=true`.
#[must_use]
pub fn available() -> bool {
    let available = env::var_os("TM_TEST_CONTAINERS").is_some_and(|set| set == "1");
    if !available {
        skip("no container engine (TM_TEST_CONTAINERS=1 says that there is one): see tests/run.sh");
    }
    available
}

/// A server in a container. Its port stays the same when it is started again.
#[derive(Debug)]
pub struct Server {
    container: ContainerAsync<GenericImage>,
    host: String,
    port: u16,
    inner_port: u16,
}

impl Server {
    pub(crate) async fn start(image: &str, tag: &str, port: u16, ready: WaitFor) -> Self {
        let container = GenericImage::new(image, tag)
            .with_wait_for(ready)
            .with_mapped_port(free_port(), port.tcp())
            .start()
            .await
            .expect("a container: tests/containers/images.sh makes the images");
        Self::of(container, port).await
    }

    /// The server in `container` that listens there on `port`.
    pub(crate) async fn of(container: ContainerAsync<GenericImage>, inner_port: u16) -> Self {
        let host = container
            .get_host()
            .await
            .expect("the engine's host")
            .to_string();
        let port = container.get_host_port_ipv4(inner_port).await;
        Self {
            container,
            host,
            port: port.expect("a port"),
            inner_port,
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

    /// Its port on this machine.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
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

    /// Freezes every process in it: connections stay open and nothing answers.
    pub async fn pause(&self) {
        self.container.pause().await.expect("a pause");
    }

    /// Goes on after [`Self::pause`].
    pub async fn resume(&self) {
        self.container.unpause().await.expect("an end of the pause");
    }

    /// Runs a command in it.
    pub async fn execute(&self, command: &[&str]) {
        docker(&[&["exec", self.container.id()], command].concat()).await;
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

/// A network that containers find each other on by name, several by the same if need be. It goes away with
/// this.
#[derive(Debug)]
pub struct Network(String);

impl Network {
    /// A new one.
    pub async fn new() -> Self {
        let name = format!("turbomessage-test-{}", uuid::Uuid::new_v4().simple());
        docker(&["network", "create", &name]).await;
        Self(name)
    }

    /// Has `server` be found as `name`, beside what else is.
    pub async fn join(&self, server: &Server, name: &str) {
        let id = server.container.id();
        docker(&["network", "connect", "--alias", name, &self.0, id]).await;
    }

    /// Cuts `server` off.
    pub async fn leave(&self, server: &Server) {
        docker(&["network", "disconnect", &self.0, server.container.id()]).await;
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // What is still on it leaves it a moment later, so it may have to be asked for more than once.
        let name = self.0.clone();
        std::thread::spawn(move || {
            for _ in 0..50 {
                let removed = std::process::Command::new("docker")
                    .args(["network", "rm", &name])
                    .output();
                if removed.is_ok_and(|removed| removed.status.success()) {
                    return;
                }
                std::thread::sleep(std::time::Duration::from_millis(200));
            }
        });
    }
}

async fn output(arguments: &[&str]) -> anyhow::Result<String> {
    let done = tokio::process::Command::new("docker")
        .args(arguments)
        .kill_on_drop(true)
        .output()
        .await?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        // Some arguments are long, and not what is wrong.
        let begin = &arguments[..arguments.len().min(6)];
        anyhow::bail!("docker {}: {said}", begin.join(" "));
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

async fn docker(arguments: &[&str]) {
    let done = tokio::process::Command::new("docker")
        .args(arguments)
        .output()
        .await;
    let done = done.expect("the docker command");
    assert!(done.status.success(), "docker {arguments:?}: {done:?}");
}

/// The mapping must survive a restart, so that the engine cannot choose the port.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("0.0.0.0:0").expect("a free port");
    listener.local_addr().expect("its number").port()
}

/// Redis 7.
#[derive(Debug)]
pub struct Redis(pub Server);

impl Redis {
    /// A new, empty one.
    pub async fn start() -> Self {
        let ready = WaitFor::message_on_stdout("Ready to accept connections");
        Self(Server::start("turbomessage-test/redis", "7", 6379, ready).await)
    }

    /// A new, empty one that speaks TLS alone, and shows this certificate (both in PEM).
    pub async fn start_with_tls(certificate: String, key: String) -> Self {
        let container = GenericImage::new("turbomessage-test/redis", "7")
            .with_wait_for(WaitFor::message_on_stdout("Ready to accept connections"))
            .with_mapped_port(free_port(), 6379.tcp())
            .with_copy_to("/tls/certificate.pem", certificate.into_bytes())
            .with_copy_to("/tls/key.pem", key.into_bytes())
            .with_cmd(
                "--port 0 --tls-port 6379 --tls-auth-clients no \
                 --tls-cert-file /tls/certificate.pem --tls-key-file /tls/key.pem"
                    .split(' '),
            );
        let container = container.start().await.expect("a container");
        Self(Server::of(container, 6379).await)
    }

    /// Where clients find it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://{}:{}", self.0.host, self.0.port)
    }
}

/// PostgreSQL 15.
#[derive(Debug)]
pub struct Postgres(pub Server);

impl Postgres {
    /// A new one.
    pub async fn start() -> Self {
        let ready = WaitFor::message_on_stderr("database system is ready to accept connections");
        Self(Server::start("turbomessage-test/postgres", "15", 5432, ready).await)
    }

    /// Where clients find the database `name`.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        let (host, port) = (&self.0.host, self.0.port);
        format!("postgres://turbomessage:turbomessage@{host}:{port}/{name}")
    }

    /// Makes the database `name`, and answers with its URL.
    pub async fn create_database(&self, name: &str) -> String {
        let mut connection = self.connect("turbomessage").await;
        let statement = format!("CREATE DATABASE {name}");
        connection
            .execute(sqlx::AssertSqlSafe(statement))
            .await
            .expect("a new database");
        connection.close().await.expect("a good end");
        self.url(name)
    }

    /// A connection to the database `name`, as soon as the server answers.
    pub async fn connect(&self, name: &str) -> PgConnection {
        let options = PgConnectOptions::from_str(&self.url(name)).expect("a URL");
        let options = options.disable_statement_logging();
        eventually("Postgres answers", SOON, async || {
            PgConnection::connect_with(&options).await.ok()
        })
        .await
    }
}
