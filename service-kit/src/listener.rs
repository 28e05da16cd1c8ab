//! Accepting connections: as many as there is room for, each of which must say something sensible
//! within ten seconds.

mod begun;

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::Stream;
use http::HeaderMap;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Sleep,
};
use tokio_rustls::{Accept, server::TlsStream};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::transport::server::Connected;

use self::begun::Said;
use crate::{gathered::Gathered, proxies::TrustedProxies, tls::Acceptor};

/// How long a new connection has for the preface of HTTP/2 or the first headers of HTTP/1, and the headers
/// of any request over HTTP/2 for their last byte. hyper itself does not time out a silent connection while
/// it does not know the protocol, nor half of the headers of HTTP/2.
pub const OPENING_TIME: Duration = Duration::from_secs(10);
/// Connections open at once; more wait in the kernel's queue.
pub const MAX_CONNECTIONS: usize = 12_000;

/// Where connections come in, in the clear or as TLS.
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
    tls: Option<Acceptor>,
    proxies: TrustedProxies,
}

impl Listener {
    /// Connections to `tcp`, as TLS if there is an acceptor for it.
    #[must_use]
    pub fn new(tcp: TcpListener, tls: Option<Acceptor>) -> Self {
        Self {
            tcp,
            tls,
            proxies: TrustedProxies::default(),
        }
    }

    /// The same, with `proxies` between clients and itself.
    #[must_use]
    pub fn behind(self, proxies: TrustedProxies) -> Self {
        Self { proxies, ..self }
    }
}

impl From<TcpListener> for Listener {
    fn from(tcp: TcpListener) -> Self {
        Self::new(tcp, None)
    }
}

/// The connections that come in on `listener`, for ever.
pub(crate) fn incoming(
    listener: Listener,
) -> impl Stream<Item = io::Result<Gathered<Connection>>> + Send {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    futures::stream::unfold((listener, room), |(listener, room)| async move {
        let permit = Arc::clone(&room).acquire_owned().await.ok()?;
        let accepted = accept(&listener, permit).await.map(Gathered::from_client);
        Some((accepted, (listener, room)))
    })
}

async fn accept(listener: &Listener, permit: OwnedSemaphorePermit) -> io::Result<Connection> {
    match listener.tcp.accept().await {
        Ok((stream, remote)) => {
            stream.set_nodelay(true)?;
            let close = CancellationToken::new();
            let stream = match &listener.tls {
                Some(tls) => Wire::Greeting(Box::new(tls.accept(stream))),
                None => Wire::Clear(stream),
            };
            Ok(Connection {
                stream,
                closed: Box::pin(close.clone().cancelled_owned()),
                peer: Peer {
                    address: remote,
                    proxies: listener.proxies.clone(),
                    close,
                },
                said: Said::nothing(),
                time: Some(Box::pin(tokio::time::sleep(OPENING_TIME))),
                _permit: permit,
            })
        }
        Err(error) => {
            // Out of file descriptors, most likely: trying again at once would only burn the CPU.
            tracing::warn!(error.cause = %error, "cannot accept a connection");
            tokio::time::sleep(Duration::from_millis(100)).await;
            Err(error)
        }
    }
}

/// Who is at the other end of a connection: known to the calls that come over it.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Where the connection comes from.
    address: SocketAddr,
    proxies: TrustedProxies,
    close: CancellationToken,
}

impl Peer {
    /// Where the call with these headers comes from.
    #[must_use]
    pub fn client(&self, headers: &HeaderMap) -> IpAddr {
        self.proxies.client(self.address.ip(), headers)
    }

    /// Whether calls of several clients come over the connection.
    pub(crate) fn is_shared(&self) -> bool {
        self.proxies.contain(self.address.ip())
    }

    /// Closes the connection, whatever is under way on it.
    pub(crate) fn close(&self) {
        self.close.cancel();
    }
}

/// What bytes go over.
enum Wire {
    Clear(TcpStream),
    /// TLS that is being agreed on.
    Greeting(Box<Accept<TcpStream>>),
    Encrypted(Box<TlsStream<TcpStream>>),
    /// There was no agreement.
    Lost,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clear(_) => "Clear",
            Self::Greeting(_) => "Greeting",
            Self::Encrypted(_) => "Encrypted",
            Self::Lost => "Lost",
        })
    }
}

impl Wire {
    /// What to read from and write to, once that is agreed on.
    fn agreed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Pin<&mut dyn Duplex>>> {
        if let Self::Greeting(greeting) = self {
            let agreed = ready!(Pin::new(greeting).poll(cx));
            *self = Self::Lost;
            *self = Self::Encrypted(Box::new(agreed?));
        }
        Poll::Ready(match self {
            Self::Clear(stream) => Ok(Pin::new(stream)),
            Self::Encrypted(stream) => Ok(Pin::new(&mut **stream)),
            Self::Greeting(_) | Self::Lost => Err(io::ErrorKind::NotConnected.into()),
        })
    }
}

trait Duplex: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Duplex for T {}

/// A connection from a client.
#[derive(Debug)]
pub struct Connection {
    stream: Wire,
    peer: Peer,
    closed: Pin<Box<WaitForCancellationFutureOwned>>,
    said: Said,
    /// When what it has begun to say must be finished, if there is such a thing.
    time: Option<Pin<Box<Sleep>>>,
    _permit: OwnedSemaphorePermit,
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.closed.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        if self.said.turn_is_over() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let result = match self.stream.agreed(cx) {
            Poll::Ready(stream) => stream?.poll_read(cx, buf),
            Poll::Pending => Poll::Pending,
        };
        let this = &mut *self;
        this.said.hear(&buf.filled()[before..]);
        if !this.said.is_unfinished() {
            this.time = None;
            return result;
        }
        let begin = || Box::pin(tokio::time::sleep(OPENING_TIME));
        let time = this.time.get_or_insert_with(begin);
        if result.is_pending() {
            ready!(time.as_mut().poll(cx));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        result
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.stream.agreed(cx))?.poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.stream.agreed(cx))?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Nothing was said yet that would want a farewell.
        if matches!(self.stream, Wire::Greeting(_) | Wire::Lost) {
            return Poll::Ready(Ok(()));
        }
        ready!(self.stream.agreed(cx))?.poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.stream.agreed(cx))?.poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Wire::Clear(stream) => stream.is_write_vectored(),
            Wire::Greeting(_) | Wire::Lost => false,
            Wire::Encrypted(stream) => stream.is_write_vectored(),
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.peer.clone()
    }
}
