//! The systems that are measured, each in processes of its own: what runs is what is released.

use std::process::Stdio;

use anyhow::{Context, bail};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use super::{people::Target, processes::Processes};
use crate::{Edge, Services, eventually::SOON, programs};

const SQLITE: &str = "SQLite, journal_mode=WAL, synchronous=FULL";

/// A system that serves.
#[derive(Debug)]
pub struct System {
    /// Its edge.
    pub target: Target,
    /// What it consists of.
    pub processes: Processes,
    /// How it keeps data.
    pub storage: &'static str,
    running: Running,
}

/// What ends when it is dropped.
#[derive(Debug)]
enum Running {
    Dev { _child: Box<Child>, data: TempDir },
    Services(Box<Services>),
}

impl System {
    /// `tm dev`, on SQLite files in a folder of their own.
    ///
    /// # Errors
    /// It does not start.
    pub async fn dev() -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let mut command = Command::new(programs::own("tm"));
        command.arg("dev").arg("--listen").arg("127.0.0.1:0");
        command.arg("--data-dir").arg(data.path());
        let (child, address) = spawn(command, address_in_banner).await?;
        let url = format!("http://{address}");
        ready(&address).await?;
        let id = child.id().context("`tm dev` has ended")?;
        Ok(Self {
            target: Target::new(&url, None)?,
            processes: Processes::default().with("tm dev", id),
            storage: SQLITE,
            running: Running::Dev {
                _child: Box::new(child),
                data,
            },
        })
    }

    /// Gateway, auth-service and mail-service on Redis and Postgres in containers.
    ///
    /// # Errors
    /// A container's processes are not to be found.
    pub async fn services() -> anyhow::Result<Self> {
        let services = Services::on_servers().direct().start().await;
        let storage = "PostgreSQL 15 in a container, as Debian ships it";
        Self::of(services, storage).await
    }

    /// The same on SQLite files.
    ///
    /// # Errors
    /// As [`Self::services`].
    pub async fn services_on_files() -> anyhow::Result<Self> {
        Self::of(Services::on_files().start().await, SQLITE).await
    }

    async fn of(services: Services, storage: &'static str) -> anyhow::Result<Self> {
        let mut processes = Processes::default();
        for (name, process) in [
            ("gateway", &services.gateway),
            ("auth-service", &services.auth),
            ("mail-service", &services.mail),
        ] {
            processes = processes.with(name, process.id());
        }
        if let Some(servers) = &services.servers {
            processes = processes
                .with("Postgres", servers.postgres.0.process().await?)
                .with("Redis", servers.redis.0.process().await?);
        }
        Ok(Self {
            target: Target::new(&services.gateway.url(), None)?,
            processes,
            storage,
            running: Running::Services(Box::new(services)),
        })
    }

    /// The three services, if that is what it is.
    pub fn as_services(&self) -> Option<&Services> {
        match &self.running {
            Running::Services(services) => Some(services),
            Running::Dev { .. } => None,
        }
    }

    /// The database with the mail, if it is a file.
    pub fn mail_file(&self) -> Option<std::path::PathBuf> {
        match &self.running {
            Running::Services(_) => None,
            Running::Dev { data, .. } => Some(data.path().join("mail.db")),
        }
    }
}

/// Starts a program and reads what it prints until `find` finds the address in a line.
///
/// # Errors
/// It ends, or says nothing of an address in time.
pub(super) async fn spawn(
    mut command: Command,
    find: fn(&str) -> Option<String>,
) -> anyhow::Result<(Child, String)> {
    for (name, _) in std::env::vars_os() {
        let ours = name
            .to_str()
            .is_some_and(|n| n.starts_with("TM_") || n.starts_with("OTEL_"));
        if ours {
            command.env_remove(name);
        }
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("{command:?}"))?;
    let stdout = child.stdout.take().context("its output")?;
    let mut lines = BufReader::new(stdout).lines();
    let found = async {
        while let Some(line) = lines.next_line().await? {
            if let Some(address) = find(&line) {
                return Ok(address);
            }
        }
        bail!("{command:?} has ended")
    };
    let address = timeout(SOON, found).await;
    let address = address.with_context(|| format!("{command:?} does not listen"))??;
    // Whatever else it prints is not to block it.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok((child, address))
}

async fn ready(address: &str) -> anyhow::Result<()> {
    let address = address.parse()?;
    Edge { address }.ready().await;
    Ok(())
}

fn address_in_banner(line: &str) -> Option<String> {
    let rest = line.strip_prefix("TurboMessage is listening on ")?;
    Some(rest.split_whitespace().next()?.to_owned())
}
