//! Accepting connections: as many as there is room for, each of which must say something sensible
//! within ten seconds.

mod begun;

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::Stream;
use http::HeaderMap;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinSet,
    time::Sleep,
};
use tokio_rustls::{Accept, server::TlsStream};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::transport::server::Connected;

use self::begun::Said;
use crate::{event_loop::EventLoops, gathered::Gathered, proxies::TrustedProxies, tls::Acceptor};

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
    loops: Option<EventLoops>,
}

impl Listener {
    /// Connections to `tcp`, as TLS if there is an acceptor for it.
    #[must_use]
    pub fn new(tcp: TcpListener, tls: Option<Acceptor>) -> Self {
        Self {
            tcp,
            tls,
            proxies: TrustedProxies::default(),
            loops: None,
        }
    }

    /// The same, with `proxies` between clients and itself.
    #[must_use]
    pub fn behind(self, proxies: TrustedProxies) -> Self {
        Self { proxies, ..self }
    }

    /// The same, with connections that live in `loops`.
    #[must_use]
    pub fn spread_over(self, loops: EventLoops) -> Self {
        Self {
            loops: Some(loops),
            ..self
        }
    }
}

impl From<TcpListener> for Listener {
    fn from(tcp: TcpListener) -> Self {
        Self::new(tcp, None)
    }
}

/// Connections as they come in, for ever.
pub(crate) type Incoming = Pin<Box<dyn Stream<Item = io::Result<Gathered<Connection>>> + Send>>;

/// Has `serve` serve what comes in on `listener` until `shutdown`, once in each of its loops, or here if it has none.
///
/// # Errors
/// One of them failed.
pub(crate) async fn serve_each<F>(
    mut listener: Listener,
    shutdown: &CancellationToken,
    serve: impl Fn(Incoming) -> F,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let Some(loops) = listener.loops.take() else {
        return serve(Box::pin(futures::stream::unfold(
            Accepting::of(listener),
            |accepting| async move {
                let accepted = accepting.next().await.and_then(Accepted::begin);
                Some((accepted, accepting))
            },
        )))
        .await;
    };
    let mut serving = JoinSet::new();
    let mut places = Vec::new();
    for each in loops.iter() {
        let (place, given) = mpsc::unbounded_channel::<Accepted<std::net::TcpStream>>();
        let incoming = futures::stream::unfold(given, |mut given| async move {
            let accepted = given.recv().await?;
            let begun = accepted.map(TcpStream::from_std).and_then(Accepted::begin);
            Some((begun, given))
        });
        serving.spawn_on(serve(Box::pin(incoming)), each.runtime());
        places.push((place, Arc::new(())));
    }
    let accepting = Accepting::of(listener);
    // The socket goes with it: who comes while calls in flight finish is told at once.
    let spread = async move {
        loop {
            // What could not be accepted was told, and nobody waits for it.
            let Ok(mut accepted) = accepting.next().await else {
                continue;
            };
            let fewest = places
                .iter()
                .min_by_key(|(_, open)| Arc::strong_count(open));
            if let Some((place, open)) = fewest {
                accepted.open = Some(Arc::clone(open));
                let _ = accepted.map(TcpStream::into_std).map(|a| place.send(a));
            }
        }
    };
    let served = async {
        while let Some(ended) = serving.join_next().await {
            ended??;
        }
        Ok(())
    };
    let mut served = pin!(served);
    tokio::select! {
        ended = &mut served => return ended,
        () = shutdown.cancelled() => {}
        () = spread => {}
    }
    served.await
}

/// Who accepts connections, as many as there is room for.
struct Accepting {
    listener: Listener,
    room: Arc<Semaphore>,
}

impl Accepting {
    fn of(listener: Listener) -> Self {
        Self {
            listener,
            room: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
        }
    }

    async fn next(&self) -> io::Result<Accepted<TcpStream>> {
        let permit = Arc::clone(&self.room).acquire_owned().await;
        let permit = permit.map_err(io::Error::other)?;
        match self.listener.tcp.accept().await {
            Ok((stream, remote)) => Ok(Accepted {
                stream,
                remote,
                tls: self.listener.tls.clone(),
                proxies: self.listener.proxies.clone(),
                permit,
                open: None,
            }),
            Err(error) => {
                // Out of file descriptors, most likely: trying again at once would only burn the CPU.
                tracing::warn!(error.cause = %error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                Err(error)
            }
        }
    }
}

/// A connection that is not yet at home in a runtime.
struct Accepted<S> {
    stream: S,
    remote: SocketAddr,
    tls: Option<Acceptor>,
    proxies: TrustedProxies,
    permit: OwnedSemaphorePermit,
    /// Those that are open in the same loop have the same.
    open: Option<Arc<()>>,
}

impl<S> Accepted<S> {
    fn map<T>(self, convert: impl FnOnce(S) -> io::Result<T>) -> io::Result<Accepted<T>> {
        Ok(Accepted {
            stream: convert(self.stream)?,
            remote: self.remote,
            tls: self.tls,
            proxies: self.proxies,
            permit: self.permit,
            open: self.open,
        })
    }
}

impl Accepted<TcpStream> {
    /// The connection, whose time begins here.
    fn begin(self) -> io::Result<Gathered<Connection>> {
        self.stream.set_nodelay(true)?;
        let close = CancellationToken::new();
        let stream = match self.tls {
            Some(tls) => Wire::Greeting(Box::new(tls.accept(self.stream))),
            None => Wire::Clear(self.stream),
        };
        Ok(Gathered::from_client(Connection {
            stream,
            closed: Box::pin(close.clone().cancelled_owned()),
            peer: Peer {
                address: self.remote,
                proxies: self.proxies,
                close,
            },
            said: Said::nothing(),
            time: Some(Box::pin(tokio::time::sleep(OPENING_TIME))),
            _permit: self.permit,
            _open: self.open,
        }))
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
    _open: Option<Arc<()>>,
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
