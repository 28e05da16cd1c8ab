//! Ways to another service: over the network, to any number of replicas, or to one in this process.
//! Generated clients and the gateway use all of them alike.

mod connection;
mod replicas;

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use anyhow::bail;
use futures::TryFutureExt;
use http::{HeaderValue, Request, Response, Uri};
use tonic::{body::Body, service::Routes};
use tower::{BoxError, Layer, Service, util::BoxCloneSyncService};

use self::{connection::Way, replicas::Replicas};
use crate::{
    context::{self, REQUEST_ID},
    event_loop::{self, EventLoops},
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

/// What a reader of one answer who does not read on can hold back. Between two machines of one place 64 KiB for each way
/// there and back are more than a hundred megabytes a second.
const ANSWER_WINDOW: u32 = 64 * 1024;
/// Room for all of them, so that nobody holds back what others are told: were it less, some
/// readers who do not read on would end all other answers of the connection.
const CONNECTION_WINDOW: u32 = INNER_STREAMS * ANSWER_WINDOW;

/// Another service. Each of its replicas is reached over one connection for calls and another for
/// streams, so that slow readers of streams never stand in the way of calls.
#[derive(Debug, Clone)]
pub struct Upstream {
    /// From each of the event loops; at least one.
    ways: Arc<[Ways]>,
}

#[derive(Debug, Clone)]
struct Ways {
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
        let ways = Self::ways(url, tls)?;
        Ok(Self {
            ways: [ways()].into(),
        })
    }

    /// The same, with connections of their own from each of `loops`: calls that are made in one of them wake no other
    /// thread. From elsewhere they go over those of the first.
    ///
    /// # Errors
    /// See [`Self::connect`].
    pub fn connect_from(
        loops: &EventLoops,
        url: &str,
        tls: &UpstreamTlsArgs,
    ) -> anyhow::Result<Self> {
        let ways = Self::ways(url, tls)?;
        let from = |each: &event_loop::EventLoop| {
            let _there = each.runtime().enter();
            ways()
        };
        Ok(Self {
            ways: loops.iter().map(from).collect(),
        })
    }

    /// What makes ways that live in the runtime it is called in.
    fn ways(url: &str, tls: &UpstreamTlsArgs) -> anyhow::Result<impl Fn() -> Ways> {
        let origin: Uri = url.parse()?;
        let (Some(scheme @ ("http" | "https")), Some(host)) = (origin.scheme_str(), origin.host())
        else {
            bail!("`{url}` does not look like `http://host:port`");
        };
        let default_port = if scheme == "https" { 443 } else { 80 };
        let host = host.trim_matches(['[', ']']).to_owned();
        let place = (host, origin.port_u16().unwrap_or(default_port));
        let way = Way::new(&origin, tls, (ANSWER_WINDOW, CONNECTION_WINDOW))?;
        let look_up = move || {
            let (host, port) = place.clone();
            async move { replicas::look_up(&host, port).await }
        };
        Ok(move || Ways {
            calls: outgoing(Replicas::found_by(look_up.clone(), way.clone())),
            streams: outgoing(Replicas::found_by(look_up.clone(), way.clone())),
        })
    }

    /// A service in this process: the same code path as over the network, without the network.
    #[must_use]
    pub fn local(routes: Routes) -> Self {
        let service = outgoing(CallLayer::default().layer(routes.prepare()));
        let ways = Ways {
            calls: service.clone(),
            streams: service,
        };
        Self {
            ways: [ways].into(),
        }
    }

    /// For calls with one request and one answer.
    #[must_use]
    pub fn calls(&self) -> GrpcService {
        self.here().calls.clone()
    }

    /// For streams of either direction.
    #[must_use]
    pub fn streams(&self) -> GrpcService {
        self.here().streams.clone()
    }

    fn here(&self) -> &Ways {
        let here = event_loop::here().and_then(|here| self.ways.get(here));
        here.unwrap_or(&self.ways[0])
    }
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
