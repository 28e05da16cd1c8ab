//! Writes of one turn, gathered: one call of the kernel where HTTP/2 would make one for each message.
//!
//! h2 hands a message of some size to the socket as soon as the next frame comes, and asks for a flush each
//! time, so that a busy connection makes one or two writes for each call. Here a flush comes due when the
//! connection has its next turn, which it is given at once: what all others did meanwhile goes along.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tonic::transport::server::Connected;

/// How much is gathered at most, in bytes: a frame of HTTP/2, a record of TLS.
const MOST_BYTES: usize = 16 * 1024;
/// How a client begins that speaks HTTP/2 (RFC 9113, section 3.4), as much as is needed.
const HTTP2: &[u8] = b"PRI ";

/// A stream of bytes to which the writes of one turn go together.
#[derive(Debug)]
pub(crate) struct Gathered<S: AsyncWrite + Unpin> {
    stream: S,
    /// What was written and has not gone on to the stream.
    waiting: BytesMut,
    /// Whether some of it came after the last flush.
    is_fresh: bool,
    /// Whether the stream took no more when it was asked last. Nothing is gathered then, so that whoever writes
    /// hears when all is gone.
    is_full: bool,
    /// Whether what is at the other end speaks HTTP/2; `None` until it has said something. HTTP/1 gathers its
    /// answers itself, and counts on a flush to wait for the last byte.
    is_http2: Option<bool>,
}

impl<S: AsyncWrite + Unpin> Gathered<S> {
    /// To a server, with which HTTP/2 is spoken.
    pub(crate) fn to_server(stream: S) -> Self {
        Self::new(stream, Some(true))
    }

    /// From a client, whose first words say what it speaks.
    pub(crate) fn from_client(stream: S) -> Self {
        Self::new(stream, None)
    }

    fn new(stream: S, is_http2: Option<bool>) -> Self {
        Self {
            stream,
            waiting: BytesMut::new(),
            is_fresh: false,
            is_full: false,
            is_http2,
        }
    }

    /// Hands on what waits, and sees to it that the stream does the same.
    fn hand_on(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.is_full = true;
        while !self.waiting.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.waiting))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.waiting.advance(written);
        }
        // A connection that is idle keeps no room.
        self.waiting = BytesMut::new();
        self.is_fresh = false;
        let flushed = ready!(Pin::new(&mut self.stream).poll_flush(cx));
        self.is_full = false;
        Poll::Ready(flushed)
    }

    /// Writes what waits and what is new together: it is too much to wait.
    fn write_all(&mut self, cx: &mut Context<'_>, new: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        loop {
            let waiting = IoSlice::new(&self.waiting);
            let all: Vec<IoSlice<'_>> = std::iter::once(waiting)
                .chain(new.iter().copied())
                .collect();
            let written = Pin::new(&mut self.stream).poll_write_vectored(cx, &all);
            self.is_full = written.is_pending();
            let written = ready!(written)?;
            let waited = written.min(self.waiting.len());
            self.waiting.advance(waited);
            if written == 0 || written > waited {
                return Poll::Ready(Ok(written - waited));
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Gathered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Connections read first: a new turn has begun. One to which nothing can be written is read all the same, and
        // what came before it broke as well.
        let handed_on = if self.waiting.is_empty() {
            Poll::Pending
        } else {
            self.hand_on(cx)
        };
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        let came = &buf.filled()[before..];
        if self.is_http2.is_none() && !came.is_empty() {
            self.is_http2 = Some(came.starts_with(HTTP2));
        }
        match (read, handed_on) {
            (Poll::Pending, Poll::Ready(Err(broken))) => Poll::Ready(Err(broken)),
            (read, _) => read,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gathered<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let more: usize = bufs.iter().map(|buf| buf.len()).sum();
        if self.waiting.len() + more > MOST_BYTES {
            return self.write_all(cx, bufs);
        }
        for buf in bufs {
            self.waiting.extend_from_slice(buf);
        }
        self.is_fresh |= more > 0;
        Poll::Ready(Ok(more))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let gathers = !self.is_full && self.is_http2 == Some(true);
        if std::mem::take(&mut self.is_fresh) && gathers {
            // There may be more to come in this turn. If not, the next one begins at once: it reads, or it
            // flushes again.
            cx.waker().wake_by_ref();
            return Poll::Ready(Ok(()));
        }
        self.hand_on(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.waiting.is_empty() {
            ready!(self.hand_on(cx))?;
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: AsyncWrite + Unpin> Drop for Gathered<S> {
    /// Connections are dropped without a farewell, too, as soon as they take the last answer for flushed.
    fn drop(&mut self) {
        if !self.waiting.is_empty() {
            let _ = self.hand_on(&mut Context::from_waker(Waker::noop()));
        }
    }
}

impl<S: Connected + AsyncWrite + Unpin> Connected for Gathered<S> {
    type ConnectInfo = S::ConnectInfo;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.stream.connect_info()
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, sync::Arc};

    use futures::task::{ArcWake, waker};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    /// Whom a turn wakes.
    #[derive(Default)]
    struct Woken(std::sync::atomic::AtomicUsize);

    impl ArcWake for Woken {
        fn wake_by_ref(woken: &Arc<Self>) {
            woken.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
    }

    fn pair(room: usize) -> (Gathered<DuplexStream>, DuplexStream) {
        let (ours, theirs) = duplex(room);
        (Gathered::to_server(ours), theirs)
    }

    fn write(stream: &mut Gathered<DuplexStream>, cx: &mut Context<'_>, bytes: &[u8]) -> usize {
        match Pin::new(stream).poll_write(cx, bytes) {
            Poll::Ready(written) => written.unwrap(),
            Poll::Pending => 0,
        }
    }

    fn flush(stream: &mut Gathered<DuplexStream>, cx: &mut Context<'_>) -> bool {
        match Pin::new(stream).poll_flush(cx) {
            Poll::Ready(flushed) => flushed.map(|()| true).unwrap(),
            Poll::Pending => false,
        }
    }

    /// What has arrived at the other end.
    fn arrived(theirs: &mut DuplexStream, cx: &mut Context<'_>) -> Vec<u8> {
        let mut bytes = vec![0; 64 * 1024];
        let mut buf = ReadBuf::new(&mut bytes);
        let _ = Pin::new(theirs).poll_read(cx, &mut buf).map(Result::unwrap);
        buf.filled().to_vec()
    }

    #[test]
    fn what_is_written_in_a_turn_goes_out_together_in_the_next() {
        let (mut ours, mut theirs) = pair(1024);
        let woken = Arc::new(Woken::default());
        let waker = waker(Arc::clone(&woken));
        let cx = &mut Context::from_waker(&waker);
        for part in [b"one ", b"two "] {
            assert_eq!(write(&mut ours, cx, part), 4);
            assert!(flush(&mut ours, cx));
        }
        assert!(arrived(&mut theirs, cx).is_empty());
        let turns = woken.0.load(std::sync::atomic::Ordering::SeqCst);
        assert!(turns > 0, "nobody would come back");
        let mut read = [0; 8];
        let nothing = Pin::new(&mut ours).poll_read(cx, &mut ReadBuf::new(&mut read));
        assert!(nothing.is_pending());
        assert_eq!(arrived(&mut theirs, cx), b"one two ");
    }

    #[test]
    fn only_for_http2_a_flush_is_put_off() {
        for (begins, put_off) in [("PRI * HTTP/2.0\r\n", true), ("PUT / HTTP/1.1\r\n", false)] {
            let (ours, mut theirs) = duplex(1024);
            let mut ours = Gathered::from_client(ours);
            let waker = waker(Arc::new(Woken::default()));
            let cx = &mut Context::from_waker(&waker);
            let said = Pin::new(&mut theirs).poll_write(cx, begins.as_bytes());
            assert!(said.is_ready());
            let mut bytes = [0; 64];
            let mut heard = ReadBuf::new(&mut bytes);
            assert!(Pin::new(&mut ours).poll_read(cx, &mut heard).is_ready());
            write(&mut ours, cx, b"answer");
            assert!(flush(&mut ours, cx));
            assert_eq!(arrived(&mut theirs, cx).is_empty(), put_off, "{begins}");
        }
    }

    #[test]
    fn a_turn_that_does_not_read_flushes() {
        let (mut ours, mut theirs) = pair(1024);
        let waker = waker(Arc::new(Woken::default()));
        let cx = &mut Context::from_waker(&waker);
        write(&mut ours, cx, b"answer");
        assert!(flush(&mut ours, cx));
        assert!(flush(&mut ours, cx));
        assert_eq!(arrived(&mut theirs, cx), b"answer");
    }

    #[test]
    fn who_does_not_read_is_not_gathered_for() {
        let (mut ours, mut theirs) = pair(1000);
        let waker = waker(Arc::new(Woken::default()));
        let cx = &mut Context::from_waker(&waker);
        let mut taken = 0;
        loop {
            let written = write(&mut ours, cx, &[7; 600]);
            if written == 0 {
                break;
            }
            taken += written;
        }
        assert!(taken <= 1000 + MOST_BYTES, "{taken} bytes were taken");
        assert!(
            !flush(&mut ours, cx) || !flush(&mut ours, cx),
            "it says all is written"
        );
        let mut came = 0;
        while came < taken {
            let some = arrived(&mut theirs, cx);
            assert!(some.iter().all(|byte| *byte == 7));
            came += some.len();
            let _ = flush(&mut ours, cx);
        }
        assert_eq!(came, taken);
        assert!(flush(&mut ours, cx));
        assert_eq!(ours.waiting.capacity(), 0, "an idle connection keeps room");
    }

    #[test]
    fn who_cannot_write_more_hears_when_all_is_gone() {
        let (mut ours, mut theirs) = pair(4);
        let waker = waker(Arc::new(Woken::default()));
        let cx = &mut Context::from_waker(&waker);
        write(&mut ours, cx, b"answer");
        assert!(flush(&mut ours, cx), "the first is put off");
        assert!(!flush(&mut ours, cx), "it does not fit");
        write(&mut ours, cx, b" and more");
        assert!(
            !flush(&mut ours, cx),
            "nothing is put off where nothing fits"
        );
        let mut came = Vec::new();
        while came.len() < 15 {
            came.extend(arrived(&mut theirs, cx));
            let flushed = flush(&mut ours, cx);
            assert!(!flushed || came.len() >= 11, "{} bytes came", came.len());
        }
        assert_eq!(came, b"answer and more");
    }

    #[test]
    fn what_waits_when_a_connection_is_dropped_is_not_lost() {
        let (mut ours, mut theirs) = pair(1024);
        let waker = waker(Arc::new(Woken::default()));
        let cx = &mut Context::from_waker(&waker);
        write(&mut ours, cx, b"farewell");
        assert!(flush(&mut ours, cx));
        drop(ours);
        assert_eq!(arrived(&mut theirs, cx), b"farewell");
    }

    #[test]
    fn what_came_before_the_connection_broke_is_read() {
        let (mut ours, mut theirs) = pair(1024);
        let waker = waker(Arc::new(Woken::default()));
        let cx = &mut Context::from_waker(&waker);
        let last = Pin::new(&mut theirs).poll_write(cx, b"go away");
        assert!(last.is_ready());
        drop(theirs);
        write(&mut ours, cx, b"question");
        let mut bytes = [0; 16];
        let mut read = ReadBuf::new(&mut bytes);
        let came = Pin::new(&mut ours).poll_read(cx, &mut read);
        assert!(matches!(came, Poll::Ready(Ok(()))), "{came:?}");
        assert_eq!(read.filled(), b"go away");
    }

    #[tokio::test]
    async fn all_comes_over_in_its_order_however_it_is_written() {
        let (mut ours, mut theirs) = pair(5000);
        let all: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        let sent = all.clone();
        let writing = tokio::spawn(async move {
            let mut rest = &sent[..];
            let mut size = 1;
            while !rest.is_empty() {
                let (one, other) = rest[..size.min(rest.len())].split_at(size.min(rest.len()) / 3);
                let parts = [IoSlice::new(one), IoSlice::new(other)];
                let written =
                    poll_fn(|cx| Pin::new(&mut ours).poll_write_vectored(cx, &parts)).await;
                rest = &rest[written.unwrap()..];
                size = size * 7 % 40_000 + 1;
                if size % 5 == 0 {
                    ours.flush().await.unwrap();
                }
            }
            ours.shutdown().await.unwrap();
        });
        let mut came = Vec::new();
        theirs.read_to_end(&mut came).await.unwrap();
        assert!(came == all);
        writing.await.unwrap();
    }
}
