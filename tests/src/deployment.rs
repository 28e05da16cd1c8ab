//! The three services as they are deployed: two containers of each image, with the rights and the memory that the
//! manifests give them, on a network with Redis and Postgres.

use std::{net::SocketAddr, path::Path};

use ed25519_dalek::SigningKey;
use tempfile::TempDir;
use testcontainers::{
    GenericImage, ImageExt,
    core::{IntoContainerPort, Mount, WaitFor},
    runners::AsyncRunner,
};

use crate::{
    admin,
    containers::{Network, Postgres, Redis, Server, free_port},
    stack::{Edge, pem},
};

const ADMIN_PORT: u16 = 9464;

/// One container of ours.
#[derive(Debug)]
pub struct Replica {
    /// The container; its port is that for gRPC.
    pub server: Server,
    admin: SocketAddr,
}

impl Replica {
    /// To call it directly.
    #[must_use]
    pub fn edge(&self) -> Edge {
        Edge {
            address: SocketAddr::from(([127, 0, 0, 1], self.server.port())),
        }
    }

    /// What it has counted.
    pub async fn metrics(&self) -> String {
        admin::get_from(self.admin, "/metrics").await
    }
}

/// Everything. What is first goes away first.
#[derive(Debug)]
pub struct Deployment {
    /// The edge.
    pub gateways: [Replica; 2],
    /// Mailboxes.
    pub mail: [Replica; 2],
    /// Accounts and sessions.
    pub auth: [Replica; 2],
    /// Sessions and wake-ups.
    pub redis: Redis,
    /// The databases `accounts` and `mail`.
    pub postgres: Postgres,
    /// Where they find each other.
    pub network: Network,
    _data: TempDir,
}

impl Deployment {
    /// Builds the images of the programs that were built for the tests, and starts everything.
    pub async fn start() -> Self {
        build_images().await;
        let (network, redis, postgres) =
            tokio::join!(Network::new(), Redis::start(), Postgres::start());
        for database in ["accounts", "mail"] {
            postgres.create_database(database).await;
        }
        network.join(&redis.0, "redis").await;
        network.join(&postgres.0, "postgres").await;
        let data = tempfile::tempdir().expect("a folder");
        let key = SigningKey::from_bytes(&rand::random());
        let pem = pem(&key);
        let key = data.path().join("ticket-key.pem");
        std::fs::write(&key, pem).expect("a file for the key");
        let database =
            |name: &str| format!("postgres://turbomessage:turbomessage@postgres:5432/{name}");
        let accounts = database("accounts");
        let mailboxes = database("mail");
        let auth = [
            ("TM_DATABASE_URL", &*accounts),
            ("TM_SESSION_STORE_URL", "redis://redis:6379"),
            ("TM_TICKET_KEY_FILE", KEY_PATH),
        ];
        let mail = [
            ("TM_DATABASE_URL", &*mailboxes),
            ("TM_WAKEUP_URL", "redis://redis:6379"),
            ("TM_AUTH_URL", "http://auth-service:50052"),
        ];
        let gateway = [
            ("TM_AUTH_URL", "http://auth-service:50052"),
            ("TM_MAIL_URL", "http://mail-service:50053"),
        ];
        let started = Self {
            auth: two(&network, "auth-service", 50052, &auth, Some(&key)).await,
            mail: two(&network, "mail-service", 50053, &mail, None).await,
            gateways: two(&network, "gateway", 50051, &gateway, None).await,
            redis,
            postgres,
            network,
            _data: data,
        };
        for gateway in &started.gateways {
            gateway.edge().ready().await;
        }
        started
    }
}

const KEY_PATH: &str = "/run/secrets/ticket-key.pem";

async fn two(
    network: &Network,
    service: &str,
    port: u16,
    env: &[(&str, &str)],
    key: Option<&Path>,
) -> [Replica; 2] {
    let (one, other) = tokio::join!(
        replica(network, service, port, env, key),
        replica(network, service, port, env, key)
    );
    [one, other]
}

async fn replica(
    network: &Network,
    service: &str,
    port: u16,
    env: &[(&str, &str)],
    key: Option<&Path>,
) -> Replica {
    let image = GenericImage::new(
        &*format!("turbomessage/{service}"),
        env!("CARGO_PKG_VERSION"),
    )
    .with_wait_for(WaitFor::message_on_stderr("listening"))
    .with_mapped_port(free_port(), port.tcp())
    .with_mapped_port(free_port(), ADMIN_PORT.tcp())
    .with_readonly_rootfs(true)
    .with_cap_drop("ALL")
    .with_security_opt("no-new-privileges")
    .with_host_config_modifier(|host| host.memory = Some(memory_limit()))
    .with_env_var("TM_LISTEN", format!("0.0.0.0:{port}"))
    .with_env_var("TM_ADMIN_LISTEN", format!("0.0.0.0:{ADMIN_PORT}"));
    let image = env.iter().fold(image, |image, (name, value)| {
        image.with_env_var(*name, *value)
    });
    let image = match key {
        Some(path) => image.with_mount(Mount::bind_mount(path.display().to_string(), KEY_PATH)),
        None => image,
    };
    let container = Box::pin(image.start()).await.expect("a container of ours");
    let admin = container
        .get_host_port_ipv4(ADMIN_PORT)
        .await
        .expect("a port");
    let server = Server::of(container, port).await;
    network.join(&server, service).await;
    Replica {
        server,
        admin: SocketAddr::from(([127, 0, 0, 1], admin)),
    }
}

/// The least that the manifests give one of them.
const fn memory_limit() -> i64 {
    256 * 1024 * 1024
}

/// Has the programs beside this test put into images.
async fn build_images() {
    let programs = crate::programs::own("turbomessage-gateway");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("a folder above");
    let built = tokio::process::Command::new(root.join("k8s/images.sh"))
        .env("PROGRAMS", programs.parent().expect("a folder"))
        .output()
        .await
        .expect("the script");
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
}
