//! The admin port of a program, and reading what Prometheus reads there.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::Process;

/// What the admin port of `process` answers to a GET.
pub async fn get(process: &Process, path: &str) -> String {
    let log = process.log();
    // The last one is that of its present life.
    let mut lines = log
        .lines()
        .rev()
        .filter_map(|line| serde_json::from_str(line).ok());
    let address = lines
        .find_map(|line: serde_json::Value| Some(line.get("admin.listen")?.as_str()?.to_owned()));
    let address = address
        .expect("an admin port")
        .parse()
        .expect("its address");
    get_from(address, path).await
}

/// What the admin port at `address` answers to a GET.
pub async fn get_from(address: SocketAddr, path: &str) -> String {
    let stream = TcpStream::connect(address).await;
    let mut stream = stream.expect("an admin port that listens");
    let request = format!("GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("a request that is taken");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .await
        .expect("an answer of the admin port");
    answer
}

/// The value of the one series on `page` that begins with `name` and has all of `labels`.
#[must_use]
pub fn value(page: &str, name: &str, labels: &[&str]) -> Option<f64> {
    let mut lines = page.lines().filter(|line| {
        line.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with(['{', ' ']))
            && labels.iter().all(|label| line.contains(label))
    });
    let line = lines.next()?;
    assert!(
        lines.next().is_none(),
        "more than one {name} with {labels:?}"
    );
    line.rsplit_once(' ')?.1.parse().ok()
}
