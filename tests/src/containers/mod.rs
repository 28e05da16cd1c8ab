//! Servers in containers of their own, which a test may freeze, kill, cut off and start again.

mod network;
mod server;

use std::{env, str::FromStr};

use sqlx::{ConnectOptions, Connection, Executor, PgConnection, postgres::PgConnectOptions};
use testcontainers::{
    ContainerRequest, GenericImage, ImageExt,
    core::{IntoContainerPort, Mount, WaitFor},
};

pub(crate) use self::server::free_port;
pub use self::{network::Network, server::Server};
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

/// Runs `docker`; answers with what it printed.
async fn docker(arguments: &[&str]) -> String {
    output(arguments).await.expect("a command that works")
}

/// The same.
///
/// # Errors
/// It failed, with what it said.
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

pub(crate) fn image(
    name: &str,
    tag: &str,
    port: u16,
    ready: WaitFor,
) -> ContainerRequest<GenericImage> {
    GenericImage::new(&*format!("turbomessage-test/{name}"), tag)
        .with_wait_for(ready)
        .with_mapped_port(free_port(), port.tcp())
}

/// Redis 7.
#[derive(Debug)]
pub struct Redis(pub Server);

impl Redis {
    /// A new, empty one.
    pub async fn start() -> Self {
        let ready = WaitFor::message_on_stdout("Ready to accept connections");
        Self(Server::start(image("redis", "7", 6379, ready), 6379).await)
    }

    /// A new, empty one that speaks TLS alone, and shows this certificate (both in PEM).
    pub async fn start_with_tls(certificate: String, key: String) -> Self {
        let ready = WaitFor::message_on_stdout("Ready to accept connections");
        let image = image("redis", "7", 6379, ready)
            .with_copy_to("/tls/certificate.pem", certificate.into_bytes())
            .with_copy_to("/tls/key.pem", key.into_bytes())
            .with_cmd(
                "--port 0 --tls-port 6379 --tls-auth-clients no \
                 --tls-cert-file /tls/certificate.pem --tls-key-file /tls/key.pem"
                    .split(' '),
            );
        Self(Server::start(image, 6379).await)
    }

    /// Where clients find it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://{}:{}", self.0.host, self.0.port)
    }

    /// How many bytes it may hold; 0 is any number.
    pub async fn limit_memory(&self, bytes: u32) {
        let bytes = bytes.to_string();
        self.0
            .execute(&["redis-cli", "config", "set", "maxmemory", &bytes])
            .await;
    }
}

/// PostgreSQL 15.
#[derive(Debug)]
pub struct Postgres(pub Server);

/// A disk of its own in Postgres' container.
const DISK: &str = "/disk";
const DISK_BYTES: i64 = 128 * 1024 * 1024;

impl Postgres {
    /// A new one.
    pub async fn start() -> Self {
        let ready = WaitFor::message_on_stderr("database system is ready to accept connections");
        let disk = Mount::tmpfs_mount(DISK).with_size_bytes(DISK_BYTES);
        let image = image("postgres", "15", 5432, ready).with_mount(disk.with_mode(0o777));
        Self(Server::start(image, 5432).await)
    }

    /// Where clients find the database `name`.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        let (host, port) = (&self.0.host, self.0.port);
        format!("postgres://turbomessage:turbomessage@{host}:{port}/{name}")
    }

    /// Makes the database `name`, and answers with its URL.
    pub async fn create_database(&self, name: &str) -> String {
        self.execute("turbomessage", &format!("CREATE DATABASE {name}"))
            .await;
        self.url(name)
    }

    /// Makes the database `name` on a disk that can be full: see [`Self::fill_disk`].
    pub async fn create_database_on_disk(&self, name: &str) -> String {
        let folder = format!("{DISK}/{name}");
        self.0.execute(&["mkdir", &folder]).await;
        for statement in [
            format!("CREATE TABLESPACE {name} LOCATION '{folder}'"),
            format!("CREATE DATABASE {name} TABLESPACE {name}"),
        ] {
            self.execute("turbomessage", &statement).await;
        }
        self.url(name)
    }

    /// Leaves no room on the disk.
    pub async fn fill_disk(&self) {
        let fill = format!("dd if=/dev/zero of={DISK}/filler bs=64k 2>&1 || true");
        let said = self.0.execute(&["sh", "-c", &fill]).await;
        assert!(said.contains("No space left"), "{said}");
    }

    /// Gives the room back that [`Self::fill_disk`] took.
    pub async fn empty_disk(&self) {
        self.0.execute(&["rm", &format!("{DISK}/filler")]).await;
    }

    /// Whether transactions may write from now on, unless they say so themselves.
    pub async fn set_read_only(&self, read_only: bool) {
        for statement in [
            &format!("ALTER SYSTEM SET default_transaction_read_only = {read_only}"),
            "SELECT pg_reload_conf()",
        ] {
            self.execute("turbomessage", statement).await;
        }
    }

    /// Executes a statement in the database `name`.
    pub async fn execute(&self, name: &str, statement: &str) {
        let mut connection = self.connect(name).await;
        connection
            .execute(sqlx::AssertSqlSafe(statement))
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
        connection.close().await.expect("a good end");
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
