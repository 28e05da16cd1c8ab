//! A collector of traces, and what it was sent. Each service needs one of its own: what several send at once
//! it shows line by line in any order.

use std::{
    net::{SocketAddr, TcpListener},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::{
    eventually::{SOON, eventually},
    programs,
};

/// A running collector. It is killed when this is dropped.
#[derive(Debug)]
pub struct Collector {
    /// Where spans are sent to.
    pub endpoint: String,
    log: Arc<Mutex<String>>,
    _child: Child,
}

/// A span that was sent.
#[derive(Debug, Clone, Default)]
pub struct Span {
    /// In which trace.
    pub trace_id: String,
    /// Of which span it is a part; empty at the root.
    pub parent_id: String,
    /// Its own id.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What is known of it, a line each.
    pub attributes: Vec<String>,
}

impl Collector {
    /// Starts one, if it is installed. Without it the test is skipped, which it says loudly.
    pub async fn start() -> Option<Self> {
        let program = programs::installed("rotel")?;
        let [grpc, http] = [free_address(), free_address()];
        let mut child = Command::new(program)
            .args(["start", "--exporter", "blackhole", "--disable-batching"])
            .args(["--debug-log", "traces", "--debug-log-verbosity", "detailed"])
            .args(["--otlp-grpc-endpoint", &grpc.to_string()])
            .args(["--otlp-http-endpoint", &http.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the collector");
        let log = Arc::new(Mutex::new(String::new()));
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let kept = Arc::clone(&log);
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.push_str(&line);
                kept.push('\n');
            }
        });
        eventually("the collector listens", SOON, async || {
            tokio::net::TcpStream::connect(grpc).await.ok()
        })
        .await;
        Some(Self {
            endpoint: format!("http://{grpc}"),
            log,
            _child: child,
        })
    }

    /// All that it was sent, as it shows it.
    #[must_use]
    pub fn log(&self) -> String {
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The spans of a trace that have come so far.
    #[must_use]
    pub fn trace(&self, trace_id: &str) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        for line in self.log().lines().map(str::trim) {
            let (key, value) = line.split_once(':').unwrap_or((line, ""));
            let (key, value) = (key.trim(), value.trim());
            if key.starts_with("Span #") {
                spans.push(Span::default());
            } else if let Some(span) = spans.last_mut() {
                match key {
                    "Trace ID" => value.clone_into(&mut span.trace_id),
                    "Parent ID" => value.clone_into(&mut span.parent_id),
                    "ID" => value.clone_into(&mut span.id),
                    "Name" => value.clone_into(&mut span.name),
                    _ if key.starts_with("->") => span.attributes.push(line.to_owned()),
                    _ => {}
                }
            }
        }
        spans.retain(|span| span.trace_id == trace_id);
        spans
    }
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address")
}
