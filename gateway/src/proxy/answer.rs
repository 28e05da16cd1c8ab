//! Answers on their way to the client.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use anyhow::anyhow;
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header::CONTENT_TYPE};
use http_body::{Body as HttpBody, Frame};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::{Code, Status, body::Body};
use turbomessage_service_kit::{
    context::{self, RequestContext},
    problem::{Problem, Reason, code_in},
};

use super::{headers, limits::Permit};
use crate::access::{Ending, OpenStream};

/// What an upstream answered, as far as it has.
pub(super) struct Answer {
    response: Response<Body>,
    ending: Option<Ending>,
    stream: Option<OpenStream>,
}

impl Answer {
    /// # Errors
    /// `UPSTREAM_UNAVAILABLE`: it is not a service of ours that answered, but what is between.
    pub(super) fn new(
        response: Response<Body>,
        ending: Option<Ending>,
        stream: Option<OpenStream>,
    ) -> Result<Self, Problem> {
        if !is_grpc(&response) {
            let cause = anyhow!("the answer is not gRPC: HTTP status {}", response.status());
            return Err(Problem::upstream_unavailable(cause));
        }
        if let Some(problem) = transport_failure(response.headers()) {
            return Err(problem);
        }
        Ok(Self {
            response,
            ending,
            stream,
        })
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The answer for the client. The call is under way until its body ends.
    pub(super) fn into_response(self, permit: Permit) -> Response<Body> {
        let (mut head, body) = self.response.into_parts();
        headers::strip(&mut head.headers);
        if head.headers.contains_key(Status::GRPC_STATUS) && body.is_end_stream() {
            return Response::from_parts(head, Body::empty());
        }
        let body = Passing {
            inner: Some(body),
            has_status: head.headers.contains_key(Status::GRPC_STATUS),
            ended: self.ending.as_ref().map(|ending| Box::pin(ending.wait())),
            ending: self.ending,
            context: context::current(),
            _permit: permit,
            _stream: self.stream,
        };
        Response::from_parts(head, Body::new(body))
    }
}

/// What the client hears of a call that ended before its time.
pub(super) fn ended(ending: &Ending) -> Problem {
    let reason = ending.reason().unwrap_or(Reason::Cancelled);
    let problem = Problem::new(reason);
    if reason.code() == Code::Unavailable {
        problem.retry_after(Duration::from_secs(1))
    } else {
        problem
    }
}

fn is_grpc(response: &Response<Body>) -> bool {
    let content_type = response.headers().get(CONTENT_TYPE);
    response.status() == StatusCode::OK
        && content_type.is_some_and(|v| v.as_bytes().starts_with(b"application/grpc"))
}

/// A status that no service of ours makes, for theirs have details: a connection that was lost.
fn transport_failure(headers: &HeaderMap) -> Option<Problem> {
    let code = code_in(headers)?;
    let lost = matches!(code, Code::Unknown | Code::Cancelled | Code::Unavailable);
    (lost && !headers.contains_key(Status::GRPC_STATUS_DETAILS))
        .then(|| Problem::upstream_unavailable(anyhow!("the answer is a bare {code:?}")))
}

/// A response body on its way through. It always ends with a status.
struct Passing {
    /// `None` when it has ended.
    inner: Option<Body>,
    /// Whether the status came with the headers already.
    has_status: bool,
    ending: Option<Ending>,
    ended: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    /// The call this is the answer of: bodies are read outside of it.
    context: Option<RequestContext>,
    _permit: Permit,
    _stream: Option<OpenStream>,
}

impl Passing {
    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Frame<Bytes>>> {
        let Some(inner) = &mut self.inner else {
            return Poll::Ready(None);
        };
        if let (Some(ended), Some(ending)) = (&mut self.ended, &self.ending)
            && ended.as_mut().poll(cx).is_ready()
        {
            let problem = self::ended(ending);
            return Poll::Ready(Some(self.finish_with(problem)));
        }
        let problem = match std::task::ready!(Pin::new(inner).poll_frame(cx)) {
            Some(Ok(frame)) => match frame.into_trailers() {
                Ok(trailers) => return Poll::Ready(Some(self.finish(trailers))),
                Err(data) => return Poll::Ready(Some(data)),
            },
            Some(Err(error)) => Problem::upstream_unavailable(error),
            None if self.has_status => {
                self.inner = None;
                return Poll::Ready(None);
            }
            None => Problem::upstream_unavailable(anyhow!("the answer has no end")),
        };
        Poll::Ready(Some(self.finish_with(problem)))
    }

    fn finish(&mut self, mut trailers: HeaderMap) -> Frame<Bytes> {
        if let Some(problem) = transport_failure(&trailers) {
            return self.finish_with(problem);
        }
        self.inner = None;
        headers::strip(&mut trailers);
        Frame::trailers(trailers)
    }

    fn finish_with(&mut self, problem: Problem) -> Frame<Bytes> {
        self.inner = None;
        let status = match self.context.take() {
            Some(context) => context::within(context, || Status::from(problem)),
            None => Status::from(problem),
        };
        let mut trailers = HeaderMap::new();
        if status.add_header(&mut trailers).is_err() {
            // A status of ours has nothing in it that a header cannot hold.
            trailers.insert(
                Status::GRPC_STATUS,
                http::HeaderValue::from(status.code() as i32),
            );
        }
        Frame::trailers(trailers)
    }
}

impl HttpBody for Passing {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        self.next(cx).map(|frame| frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_none()
    }
}
