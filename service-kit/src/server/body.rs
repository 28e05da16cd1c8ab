//! The body of an answer, which ends in time and says why.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use bytes::Bytes;
use http::{HeaderMap, header::CONTENT_TYPE};
use http_body::{Body as HttpBody, Frame};
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, body::Body};

use super::under_way::UnderWay;
use crate::{
    context::{self, RequestContext},
    language::Language,
    problem::{Problem, Reason, complete},
};

/// How long what is still to be told may take after the signal to stop.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// When whoever lost a stream should begin another.
const RETRY_AFTER: Duration = Duration::from_secs(1);

pin_project_lite::pin_project! {
    /// A response body that ends at the deadline and whose trailers are complete.
    pub(super) struct CallBody {
        #[pin]
        inner: Body,
        #[pin]
        deadline: Sleep,
        shutdown: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
        context: RequestContext,
        form: Form,
        ended: bool,
        underway: UnderWay,
    }
}

/// Where a client looks for trailers.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// Where HTTP has them.
    Grpc,
    /// At the end of the body: pages do not get to see those of HTTP.
    Web,
    /// The same in base64.
    WebText,
}

impl Form {
    fn of(headers: &HeaderMap) -> Self {
        let content_type = headers.get(CONTENT_TYPE).map_or(&[][..], |v| v.as_bytes());
        if content_type.starts_with(b"application/grpc-web-text") {
            Self::WebText
        } else if content_type.starts_with(b"application/grpc-web") {
            Self::Web
        } else {
            Self::Grpc
        }
    }

    /// How the call ended, if this part of a body says so.
    fn ended(self, part: &Bytes) -> Option<Code> {
        match self {
            Self::Grpc => None,
            Self::Web => code_in_body(part),
            Self::WebText => code_in_body(&BASE64.decode(part).ok()?),
        }
    }

    fn frame(self, trailers: HeaderMap) -> Frame<Bytes> {
        match self {
            Self::Grpc => Frame::trailers(trailers),
            Self::Web => Frame::data(in_body(&trailers).into()),
            Self::WebText => Frame::data(BASE64.encode(in_body(&trailers)).into()),
        }
    }
}

/// The sign that a part of a body is trailers.
const TRAILERS: u8 = 0x80;

/// Trailers as a part of a body (gRPC-Web's PROTOCOL-WEB.md): the sign that they are some, their length, and lines.
fn in_body(trailers: &HeaderMap) -> Vec<u8> {
    let lines = trailers.iter();
    let lines = lines
        .map(|(name, value)| [name.as_str().as_bytes(), b":", value.as_bytes(), b"\r\n"].concat());
    let lines: Vec<u8> = lines.flatten().collect();
    let length = u32::try_from(lines.len()).unwrap_or_default();
    [&[TRAILERS], &length.to_be_bytes()[..], &lines].concat()
}

impl CallBody {
    pub(super) fn wrap(
        headers: &HeaderMap,
        inner: Body,
        context: RequestContext,
        shutdown: Option<CancellationToken>,
        mut underway: UnderWay,
    ) -> Body {
        if inner.is_end_stream() {
            underway.end_as(headers);
            return inner;
        }
        let deadline = tokio::time::sleep_until(context.deadline);
        let soon_after = |shutdown: CancellationToken| async move {
            shutdown.cancelled().await;
            tokio::time::sleep(LAST_WORDS).await;
        };
        Body::new(Self {
            inner,
            deadline,
            shutdown: shutdown.map(|token| Box::pin(soon_after(token)) as _),
            context,
            form: Form::of(headers),
            ended: false,
            underway,
        })
    }
}

impl HttpBody for CallBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.project();
        if *this.ended {
            return Poll::Ready(None);
        }
        // Before anything else: a stream that always has more to tell would never end.
        let shutdown = this.shutdown.as_mut();
        let problem = if shutdown.is_some_and(|end| end.as_mut().poll(cx).is_ready()) {
            Problem::new(Reason::ShuttingDown).retry_after(RETRY_AFTER)
        } else if this.deadline.poll(cx).is_ready() {
            Problem::new(Reason::DeadlineExceeded)
        } else {
            let frame = std::task::ready!(this.inner.poll_frame(cx));
            let frame = frame.map(|frame| frame.map(|f| with_details(f, this.context.language)));
            match &frame {
                Some(Ok(frame)) => {
                    if let Some(trailers) = frame.trailers_ref() {
                        this.underway.end_as(trailers);
                    } else if let Some(code) = frame.data_ref().and_then(|d| this.form.ended(d)) {
                        this.underway.end(code);
                    }
                }
                Some(Err(status)) => this.underway.end(status.code()),
                // An answer that is not gRPC, or was cut off.
                None => this.underway.end(Code::Unknown),
            }
            return Poll::Ready(frame);
        };
        *this.ended = true;
        let mut trailers = HeaderMap::new();
        let status = context::within(this.context.clone(), || Status::from(problem));
        this.underway.end(status.code());
        let trailers = status
            .add_header(&mut trailers)
            .map(|()| this.form.frame(trailers));
        Poll::Ready(Some(trailers))
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }
}

fn code_in_body(part: &[u8]) -> Option<Code> {
    let lines = part.strip_prefix(&[TRAILERS])?.get(4..)?;
    let mut lines = lines.split(|byte| *byte == b'\n');
    let code = lines.find_map(|line| line.strip_prefix(b"grpc-status:"))?;
    Some(Code::from_bytes(code.trim_ascii()))
}

fn with_details(frame: Frame<Bytes>, language: Language) -> Frame<Bytes> {
    match frame.into_trailers() {
        Ok(mut trailers) => {
            complete(&mut trailers, language);
            Frame::trailers(trailers)
        }
        Err(frame) => frame,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_call_ended_is_read_from_the_form_it_is_told_in() {
        let status = Status::resource_exhausted("enough");
        for (form, seen) in [
            (Form::Grpc, None),
            (Form::Web, Some(Code::ResourceExhausted)),
            (Form::WebText, Some(Code::ResourceExhausted)),
        ] {
            let mut trailers = HeaderMap::new();
            status.add_header(&mut trailers).unwrap();
            let told = form.frame(trailers);
            assert_eq!(told.is_trailers(), seen.is_none());
            assert_eq!(told.data_ref().and_then(|part| form.ended(part)), seen);
            let message = Bytes::from_static(b"\0\0\0\0\x0dgrpc-status:1");
            assert_eq!(form.ended(&message), None, "{form:?}");
        }
    }
}
