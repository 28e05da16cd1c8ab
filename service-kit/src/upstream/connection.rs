//! One HTTP/2 connection to a replica, and the calls over it, on h2 itself: a call is a stream, and takes no task of its
//! own and waits in no queue. Whoever awaits it moves it on (ADR 11).

use std::{
    fmt,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use futures::future::{BoxFuture, poll_fn};
use h2::{
    Ping, PingPong, Reason, RecvStream, SendStream,
    client::{Builder, SendRequest},
};
use http::{
    Request, Response, Uri,
    uri::{Authority, PathAndQuery, Scheme},
};
use http_body::{Body as HttpBody, Frame};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tower::{BoxError, Service};

use crate::{gathered::Gathered, tls::UpstreamTlsArgs};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// What calls wait for that are under way to a replica which is gone without a word.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(3);
/// Calls that may be begun before the replica has said how many it takes.
const FIRST_STREAMS: usize = 100;
/// What a replica may send as headers or trailers of one answer.
const MAX_HEADER_BYTES: u32 = 16 * 1024;
/// What may wait to be sent of one request.
const SEND_BUFFER_BYTES: usize = 1024 * 1024;

/// How to connect to a replica of a service.
#[derive(Debug, Clone)]
pub(super) struct Way {
    scheme: Scheme,
    authority: Authority,
    tls: Option<(UpstreamTlsArgs, ServerName<'static>)>,
    stream_window: u32,
    connection_window: u32,
}

impl Way {
    /// To the service at `origin`, wherever its replicas are. So many bytes may wait unread of one answer, and of all
    /// together.
    ///
    /// # Errors
    /// It is not the URL of a server, or `tls` cannot be used.
    pub(super) fn new(
        origin: &Uri,
        tls: &UpstreamTlsArgs,
        (stream_window, connection_window): (u32, u32),
    ) -> anyhow::Result<Self> {
        let (Some(scheme), Some(authority)) = (origin.scheme(), origin.authority()) else {
            bail!("not the URL of a server");
        };
        let tls = if *scheme == Scheme::HTTPS {
            tls.client_config()?;
            let host = authority.host().trim_matches(['[', ']']).to_owned();
            Some((tls.clone(), ServerName::try_from(host)?))
        } else {
            None
        };
        Ok(Self {
            scheme: scheme.clone(),
            authority: authority.clone(),
            tls,
            stream_window,
            connection_window,
        })
    }

    /// Connects to the replica at `address`.
    ///
    /// # Errors
    /// The files for TLS cannot be read, nobody answers, or not in HTTP/2.
    pub(super) async fn connect(&self, address: SocketAddr) -> anyhow::Result<Connection> {
        let connecting = async {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let stream = Gathered::to_server(stream);
            let Some((files, name)) = &self.tls else {
                return self.greet(stream).await;
            };
            let config = Arc::new(files.client_config()?);
            let stream = TlsConnector::from(config).connect(name.clone(), stream);
            let stream = stream.await.context("no TLS connection")?;
            if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
                bail!("what answers does not speak HTTP/2");
            }
            self.greet(stream).await
        };
        let connected = timeout(CONNECT_TIMEOUT, connecting).await;
        connected.unwrap_or_else(|_| bail!("no connection within {CONNECT_TIMEOUT:?}"))
    }

    async fn greet<S>(&self, stream: S) -> anyhow::Result<Connection>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, mut connection) = Builder::new()
            .enable_push(false)
            .initial_max_send_streams(FIRST_STREAMS)
            .initial_window_size(self.stream_window)
            .initial_connection_window_size(self.connection_window)
            .max_header_list_size(MAX_HEADER_BYTES)
            .max_send_buffer_size(SEND_BUFFER_BYTES)
            .handshake(stream)
            .await?;
        let gone = CancellationToken::new();
        let ended = gone.clone().drop_guard();
        let pings = connection.ping_pong();
        tokio::spawn(async move {
            let _ended = ended;
            // What is under way fails with the connection.
            tokio::select! {
                ended = connection => {
                    if let Err(error) = ended {
                        tracing::debug!(error.cause = %error, "a connection to an upstream broke");
                    }
                }
                () = until_silent(pings) => {}
            }
        });
        Ok(Connection {
            sender,
            scheme: self.scheme.clone(),
            authority: self.authority.clone(),
            gone,
        })
    }
}

/// Waits until the other side does not answer any more.
async fn until_silent(pings: Option<PingPong>) {
    let Some(mut pings) = pings else {
        return std::future::pending().await;
    };
    loop {
        sleep(KEEPALIVE_INTERVAL).await;
        let pong = timeout(KEEPALIVE_TIMEOUT, pings.ping(Ping::opaque())).await;
        if !matches!(pong, Ok(Ok(_))) {
            return;
        }
    }
}

/// A connection. It is closed when this and all of its clones are gone, and the calls over it have ended.
#[derive(Clone)]
pub(super) struct Connection {
    sender: SendRequest<Bytes>,
    scheme: Scheme,
    authority: Authority,
    gone: CancellationToken,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Connection");
        shown.field("authority", &self.authority);
        shown.finish_non_exhaustive()
    }
}

impl Connection {
    /// Waits until it is closed or broken.
    pub(super) async fn gone(&self) {
        self.gone.cancelled().await;
    }

    /// Waits until it takes a call.
    ///
    /// # Errors
    /// It is broken, or the other side has said goodbye.
    pub(super) async fn ready(&mut self) -> Result<(), BoxError> {
        Ok(poll_fn(|cx| self.sender.poll_ready(cx)).await?)
    }

    /// Makes a call when it is [`ready`](Self::ready). The call ends when the future or the answer's body is dropped.
    ///
    /// # Errors
    /// The connection broke, the other side refused the call, or the request's body failed.
    pub(super) async fn send(mut self, request: Request<Body>) -> Result<Response<Body>, BoxError> {
        let (mut head, body) = request.into_parts();
        let mut uri = std::mem::take(&mut head.uri).into_parts();
        uri.scheme = Some(self.scheme);
        uri.authority = Some(self.authority);
        uri.path_and_query
            .get_or_insert(PathAndQuery::from_static("/"));
        head.uri = Uri::from_parts(uri)?;
        let is_ended = body.is_end_stream();
        let (mut response, stream) = self
            .sender
            .send_request(Request::from_parts(head, ()), is_ended)?;
        let mut sending = (!is_ended).then(|| Sending::new(body, stream));
        let response = poll_fn(|cx| {
            send_on(&mut sending, cx)?;
            Pin::new(&mut response).poll(cx).map_err(BoxError::from)
        });
        let response = response.await?;
        Ok(response.map(|stream| {
            if stream.is_end_stream() && sending.is_none() {
                Body::empty()
            } else {
                Body::new(Receiving { sending, stream })
            }
        }))
    }
}

impl Service<Request<Body>> for Connection {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<Body>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let mut connection = self.clone();
        Box::pin(async move {
            connection.ready().await?;
            connection.send(request).await
        })
    }
}

/// A request's body on its way.
struct Sending {
    body: Body,
    stream: SendStream<Bytes>,
    /// What was taken from the body and is not with the connection yet.
    next: Option<Bytes>,
}

impl Sending {
    fn new(body: Body, stream: SendStream<Bytes>) -> Self {
        Self {
            body,
            stream,
            next: None,
        }
    }

    /// Sends what there is and what there is room for; ready when all is sent, or nothing is wanted any more.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        loop {
            if let Some(next) = &self.next {
                // One byte of room is enough: the rest waits in the connection, and then nothing more is taken.
                if !next.is_empty() && self.stream.capacity() == 0 {
                    self.stream.reserve_capacity(1);
                    while self.stream.capacity() == 0 {
                        // If the call has ended, its answer says why.
                        if !matches!(ready!(self.stream.poll_capacity(cx)), Some(Ok(_))) {
                            return Poll::Ready(Ok(()));
                        }
                    }
                }
                let is_last = self.body.is_end_stream();
                let next = self.next.take().unwrap_or_default();
                if self.stream.send_data(next, is_last).is_err() || is_last {
                    return Poll::Ready(Ok(()));
                }
            }
            if self.stream.poll_reset(cx).is_ready() {
                return Poll::Ready(Ok(()));
            }
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                None => {
                    let _ = self.stream.send_data(Bytes::new(), true);
                    return Poll::Ready(Ok(()));
                }
                Some(Err(status)) => {
                    self.stream.send_reset(Reason::CANCEL);
                    return Poll::Ready(Err(status.into()));
                }
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.next = Some(data),
                    Err(frame) => {
                        if let Ok(trailers) = frame.into_trailers() {
                            let _ = self.stream.send_trailers(trailers);
                            return Poll::Ready(Ok(()));
                        }
                    }
                },
            }
        }
    }
}

/// Moves the request's body on, if it has not ended.
fn send_on(sending: &mut Option<Sending>, cx: &mut Context<'_>) -> Result<(), BoxError> {
    if let Some(body) = sending
        && let Poll::Ready(sent) = body.poll(cx)
    {
        *sending = None;
        sent?;
    }
    Ok(())
}

/// How an answer ends that the other side cut off. It may want nothing more of the request (RFC 9113, section 8.1).
fn broken(error: h2::Error) -> Option<Result<Frame<Bytes>, BoxError>> {
    (error.reason() != Some(Reason::NO_ERROR)).then(|| Err(error.into()))
}

/// An answer's body, and what is still to be sent of the request's.
struct Receiving {
    sending: Option<Sending>,
    stream: RecvStream,
}

impl HttpBody for Receiving {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        if let Err(error) = send_on(&mut this.sending, cx) {
            return Poll::Ready(Some(Err(error)));
        }
        match ready!(this.stream.poll_data(cx)) {
            Some(Ok(data)) => {
                // Whoever takes it has room for it.
                this.stream.flow_control().release_capacity(data.len())?;
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            Some(Err(error)) => Poll::Ready(broken(error)),
            None => Poll::Ready(match ready!(this.stream.poll_trailers(cx)) {
                Ok(trailers) => trailers.map(|t| Ok(Frame::trailers(t))),
                Err(error) => broken(error),
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.sending.is_none() && self.stream.is_end_stream()
    }
}

#[cfg(test)]
mod tests;
