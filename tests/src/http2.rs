//! HTTP/2 by hand: frames that no client's library would send, and what the server makes of them.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split},
    net::TcpStream,
    task::JoinHandle,
};

use crate::stack::Edge;

/// What every connection begins with.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Kinds of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in RFC 9113")]
pub enum Kind {
    Data = 0,
    Headers = 1,
    Priority = 2,
    Reset = 3,
    Settings = 4,
    Ping = 6,
    GoAway = 7,
    WindowUpdate = 8,
    Continuation = 9,
}

/// Of DATA and HEADERS: nothing more comes on this stream.
pub const END_STREAM: u8 = 1;
/// Of HEADERS and CONTINUATION: these are all.
pub const END_HEADERS: u8 = 4;

/// A frame.
#[must_use]
pub fn frame(kind: Kind, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a small frame");
    let mut frame = length.to_be_bytes()[1..].to_vec();
    frame.extend([kind as u8, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// The headers of a gRPC call of `path`, each written out.
#[must_use]
pub fn head(path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let fixed = [
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "edge"),
        (":path", path),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    let mut block = Vec::new();
    for (name, value) in fixed.iter().chain(more) {
        // A literal that goes into no table, and whose name is in none.
        block.push(0);
        for text in [name, value] {
            let length = u8::try_from(text.len()).ok().filter(|length| *length < 127);
            block.push(length.expect("a short text"));
            block.extend(text.as_bytes());
        }
    }
    block
}

/// A connection, as far as it is open.
pub struct Frames {
    writer: Box<dyn AsyncWrite + Send + Unpin>,
    reader: JoinHandle<()>,
    seen: Arc<Mutex<Seen>>,
}

/// What the server said.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen {
    /// The reason that the server gave for the end of the connection.
    pub goaway: Option<u32>,
    /// How many pings it has answered.
    pub pongs: usize,
}

impl Frames {
    /// A new connection on which nothing has been said but that it is HTTP/2.
    pub async fn open(edge: &Edge) -> Self {
        let stream = TcpStream::connect(edge.address).await;
        let stream = stream.expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        Self::over(stream).await
    }

    /// The same over something that carries bytes.
    pub async fn over(stream: impl AsyncRead + AsyncWrite + Send + 'static) -> Self {
        let (mut reading, writer) = split(stream);
        let seen = Arc::<Mutex<Seen>>::default();
        let noted = Arc::clone(&seen);
        let reader = tokio::spawn(async move {
            let mut header = [0; 9];
            while reading.read_exact(&mut header).await.is_ok() {
                let length = u32::from_be_bytes([0, header[0], header[1], header[2]]);
                let mut payload = vec![0; usize::try_from(length).expect("a small frame")];
                if reading.read_exact(&mut payload).await.is_err() {
                    return;
                }
                let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
                if header[3] == Kind::GoAway as u8 {
                    let reason = payload[4..8].try_into().expect("four bytes");
                    noted.goaway = Some(u32::from_be_bytes(reason));
                }
                noted.pongs += usize::from(header[3] == Kind::Ping as u8);
            }
        });
        let mut frames = Self {
            writer: Box::new(writer),
            reader,
            seen,
        };
        let settings = frame(Kind::Settings, 0, 0, &[]);
        frames.send(&[PREFACE, &settings].concat()).await;
        frames
    }

    /// Sends bytes; answers whether the connection takes them still.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        self.writer.write_all(bytes).await.is_ok() && !self.reader.is_finished()
    }

    /// What the server has said.
    #[must_use]
    pub fn seen(&self) -> Seen {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the server has closed the connection; answers with what it has said.
    pub async fn closed(&mut self) -> Seen {
        let _ = (&mut self.reader).await;
        self.seen()
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        self.reader.abort();
    }
}
