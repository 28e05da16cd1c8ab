//! Upstreams on the level of the wire.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use http_body::{Body as HttpBody, Frame};
use http_body_util::{BodyExt, StreamBody};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, body::Body, service::Routes};
use tower::{BoxError, Service};

use super::within;

/// What an upstream does with a request.
pub(crate) trait Handler:
    Fn(Request<Body>) -> BoxFuture<'static, Response<Body>> + Send + Sync + 'static
{
}

impl<F> Handler for F where
    F: Fn(Request<Body>) -> BoxFuture<'static, Response<Body>> + Send + Sync + 'static
{
}

/// A service that answers every path but that of health, which the gateway asks for by itself.
#[derive(Clone)]
pub(crate) struct Raw(Arc<dyn Handler>);

impl Raw {
    pub(crate) fn routes(handler: impl Handler) -> Routes {
        Self::under(Routes::default(), handler)
    }

    /// Answers what `routes` does not.
    pub(crate) fn under(routes: Routes, handler: impl Handler) -> Routes {
        let fallback = Self(Arc::new(handler));
        Routes::from(routes.into_axum_router().fallback_service(fallback))
    }
}

impl<B> Service<Request<B>> for Raw
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if request.uri().path().starts_with("/grpc.health.v1.Health/") {
            return Box::pin(async { Ok(Status::unimplemented("").into_http()) });
        }
        let answer = (self.0)(request.map(Body::new));
        Box::pin(async { Ok(answer.await) })
    }
}

/// Answers with the request's own bytes.
pub(crate) fn echo(request: Request<Body>) -> BoxFuture<'static, Response<Body>> {
    Box::pin(async {
        let data = match request.into_body().collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => Bytes::new(),
        };
        respond([Ok(Frame::data(data)), Ok(ok())])
    })
}

/// The end of a call that went well.
pub(crate) fn ok() -> Frame<Bytes> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().unwrap());
    Frame::trailers(trailers)
}

/// The upstream's end of a call that stays open.
pub(crate) struct Tail {
    pub(crate) request: Body,
    pub(crate) frames: mpsc::Sender<Result<Frame<Bytes>, Status>>,
}

/// The calls that stay open, as they come.
pub(crate) struct Tails(mpsc::UnboundedReceiver<Tail>);

impl Tails {
    pub(crate) async fn next(&mut self) -> Tail {
        within(self.0.recv()).await.unwrap()
    }
}

/// An upstream whose calls stay open.
pub(crate) fn tails() -> (Tails, impl Handler) {
    let (opened, tails) = mpsc::unbounded_channel();
    let handler = move |request: Request<Body>| {
        let (frames, answer) = mpsc::channel(16);
        let request = request.into_body();
        let _ = opened.send(Tail { request, frames });
        let mut response = respond([]);
        *response.body_mut() = Body::new(StreamBody::new(ReceiverStream::new(answer)));
        Box::pin(async { response }) as BoxFuture<'static, _>
    };
    (Tails(tails), handler)
}

/// An answer of these frames.
pub(crate) fn respond<I>(frames: I) -> Response<Body>
where
    I: IntoIterator<Item = Result<Frame<Bytes>, Status>>,
    I::IntoIter: Send + 'static,
{
    let body = StreamBody::new(futures::stream::iter(frames));
    let mut response = Response::new(Body::new(body));
    let headers = response.headers_mut();
    headers.insert("content-type", "application/grpc".parse().unwrap());
    response
}

/// A message as gRPC frames it.
pub(crate) fn frame(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).unwrap();
    [&[0], &length.to_be_bytes()[..], message].concat().into()
}
