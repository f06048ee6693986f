//! A stream that gives up a client that does not read, and notices when an answer is sent.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::progress::Progress;

/// A stream that starts with the bytes that were read before, and drops hyper's own refusals.
pub(super) struct Watched {
    stream: TcpStream,
    /// The bytes that were read before.
    begun: Bytes,
    progress: Progress,
    /// The status of hyper's refusal of a head: it has no words, so we send one of ours.
    pub(super) refusal: Option<u16>,
    write_timeout: Duration,
    /// Runs from the first write that the client delays until it has read everything; single bytes do not reset it.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Watched {
    pub(super) fn new(
        stream: TcpStream,
        begun: Bytes,
        progress: Progress,
        write_timeout: Duration,
    ) -> Self {
        Self { stream, begun, progress, refusal: None, write_timeout, deadline: None }
    }

    /// The stream, and the bytes that hyper has not read yet.
    pub(super) fn into_parts(self) -> (TcpStream, Bytes) {
        (self.stream, self.begun)
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.begun.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let length = self.begun.len().min(buf.remaining());
        buf.put_slice(&self.begun.split_to(length));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.progress.is_between_answers() {
            let status = buf.get(9..12).and_then(|status| std::str::from_utf8(status).ok());
            self.refusal = self.refusal.or_else(|| status?.parse().ok());
            return Poll::Ready(Ok(buf.len()));
        }
        if let Poll::Ready(result) = Pin::new(&mut self.stream).poll_write(cx, buf) {
            return Poll::Ready(result);
        }
        let timeout = self.write_timeout;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(timeout)));
        ready!(deadline.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // hyper flushes only complete writes.
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.deadline = None;
        self.progress.sent();
        Poll::Ready(Ok(()))
    }

    /// The owner of the stream closes it, after it has written the rest.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
