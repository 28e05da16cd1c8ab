//! A connection of a protocol of lines.

use anyhow::{Context, bail};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

/// A connection, and the line that was read last.
#[derive(Debug)]
pub(super) struct Wire {
    stream: BufReader<TcpStream>,
    line: String,
}

impl Wire {
    /// Connects.
    pub(super) async fn connect(server: (&str, u16)) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::with_capacity(64 * 1024, stream),
            line: String::new(),
        })
    }

    /// Sends all of this.
    pub(super) async fn send(&mut self, text: &str) -> anyhow::Result<()> {
        Ok(self.stream.get_mut().write_all(text.as_bytes()).await?)
    }

    /// The next line, without its end.
    pub(super) async fn line(&mut self) -> anyhow::Result<&str> {
        self.line.clear();
        let read = self.stream.read_line(&mut self.line).await?;
        if read == 0 {
            bail!("the server has hung up");
        }
        Ok(self.line.trim_end_matches(['\r', '\n']))
    }

    /// Reads so many bytes, and forgets them.
    pub(super) async fn skip(&mut self, bytes: u64) -> anyhow::Result<()> {
        let mut rest = (&mut self.stream).take(bytes);
        let read = tokio::io::copy_buf(&mut rest, &mut tokio::io::sink()).await?;
        (read == bytes).then_some(()).context("an early end")
    }
}
