//! A connection that notices a dripping head: hyper's own timer cannot tell it from a connection that rests between requests.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// Where a connection stands: odd while a request is answered, even while a head is on its way or nothing is.
#[derive(Clone, Default)]
pub struct Phase(Arc<AtomicU32>);

impl Phase {
    /// Called when a head is complete, and again when its answer is.
    pub fn advance(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }

    fn now(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }
}

/// A stream whose reads fail with `TimedOut` when a head takes too long.
pub struct Watched<S> {
    stream: S,
    phase: Phase,
    seen: u32,
    head_timeout: Duration,
    /// Runs while a head is on its way: from the start of the connection, then from a head's first byte.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> Watched<S> {
    pub fn new(stream: S, phase: Phase, head_timeout: Duration) -> Self {
        let deadline = Some(Box::pin(sleep(head_timeout)));
        Self { stream, seen: phase.now(), phase, head_timeout, deadline }
    }

    pub fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let phase = self.phase.now();
        if phase != self.seen {
            // The head that the deadline was for has come.
            self.seen = phase;
            self.deadline = None;
        }
        let before = buf.filled().len();
        if let Poll::Ready(result) = Pin::new(&mut self.stream).poll_read(cx, buf) {
            let begins_head = phase.is_multiple_of(2) && self.deadline.is_none();
            if begins_head && buf.filled().len() > before {
                self.deadline = Some(Box::pin(sleep(self.head_timeout)));
            }
            return Poll::Ready(result);
        }
        let Some(deadline) = &mut self.deadline else { return Poll::Pending };
        ready!(deadline.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
