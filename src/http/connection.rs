//! The life of one connection: it waits for a request, answers the pipelined requests, and waits again.
//!
//! hyper sees a connection while there is something to read, and for a moment after, since a busy client sends its next request
//! at once. So its time for a head runs for heads alone, a half one behind a whole request too, and a connection that rests costs a
//! socket and no buffers.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Request, Response, header};
use axum::response::IntoResponse;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::problem::Problem;
use super::progress::{self, Answer, Ending, Progress, Reading};
use super::seats::Seat;
use super::watched::Watched;
use super::{Limits, paths};

/// Bytes of a head at most.
const HEAD: usize = 32 << 10;

/// After an answer: a new hyper connection costs more than the wait of one that is there.
const LINGER: Duration = Duration::from_millis(250);

/// After our last word: a client that still sends would lose the answer if we closed under it.
const LAST_LOOK: Duration = Duration::from_secs(2);

/// The state that all connections share.
#[derive(Clone)]
pub(super) struct Host {
    pub(super) router: Router,
    pub(super) limits: Limits,
    pub(super) draining: CancellationToken,
}

/// The next state of a connection after its pipelined requests are answered.
enum Next {
    /// It waits, with the part of the next request that it has sent.
    Waits(TcpStream, Bytes),
    /// It closes after our last word, or after the answer that was the last.
    Closes(TcpStream, Option<Problem>),
    /// Nothing can be said or heard any more.
    Over,
}

/// How long a connection rests already.
struct Rest {
    length: Duration,
    /// Kept from rest to rest.
    ends: Option<Pin<Box<Sleep>>>,
    lasts: bool,
}

impl Rest {
    fn of(length: Duration) -> Self {
        Self { length, ends: None, lasts: false }
    }

    /// Ready when the connection rests for long enough to leave hyper.
    fn poll(&mut self, cx: &mut Context<'_>, rests: bool) -> Poll<()> {
        if !rests {
            self.lasts = false;
            return Poll::Pending;
        }
        let length = self.length;
        let ends = self.ends.get_or_insert_with(|| Box::pin(sleep(length)));
        if !self.lasts {
            self.lasts = true;
            ends.as_mut().reset(Instant::now() + length);
        }
        ends.as_mut().poll(cx)
    }
}

impl Host {
    /// Serves a connection to its end, or until its seat is needed.
    pub(super) async fn converse(self, stream: TcpStream, seat: Arc<Seat>) {
        // An answer is one small write: it must not wait for the next one.
        let _ = stream.set_nodelay(true);
        tokio::select! {
            () = self.converse_to_the_end(stream, &seat) => {}
            () = seat.is_needed() => {}
        }
    }

    async fn converse_to_the_end(&self, mut stream: TcpStream, seat: &Arc<Seat>) {
        let (mut begun, mut patience) = (Bytes::new(), self.limits.head_timeout);
        loop {
            if begun.is_empty() && !self.sends(&stream, patience).await {
                return;
            }
            match self.answer(stream, begun, seat).await {
                Next::Waits(rests, half) => (stream, begun) = (rests, half),
                Next::Closes(stream, problem) => return close(stream, problem).await,
                Next::Over => return,
            }
            patience = self.limits.idle_timeout;
        }
    }

    /// Waits for the first byte of a request.
    async fn sends(&self, stream: &TcpStream, patience: Duration) -> bool {
        let dismissed = async {
            self.draining.cancelled().await;
            sleep(self.limits.farewell).await;
        };
        let mut first = [0];
        tokio::select! {
            biased;
            sent = stream.peek(&mut first) => sent.is_ok_and(|sent| sent > 0),
            () = sleep(patience) => false,
            () = dismissed => false,
        }
    }

    /// Answers requests until the connection rests or ends.
    async fn answer(&self, stream: TcpStream, begun: Bytes, seat: &Arc<Seat>) -> Next {
        let progress = Progress::default();
        let (host, its_seat, its_progress) = (self.clone(), seat.clone(), progress.clone());
        let service = service_fn(move |request| {
            host.clone().respond(request, its_seat.clone(), its_progress.clone())
        });
        let watched = Watched::new(stream, begun, progress.clone(), self.limits.write_timeout);
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head_timeout)
            .max_buf_size(HEAD)
            // A client that closed its sending half may still read.
            .half_close(true)
            .serve_connection(TokioIo::new(watched), service);
        // hyper's time for a head runs meanwhile.
        let mut rest = Rest::of(LINGER.min(self.limits.head_timeout / 2));
        let ended = poll_fn(|cx| match Pin::new(&mut connection).poll(cx) {
            Poll::Ready(result) => Poll::Ready(Some(result)),
            Poll::Pending => rest.poll(cx, progress.rests()).map(|()| None),
        })
        .await;
        let parts = connection.into_parts();
        let watched = parts.io.into_inner();
        let refusal = watched.refusal;
        let (stream, unread) = watched.into_parts();
        match ended {
            // hyper pauses after some requests, with more of them at hand.
            None if !unread.is_empty() => {
                Next::Waits(stream, [parts.read_buf, unread].concat().into())
            }
            None => Next::Waits(stream, parts.read_buf),
            Some(_) if refusal.is_some() => Next::Closes(stream, refusal.map(refused)),
            Some(Err(error)) if error.is_timeout() && progress.is_between_answers() => {
                Next::Closes(stream, Some(Problem::HeadTooSlow))
            }
            Some(_) if progress.leaves_body() => Next::Closes(stream, None),
            Some(_) => Next::Over,
        }
    }

    /// One answer, which says whether it is the connection's last.
    async fn respond(
        self,
        mut request: Request<Incoming>,
        seat: Arc<Seat>,
        progress: Progress,
    ) -> Result<Response<Answer>, Infallible> {
        progress.begins_answer();
        seat.works();
        paths::mend(request.uri_mut());
        request.extensions_mut().insert(seat.clone());
        let may_go_on = progress::may_go_on(request.version(), request.headers());
        // hyper looks at the length of a head only while a part of it is missing.
        let is_too_large = length_of_head(&request) > HEAD;
        let (reading, request) = Reading::of(request);
        let mut response = if is_too_large {
            Problem::HeadTooLarge.into_response()
        } else {
            self.router.oneshot(request.map(Body::new)).await?
        };
        let is_read = reading.is_done();
        if is_too_large || !is_read || self.draining.is_cancelled() {
            // The rest of a body must not be parsed as the next request.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let ending = match (is_read, may_go_on) {
            (false, _) => Ending::LeavesBody,
            (true, true) if !response.headers().contains_key(header::CONNECTION) => Ending::Rests,
            (true, _) => Ending::UpToHyper,
        };
        seat.waits();
        Ok(response.map(|body| progress.until_taken(body, ending)))
    }
}

/// Bytes of the method, the address and the headers, without the signs between them.
fn length_of_head(request: &Request<Incoming>) -> usize {
    let address = request.uri().path_and_query().map_or(0, |address| address.as_str().len());
    let headers = request.headers().iter();
    address + headers.map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>()
}

/// hyper's own answers to invalid heads have no text.
fn refused(status: u16) -> Problem {
    match status {
        431 => Problem::HeadTooLarge,
        414 => Problem::AddressTooLong,
        _ => Problem::BadHead,
    }
}

/// Says the last word, and reads on for a moment: closing under a client that sends would take the answer from it.
async fn close(mut stream: TcpStream, problem: Option<Problem>) {
    let said = async {
        if let Some(problem) = problem {
            stream.write_all(&problem.to_bytes()).await?;
        }
        stream.shutdown().await?;
        let mut dropped = [0; 4096];
        while stream.read(&mut dropped).await? > 0 {}
        std::io::Result::Ok(())
    };
    let _or_gone = timeout(LAST_LOOK, said).await;
}
