//! What comes in, and which way it goes.

use std::{
    convert::Infallible,
    fmt,
    future::{Future, ready},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use http_body::Body as HttpBody;
use tokio::time::timeout_at;
use tonic::{Status, body::Body, service::Routes};
use tower::{BoxError, Service};
use turbomessage_service_kit::{
    context,
    problem::{Problem, Reason},
    server::MAX_HEADER_BYTES,
};

use crate::{
    config::Origin,
    proxy::{Proxy, http_error},
    web::{self, Origins, Web},
};

type Answering = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// Who asks about the server learns its version.
const VERSION: &str = concat!("turbomessage/", env!("CARGO_PKG_VERSION"));

/// Everything that answers gRPC at the edge.
#[derive(Clone)]
pub(crate) struct Dispatch {
    proxy: Arc<Proxy>,
    /// Health and reflection, which need no token and count for no limit.
    services: Routes,
    /// Whether what answers for gRPC-Web is around this: it ends a call whose time is over itself, so that a page can read
    /// that it is.
    for_web: bool,
}

impl Service<Request<Body>> for Dispatch {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Answering {
        if self.proxy.knows(request.uri().path()) {
            let proxy = Arc::clone(&self.proxy);
            let deadline = context::current().map(|context| context.deadline);
            if let Some(deadline) = deadline.filter(|_| self.for_web) {
                return Box::pin(async move {
                    let answer = timeout_at(deadline, proxy.call(request)).await;
                    let late = |_| Status::from(Problem::new(Reason::DeadlineExceeded)).into_http();
                    Ok(answer.unwrap_or_else(late))
                });
            }
            return Box::pin(async move { Ok(proxy.call(request).await) });
        }
        let answer = self.services.call(request);
        Box::pin(async move {
            let mut answer = answer.await?;
            let headers = answer.headers_mut();
            headers.insert(header::SERVER, HeaderValue::from_static(VERSION));
            Ok(answer)
        })
    }
}

/// The whole edge.
#[derive(Clone)]
pub(crate) struct Edge {
    origins: Arc<Origins>,
    grpc: Dispatch,
    web: Web<Dispatch>,
}

impl fmt::Debug for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edge").finish_non_exhaustive()
    }
}

impl Edge {
    pub(crate) fn new(origins: Vec<Origin>, proxy: Proxy, services: Routes) -> Self {
        let origins = Arc::new(Origins::new(origins));
        let grpc = Dispatch {
            proxy: Arc::new(proxy),
            services,
            for_web: false,
        };
        let for_web = Dispatch {
            for_web: true,
            ..grpc.clone()
        };
        Self {
            web: web::layer(Arc::clone(&origins), for_web),
            origins,
            grpc,
        }
    }

    /// As routes that a server takes.
    pub(crate) fn into_routes(self) -> Routes {
        let router = Routes::default().into_axum_router();
        Routes::from(router.fallback_service(self)).prepare()
    }

    fn answer(&mut self, request: Request<Body>) -> Answering {
        // With HTTP/2 the connection's own limit is the same.
        let is_old = request.version() != Version::HTTP_2;
        if is_old && header_bytes(request.headers()) > MAX_HEADER_BYTES as usize {
            return refuse(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
        }
        if !self.origins.allow(request.headers(), request.uri()) {
            return refuse(StatusCode::FORBIDDEN);
        }
        match Kind::of(&request) {
            Kind::Grpc => self.grpc.call(request),
            Kind::Web => Box::pin(self.web.call(request)),
            Kind::Page => refuse(StatusCode::NOT_FOUND),
            Kind::Other => refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE),
        }
    }
}

/// The size of a header as HTTP/2 counts it: 32 bytes more for each field (RFC 9113, section 6.5.2).
fn header_bytes(headers: &HeaderMap) -> usize {
    let fields = headers.iter();
    fields
        .map(|(name, value)| name.as_str().len() + value.len() + 32)
        .sum()
}

fn refuse(status: StatusCode) -> Answering {
    Box::pin(ready(Ok(http_error(status))))
}

impl<B> Service<Request<B>> for Edge
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Answering {
        self.answer(request.map(Body::new))
    }
}

const GRPC: [&str; 2] = ["application/grpc", "application/grpc+proto"];
const GRPC_WEB: [&str; 4] = [
    "application/grpc-web",
    "application/grpc-web+proto",
    "application/grpc-web-text",
    "application/grpc-web-text+proto",
];

/// What a request wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// gRPC with protobuf messages, over HTTP/2.
    Grpc,
    /// gRPC-Web, or a browser's question whether it may.
    Web,
    /// A page, of which there is none.
    Page,
    /// Something that cannot be read.
    Other,
}

impl Kind {
    fn of(request: &Request<Body>) -> Self {
        let content_type = content_type(request.headers());
        if request.method() == Method::OPTIONS || GRPC_WEB.contains(&content_type) {
            return Self::Web;
        }
        let is_grpc = GRPC.contains(&content_type);
        if is_grpc && request.version() == Version::HTTP_2 {
            Self::Grpc
        } else if request.method() == Method::GET || request.method() == Method::HEAD {
            Self::Page
        } else {
            Self::Other
        }
    }
}

fn content_type(headers: &HeaderMap) -> &str {
    let value = headers.get(header::CONTENT_TYPE);
    value.and_then(|v| v.to_str().ok()).unwrap_or_default()
}
