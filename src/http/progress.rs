//! How far a connection has come with a request and its answer.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Request, Version, header};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};

/// The progress of a connection.
#[derive(Clone, Default)]
pub(super) struct Progress(Arc<AtomicU8>);

/// Nothing is answered yet.
const BEGINS: u8 = 0;
/// A request is answered.
const ANSWERS: u8 = 1;
/// An answer was made, and another request may follow; hyper holds bytes of the answer.
const ANSWERED: u8 = 2;
/// The answer was sent, and hyper holds nothing.
const RESTS: u8 = 3;
/// An answer was made, and hyper knows what comes next.
const UP_TO_HYPER: u8 = 4;
/// An answer was made without reading the request's body: it is the last one.
const LEAVES_BODY: u8 = 5;

/// How the connection goes on after an answer.
#[derive(Clone, Copy)]
pub(super) enum Ending {
    Rests,
    UpToHyper,
    LeavesBody,
}

impl Progress {
    pub(super) fn begins_answer(&self) {
        self.0.store(ANSWERS, Ordering::Release);
    }

    /// The answer's body; when hyper has taken all of it, the answer is made.
    pub(super) fn until_taken(&self, body: Body, ending: Ending) -> Answer {
        Answer { body, progress: self.clone(), ending }
    }

    /// hyper holds no byte of an answer any more.
    pub(super) fn sent(&self) {
        let _ = self.0.compare_exchange(ANSWERED, RESTS, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Whether the whole answer is sent, and no byte of its request is left.
    pub(super) fn rests(&self) -> bool {
        self.now() == RESTS
    }

    pub(super) fn leaves_body(&self) -> bool {
        self.now() == LEAVES_BODY
    }

    /// Whether hyper has no answer of ours: then it sends its own refusal of a head.
    pub(super) fn is_between_answers(&self) -> bool {
        matches!(self.now(), BEGINS | RESTS)
    }

    fn now(&self) -> u8 {
        self.0.load(Ordering::Acquire)
    }
}

/// The body of an answer on its way.
pub(super) struct Answer {
    body: Body,
    progress: Progress,
    ending: Ending,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        let next = match self.ending {
            Ending::Rests => ANSWERED,
            Ending::UpToHyper => UP_TO_HYPER,
            Ending::LeavesBody => LEAVES_BODY,
        };
        self.progress.0.store(next, Ordering::Release);
    }
}

/// Whether a request's body was read to its end.
pub(super) struct Reading(Arc<AtomicBool>);

impl Reading {
    pub(super) fn of(request: Request<Incoming>) -> (Self, Request<Observed>) {
        let done = Arc::new(AtomicBool::new(request.body().is_end_stream()));
        (Self(done.clone()), request.map(|body| Observed { body, done }))
    }

    pub(super) fn is_done(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The body of a request.
pub(super) struct Observed {
    body: Incoming,
    done: Arc<AtomicBool>,
}

impl HttpBody for Observed {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if matches!(frame, Poll::Ready(None)) {
            self.done.store(true, Ordering::Release);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Whether the client lets another request follow; of HTTP/1.0 only hyper knows.
pub(super) fn may_go_on(version: Version, headers: &HeaderMap) -> bool {
    let stays = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"keep-alive");
    version == Version::HTTP_11 && headers.get_all(header::CONNECTION).iter().all(stays)
}
