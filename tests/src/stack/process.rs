//! One of the programs as a process of its own.

use std::{
    env,
    net::SocketAddr,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStderr, Command},
    sync::oneshot,
    task::JoinHandle,
};

use super::Edge;
use crate::{eventually::SOON, load::processes::resident, programs};

/// Which of the programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// `turbomessage-auth-service`
    Auth,
    /// `turbomessage-mail-service`
    Mail,
    /// `turbomessage-gateway`
    Gateway,
}

impl Part {
    const fn program(self) -> &'static str {
        match self {
            Self::Auth => "turbomessage-auth-service",
            Self::Mail => "turbomessage-mail-service",
            Self::Gateway => "turbomessage-gateway",
        }
    }
}

/// A running program. It is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    part: Part,
    settings: Vec<(String, String)>,
    /// Where it listens, also after a restart.
    pub address: SocketAddr,
    child: Child,
    log: Log,
    reader: JoinHandle<()>,
}

/// What the process wrote to standard error, over all its lives.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Process {
    /// Starts the program with these environment variables, on a port that it chooses, and waits
    /// until it listens.
    pub async fn start(part: Part, settings: Vec<(String, String)>) -> Self {
        let log = Log::default();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let (child, reader, address) = spawn(part, &settings, any, &log).await;
        Self {
            part,
            settings,
            address,
            child,
            log,
            reader,
        }
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// To call it directly.
    #[must_use]
    pub fn edge(&self) -> Edge {
        Edge {
            address: self.address,
        }
    }

    /// All it logged, over all its lives.
    #[must_use]
    pub fn log(&self) -> String {
        self.log
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// What the operating system calls it.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id().expect("a process that still runs")
    }

    /// How much memory it has, as the operating system counts (`VmRSS`).
    #[must_use]
    pub fn resident_bytes(&self) -> u64 {
        resident(self.id())
    }

    /// Sends a signal, such as SIGTERM, SIGSTOP or SIGCONT.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("a signal that arrives");
    }

    /// Whether every write to a file fails from now on, as on a disk that is full.
    pub fn set_disk_full(&self, full: bool) {
        let limit = Rlimit {
            current: full.then_some(0),
            maximum: None,
        };
        prlimit(Some(self.pid()), Resource::Fsize, limit).expect("a limit");
    }

    fn pid(&self) -> Pid {
        let id = i32::try_from(self.id()).ok().and_then(Pid::from_raw);
        id.expect("a process that still runs")
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        let status = tokio::time::timeout(SOON, self.child.wait()).await;
        let status = status.expect("an end in time").expect("an exit status");
        // Its last words are in the log before anybody reads it.
        let _ = (&mut self.reader).await;
        status
    }

    /// `kill -9`, and waits until it is gone.
    pub async fn kill(&mut self) {
        let _ = self.child.start_kill();
        self.ended().await;
    }

    /// Starts it again on the same port, after it was killed or ended by itself.
    pub async fn restart(&mut self) {
        let started = spawn(self.part, &self.settings, self.address, &self.log).await;
        (self.child, self.reader, self.address) = started;
    }

    /// From the next start on, with this environment variable; without it if the value is `None`.
    pub fn set(&mut self, name: &str, value: Option<&str>) {
        self.settings.retain(|(known, _)| known != name);
        self.settings
            .extend(value.map(|value| (name.to_owned(), value.to_owned())));
    }
}

async fn spawn(
    part: Part,
    settings: &[(String, String)],
    listen: SocketAddr,
    log: &Log,
) -> (Child, JoinHandle<()>, SocketAddr) {
    // A write that fails must be told to the program, not kill it: see `set_disk_full`.
    let mut command = Command::new("env");
    command.arg("--ignore-signal=XFSZ");
    command.arg(programs::own(part.program()));
    for (name, _) in env::vars_os() {
        let ours = name
            .to_str()
            .is_some_and(|n| n.starts_with("TM_") || n.starts_with("OTEL_"));
        if ours {
            command.env_remove(name);
        }
    }
    let mut child = command
        .arg("--listen")
        .arg(listen.to_string())
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("a program of the workspace");
    let stderr = child.stderr.take().expect("its standard error");
    let (listens, address) = oneshot::channel();
    let reader = tokio::spawn(read(stderr, log.clone(), listens));
    let address = tokio::time::timeout(SOON, address)
        .await
        .ok()
        .and_then(Result::ok);
    let address = address.unwrap_or_else(|| {
        let log = log.0.lock().unwrap_or_else(PoisonError::into_inner);
        panic!("{part:?} does not listen; its log:\n{log}")
    });
    (child, reader, address)
}

/// Keeps what the process writes, and tells the address in the line that says where it listens.
async fn read(stderr: ChildStderr, log: Log, listens: oneshot::Sender<SocketAddr>) {
    let mut listens = Some(listens);
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let mut log = log.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.push_str(&line);
        log.push('\n');
        drop(log);
        if listens.is_some()
            && let Some(address) = address_in(&line)
            && let Some(listens) = listens.take()
        {
            let _ = listens.send(address);
        }
    }
}

fn address_in(line: &str) -> Option<SocketAddr> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    line.get("listen")?.as_str()?.parse().ok()
}
