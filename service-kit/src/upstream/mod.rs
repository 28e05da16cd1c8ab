//! Ways to another service: over the network, to any number of replicas, or to one in this process.
//! Generated clients and the gateway use all of them alike.

mod replicas;

use std::{
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use anyhow::bail;
use futures::TryFutureExt;
use http::{HeaderValue, Request, Response, Uri};
use tonic::{body::Body, service::Routes, transport::Endpoint};
use tower::{BoxError, Layer, Service, util::BoxCloneSyncService};

use self::replicas::Replicas;
use crate::{
    context::{self, REQUEST_ID},
    server::{CallLayer, INNER_STREAMS, format_timeout},
    telemetry,
    tls::UpstreamTlsArgs,
};

/// Something that answers gRPC requests.
pub type GrpcService = BoxCloneSyncService<Request<Body>, Response<Body>, TransportError>;

/// No answer: the other service could not be reached, or the connection was lost. A type of its own
/// because futures that hold a boxed error are not `Send` enough for `tokio::spawn`.
#[derive(Debug, thiserror::Error)]
#[error("the other service did not answer")]
pub struct TransportError(#[source] BoxError);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// What calls wait for that are under way to a replica which is gone without a word.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(3);
/// What a reader of one stream who does not read on can hold back.
const STREAM_WINDOW: u32 = 64 * 1024;
/// Room for all of them, so that nobody holds back what others are told: were it less, a few hundred
/// readers who do not read on would end all other streams of the connection.
const STREAMS_CONNECTION_WINDOW: u32 = INNER_STREAMS * STREAM_WINDOW;

/// Another service. Each of its replicas is reached over one connection for calls and another for
/// streams, so that slow readers of streams never stand in the way of calls.
#[derive(Debug, Clone)]
pub struct Upstream {
    calls: GrpcService,
    streams: GrpcService,
}

impl Upstream {
    /// The service at `url`. Its host is looked up every few seconds, and each call goes to one of the
    /// replicas found there that say they serve. Where the URL is `https://…`, `tls` says how to connect. Call it
    /// inside of a tokio runtime.
    ///
    /// # Errors
    /// `url` is no URL of a gRPC server, or `tls` cannot be used.
    pub fn connect(url: &str, tls: &UpstreamTlsArgs) -> anyhow::Result<Self> {
        let origin = Endpoint::from_shared(url.to_owned())?.uri().clone();
        let (Some(scheme @ ("http" | "https")), Some(host)) = (origin.scheme_str(), origin.host())
        else {
            bail!("`{url}` does not look like `http://host:port`");
        };
        let tls = (scheme == "https").then(|| tls.clone());
        let default_port = if tls.is_some() { 443 } else { 80 };
        let host = host.trim_matches(['[', ']']).to_owned();
        let place = (host.clone(), origin.port_u16().unwrap_or(default_port));
        if let Some(tls) = &tls {
            tls.client_config()?;
        }
        let endpoint = move |address: SocketAddr| {
            // The address is in the URL; who is meant stays what it was.
            let endpoint = Endpoint::from(with_authority(&origin, address))
                .origin(origin.clone())
                .connect_timeout(CONNECT_TIMEOUT)
                .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
                .keep_alive_timeout(KEEPALIVE_TIMEOUT)
                .keep_alive_while_idle(true);
            match &tls {
                Some(tls) => Ok(endpoint.tls_config(tls.client_config()?.domain_name(&host))?),
                None => Ok(endpoint),
            }
        };
        let for_streams = {
            let endpoint = endpoint.clone();
            move |address| {
                let endpoint: anyhow::Result<Endpoint> = endpoint(address);
                Ok(endpoint?
                    .initial_stream_window_size(STREAM_WINDOW)
                    .initial_connection_window_size(STREAMS_CONNECTION_WINDOW))
            }
        };
        let look_up = move || {
            let (host, port) = place.clone();
            async move { replicas::look_up(&host, port).await }
        };
        Ok(Self {
            calls: outgoing(Replicas::found_by(look_up.clone(), endpoint)),
            streams: outgoing(Replicas::found_by(look_up, for_streams)),
        })
    }

    /// A service in this process: the same code path as over the network, without the network.
    #[must_use]
    pub fn local(routes: Routes) -> Self {
        let service = outgoing(CallLayer::default().layer(routes.prepare()));
        Self {
            calls: service.clone(),
            streams: service,
        }
    }

    /// For calls with one request and one answer.
    #[must_use]
    pub fn calls(&self) -> GrpcService {
        self.calls.clone()
    }

    /// For streams of either direction.
    #[must_use]
    pub fn streams(&self) -> GrpcService {
        self.streams.clone()
    }
}

/// `uri` with `address` in the place of its host and port.
fn with_authority(uri: &Uri, address: SocketAddr) -> Uri {
    let mut parts = uri.clone().into_parts();
    parts.authority = address.to_string().parse().ok();
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}

fn outgoing<S>(service: S) -> GrpcService
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError> + 'static,
    S::Future: Send + 'static,
{
    BoxCloneSyncService::new(Outgoing { inner: service })
}

/// Hands the current call's trace, id, language and what remains of its time on to the next
/// service.
#[derive(Debug, Clone)]
struct Outgoing<S> {
    inner: S,
}

impl<S> Service<Request<Body>> for Outgoing<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Error: Into<BoxError> + 'static,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = TransportError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, TransportError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.inner.poll_ready(cx).map_err(lost)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let headers = request.headers_mut();
        telemetry::pass_trace(headers);
        if let Some(context) = context::current() {
            if let Ok(id) = HeaderValue::try_from(&*context.request_id) {
                headers.insert(REQUEST_ID, id);
            }
            headers.insert(
                "accept-language",
                HeaderValue::from_static(context.language.tag()),
            );
            if let Ok(timeout) = HeaderValue::try_from(format_timeout(context.remaining())) {
                headers.insert("grpc-timeout", timeout);
            }
        }
        Box::pin(self.inner.call(request).map_err(lost))
    }
}

fn lost(cause: impl Into<BoxError>) -> TransportError {
    TransportError(cause.into())
}
