//! Request bodies: kept where they are small, passed through where they are not.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::{Status, body::Body};
use turbomessage_service_kit::problem::{Problem, Reason};

use super::frames::{Frames, TooLarge};
use crate::access::Ending;

/// Requests up to this size are kept until they are answered.
const KEPT_BYTES: usize = 64 * 1024;

/// As much of a request body as is kept.
pub(super) enum Kept {
    /// All of it.
    Whole(Bytes),
    /// More than is kept: what has come, and what has not.
    Part {
        /// What has come.
        begin: Bytes,
        /// What has not.
        rest: Body,
    },
}

impl Kept {
    /// Nothing has been kept of `rest`.
    pub(super) fn nothing_of(rest: Body) -> Self {
        let begin = Bytes::new();
        Self::Part { begin, rest }
    }
}

/// Reads `body` until it ends or is more than is kept.
///
/// # Errors
/// `TOO_LARGE`, or the client hung up.
pub(super) async fn keep(mut body: Body) -> Result<Kept, Problem> {
    let mut frames = Frames::default();
    let mut kept = Bytes::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|cause| Problem::new(Reason::Cancelled).because(cause))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        frames
            .read(&data)
            .map_err(|TooLarge| Problem::new(Reason::TooLarge))?;
        kept = join(kept, data);
        if kept.len() > KEPT_BYTES {
            let begin = kept;
            return Ok(Kept::Part { begin, rest: body });
        }
    }
    Ok(Kept::Whole(kept))
}

/// Most requests come in one piece, which is not copied.
fn join(kept: Bytes, more: Bytes) -> Bytes {
    if kept.is_empty() {
        return more;
    }
    let mut joined = BytesMut::from(kept);
    joined.extend_from_slice(&more);
    joined.freeze()
}

/// A request that is there as a whole.
pub(super) fn whole(message: Bytes) -> Body {
    Body::new(Full::new(message))
}

/// A request that passes through. It ends the call when a message in it is too large, and ends when
/// the call does.
pub(super) struct Passing {
    begin: Bytes,
    rest: Body,
    frames: Frames,
    ending: Ending,
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Passing {
    pub(super) fn new(kept: Kept, ending: Ending) -> Self {
        let (begin, rest) = match kept {
            Kept::Whole(begin) => (begin, Body::empty()),
            Kept::Part { begin, rest } => (begin, rest),
        };
        Self {
            begin,
            rest,
            frames: Frames::default(),
            ended: Box::pin(ending.wait()),
            ending,
        }
    }

    fn pass(&mut self, data: Bytes) -> Result<Frame<Bytes>, Status> {
        self.frames.read(&data).map_err(|TooLarge| {
            self.ending.end(Reason::TooLarge);
            Status::cancelled("a message is too large")
        })?;
        Ok(Frame::data(data))
    }
}

impl HttpBody for Passing {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        if this.ended.as_mut().poll(cx).is_ready() {
            this.rest = Body::empty();
            return Poll::Ready(Some(Err(Status::cancelled("the call has ended"))));
        }
        if !this.begin.is_empty() {
            let begin = std::mem::take(&mut this.begin);
            return Poll::Ready(Some(this.pass(begin)));
        }
        Pin::new(&mut this.rest).poll_frame(cx).map(|frame| {
            Some(frame?.and_then(|frame| match frame.into_data() {
                Ok(data) => this.pass(data),
                Err(trailers) => Ok(trailers),
            }))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.begin.is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
