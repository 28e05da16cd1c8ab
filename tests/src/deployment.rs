//! The three services as they are deployed: two containers of each image, with the rights and the memory that the
//! manifests give them, on a network with Redis and Postgres.

use std::{net::SocketAddr, path::Path};

use ed25519_dalek::SigningKey;
use tempfile::TempDir;
use testcontainers::{
    GenericImage, ImageExt,
    core::{IntoContainerPort, Mount, WaitFor},
};

use crate::{
    admin,
    containers::{Network, Postgres, Redis, Server, free_port},
    stack::{Edge, Part, pem},
};

const ADMIN_PORT: u16 = 9464;
const KEY_PATH: &str = "/run/secrets/ticket-key.pem";
/// The least that the manifests give one of them.
const MEMORY: i64 = 256 * 1024 * 1024;

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
    data: TempDir,
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
        let key = pem(&SigningKey::from_bytes(&rand::random()));
        std::fs::write(key_file(&data), key).expect("a file for the key");
        let started = Self {
            auth: two(&network, Part::Auth, &data).await,
            mail: two(&network, Part::Mail, &data).await,
            gateways: two(&network, Part::Gateway, &data).await,
            redis,
            postgres,
            network,
            data,
        };
        for gateway in &started.gateways {
            gateway.edge().ready().await;
        }
        started
    }

    /// One more of those, beside the two.
    pub async fn another(&self, part: Part) -> Replica {
        replica(&self.network, part, &self.data).await
    }
}

fn key_file(data: &TempDir) -> std::path::PathBuf {
    data.path().join("ticket-key.pem")
}

/// By which name the others find it.
#[must_use]
pub const fn name(part: Part) -> &'static str {
    match part {
        Part::Auth => "auth-service",
        Part::Mail => "mail-service",
        Part::Gateway => "gateway",
    }
}

const fn port(part: Part) -> u16 {
    match part {
        Part::Auth => 50052,
        Part::Mail => 50053,
        Part::Gateway => 50051,
    }
}

const fn environment(part: Part) -> &'static [(&'static str, &'static str)] {
    match part {
        Part::Auth => &[
            (
                "TM_DATABASE_URL",
                "postgres://turbomessage:turbomessage@postgres:5432/accounts",
            ),
            ("TM_SESSION_STORE_URL", "redis://redis:6379"),
            ("TM_TICKET_KEY_FILE", KEY_PATH),
        ],
        Part::Mail => &[
            (
                "TM_DATABASE_URL",
                "postgres://turbomessage:turbomessage@postgres:5432/mail",
            ),
            ("TM_WAKEUP_URL", "redis://redis:6379"),
            ("TM_AUTH_URL", "http://auth-service:50052"),
        ],
        Part::Gateway => &[
            ("TM_AUTH_URL", "http://auth-service:50052"),
            ("TM_MAIL_URL", "http://mail-service:50053"),
        ],
    }
}

async fn two(network: &Network, part: Part, data: &TempDir) -> [Replica; 2] {
    let one = || replica(network, part, data);
    tokio::join!(one(), one()).into()
}

async fn replica(network: &Network, service: Part, data: &TempDir) -> Replica {
    let (name, port) = (name(service), port(service));
    let image = GenericImage::new(&*format!("turbomessage/{name}"), env!("CARGO_PKG_VERSION"))
        .with_wait_for(WaitFor::message_on_stderr("listening"))
        .with_mapped_port(free_port(), port.tcp())
        .with_mapped_port(free_port(), ADMIN_PORT.tcp())
        .with_readonly_rootfs(true)
        .with_cap_drop("ALL")
        .with_security_opt("no-new-privileges")
        .with_host_config_modifier(|host| host.memory = Some(MEMORY))
        .with_env_var("TM_LISTEN", format!("0.0.0.0:{port}"))
        .with_env_var("TM_ADMIN_LISTEN", format!("0.0.0.0:{ADMIN_PORT}"));
    let settings = environment(service).iter();
    let image = settings.fold(image, |image, (variable, value)| {
        image.with_env_var(*variable, *value)
    });
    let key = key_file(data).display().to_string();
    let image = match service {
        Part::Auth => image.with_mount(Mount::bind_mount(key, KEY_PATH)),
        Part::Mail | Part::Gateway => image,
    };
    let server = Server::start(image, port).await;
    let admin = server.mapped(ADMIN_PORT).await;
    network.join(&server, name).await;
    Replica {
        server,
        admin: SocketAddr::from(([127, 0, 0, 1], admin)),
    }
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
