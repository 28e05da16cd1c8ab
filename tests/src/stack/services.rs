//! The three programs as processes, as they run in production.

use std::{ops::Deref, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use ed25519_dalek::SigningKey;
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;
use uuid::Uuid;

use super::{Edge, Part, Process};
use crate::containers::{Postgres, Redis};

/// The three services, each in a process.
#[derive(Debug)]
pub struct Services {
    edge: Edge,
    /// auth-service.
    pub auth: Process,
    /// mail-service.
    pub mail: Process,
    /// The gateway.
    pub gateway: Process,
    /// Signs tickets.
    pub ticket_key: SigningKey,
    /// What they keep data in, if not in files.
    pub servers: Option<Servers>,
    settings: Settings,
    pub(super) data: TempDir,
}

/// What services keep data in that do not keep it in files.
#[derive(Debug)]
pub struct Servers {
    /// Sessions, and wake-ups of mail-services.
    pub redis: Redis,
    /// Accounts in the database `accounts`, mailboxes in the database `mail`.
    pub postgres: Postgres,
}

/// How to start [`Services`].
#[derive(Debug, Clone, Default)]
pub struct Settings {
    on_servers: bool,
    direct: bool,
    on_disk: bool,
    env: Vec<(Part, String, String)>,
}

impl Settings {
    /// Reaches the servers without the engine in between. They must not be started again.
    #[must_use]
    pub fn direct(mut self) -> Self {
        self.direct = true;
        self
    }

    /// Sets an environment variable of one of the programs, such as `TM_FAULT`.
    #[must_use]
    pub fn env(mut self, part: Part, name: &str, value: &str) -> Self {
        self.env.push((part, name.into(), value.into()));
        self
    }

    /// Sets an environment variable of all programs.
    #[must_use]
    pub fn env_all(self, name: &str, value: &str) -> Self {
        let parts = [Part::Auth, Part::Mail, Part::Gateway];
        parts
            .into_iter()
            .fold(self, |settings, part| settings.env(part, name, value))
    }

    /// Has the databases of Postgres on a disk that can be full.
    #[must_use]
    pub fn on_disk(self) -> Self {
        Self {
            on_disk: true,
            ..self
        }
    }

    /// Starts everything, and waits until it serves.
    pub async fn start(self) -> Services {
        let data = tempfile::tempdir().expect("a folder");
        let ticket_key = SigningKey::from_bytes(&rand::random());
        let key_file = data.path().join("ticket-key.pem");
        std::fs::write(&key_file, pem(&ticket_key)).expect("a file for the key");

        let servers = if self.on_servers {
            Some(Servers::start(self.direct, self.on_disk).await)
        } else {
            None
        };
        let [accounts, sessions, mailboxes] = urls(servers.as_ref(), data.path());
        let mut env = self.of(Part::Auth);
        env.extend(pairs([
            ("TM_DATABASE_URL", &accounts),
            ("TM_SESSION_STORE_URL", &sessions),
            ("TM_TICKET_KEY_FILE", &key_file.to_string_lossy()),
        ]));
        let auth = Process::start(Part::Auth, env).await;
        let mail = mail_service(&self, servers.as_ref(), &mailboxes, &auth).await;
        let gateway = gateway(&self, &auth, &mail).await;
        let services = Services {
            edge: gateway.edge(),
            auth,
            mail,
            gateway,
            ticket_key,
            servers,
            settings: self,
            data,
        };
        services.ready().await;
        services
    }

    fn of(&self, part: Part) -> Vec<(String, String)> {
        let mine = self.env.iter().filter(|(of, ..)| *of == part);
        mine.map(|(_, name, value)| (name.clone(), value.clone()))
            .collect()
    }
}

impl Servers {
    async fn start(direct: bool, on_disk: bool) -> Self {
        let (mut redis, mut postgres) = tokio::join!(Redis::start(), Postgres::start());
        if direct {
            for server in [&mut redis.0, &mut postgres.0] {
                server.go_direct().await.expect("its address");
            }
        }
        for database in ["accounts", "mail"] {
            if on_disk {
                postgres.create_database_on_disk(database).await;
            } else {
                postgres.create_database(database).await;
            }
        }
        Self { redis, postgres }
    }
}

impl Services {
    /// On SQLite files: takes nothing but the programs.
    #[must_use]
    pub fn on_files() -> Settings {
        Settings::default()
    }

    /// On Redis and Postgres in containers of their own.
    #[must_use]
    pub fn on_servers() -> Settings {
        Settings {
            on_servers: true,
            ..Settings::default()
        }
    }

    /// One more gateway in front of the same services, or of another mail-service.
    pub async fn another_gateway(&self, mail: &Process) -> Process {
        let gateway = gateway(&self.settings, &self.auth, mail).await;
        gateway.edge().ready().await;
        gateway
    }

    /// One more mail-service on the same database.
    pub async fn another_mail_service(&self) -> Process {
        let [_, _, mailboxes] = urls(self.servers.as_ref(), self.data.path());
        mail_service(
            &self.settings,
            self.servers.as_ref(),
            &mailboxes,
            &self.auth,
        )
        .await
    }

    /// The file of the database `name`, as a URL.
    #[must_use]
    pub fn file(&self, name: &str) -> String {
        format!(
            "sqlite:{}",
            self.data.path().join(format!("{name}.db")).display()
        )
    }

    /// How many copies of messages the database holds for `owner`, behind mail-service's back.
    pub async fn copies_of(&self, owner: Uuid) -> i64 {
        let statement = "SELECT COUNT(*) FROM copies WHERE owner_id = $1";
        let count = if let Some(servers) = &self.servers {
            let mut connection = servers.postgres.connect("mail").await;
            sqlx::query_scalar(statement)
                .bind(owner)
                .fetch_one(&mut connection)
                .await
        } else {
            let [_, _, mailboxes] = urls(None, self.data.path());
            let mut connection = SqliteConnection::connect(&mailboxes)
                .await
                .expect("the file");
            sqlx::query_scalar(statement)
                .bind(owner)
                .fetch_one(&mut connection)
                .await
        };
        count.expect("a count")
    }

    /// What all three have logged.
    #[must_use]
    pub fn logs(&self) -> String {
        [&self.auth, &self.mail, &self.gateway]
            .map(Process::log)
            .concat()
    }
}

impl Deref for Services {
    type Target = Edge;

    fn deref(&self) -> &Edge {
        &self.edge
    }
}

async fn mail_service(
    settings: &Settings,
    servers: Option<&Servers>,
    mailboxes: &str,
    auth: &Process,
) -> Process {
    let wakeups = servers.map(|servers| servers.redis.url());
    let mut env = Vec::from(pairs([
        ("TM_DATABASE_URL", mailboxes),
        ("TM_AUTH_URL", &auth.url()),
        ("TM_WAKEUP_URL", &wakeups.unwrap_or_default()),
    ]));
    env.extend(settings.of(Part::Mail));
    Process::start(Part::Mail, env).await
}

async fn gateway(settings: &Settings, auth: &Process, mail: &Process) -> Process {
    let mut env = settings.of(Part::Gateway);
    let urls = [("TM_AUTH_URL", auth.url()), ("TM_MAIL_URL", mail.url())];
    env.extend(urls.map(|(name, url)| (name.to_owned(), url)));
    Process::start(Part::Gateway, env).await
}

/// Where accounts, sessions and mailboxes are.
fn urls(servers: Option<&Servers>, data: &Path) -> [String; 3] {
    if let Some(Servers { redis, postgres }) = servers {
        return [postgres.url("accounts"), redis.url(), postgres.url("mail")];
    }
    ["accounts.db", "sessions.db", "mail.db"]
        .map(|file| format!("sqlite:{}", data.join(file).display()))
}

fn pairs<const N: usize>(settings: [(&str, &str); N]) -> [(String, String); N] {
    settings.map(|(name, value)| (name.to_owned(), value.to_owned()))
}

/// The key as PKCS #8 (RFC 8410), in PEM.
pub(crate) fn pem(key: &SigningKey) -> String {
    const BEFORE_THE_KEY: [u8; 16] = [
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04,
        0x20,
    ];
    let der = [&BEFORE_THE_KEY[..], &key.to_bytes()].concat();
    let text = BASE64_STANDARD.encode(der);
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
}
