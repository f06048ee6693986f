//! The accept loop: as many connections as the limit allows, until it is told to end; then what was taken is answered.
//!
//! Our own, because `axum::serve` sets no timer: it never closes a connection that sends nothing or drips its head.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::connection::{Phase, Watched};
use super::{App, Limits, router};

/// Serves until `shutdown`, then answers what was taken and returns.
pub async fn serve(listener: TcpListener, app: Arc<App>, shutdown: impl Future<Output = ()>) {
    let (draining, limits) = (app.draining.clone(), app.limits);
    let permits = Arc::new(Semaphore::new(limits.connections));
    let connections = TaskTracker::new();
    let router = router(app);
    let mut shutdown = pin!(shutdown);

    loop {
        let next = async {
            let permit = permits.clone().acquire_owned().await.expect("never closed");
            (permit, accept(&listener).await)
        };
        let (permit, stream) = tokio::select! {
            next = next => next,
            () = &mut shutdown => break,
        };
        let connection = converse(stream, router.clone(), limits, draining.clone());
        connections.spawn(async move {
            connection.await;
            drop(permit);
        });
    }
    drop(listener);
    draining.cancel();
    connections.close();
    connections.wait().await;
}

/// Lets the process have as many open files as the system allows it: each connection is one, and a shell's usual limit is
/// 1,024.
pub fn raise_open_files_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        // Where it is not allowed, connections above the limit wait.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
}

/// Out of file descriptors, or a client that went away while it waited: neither ends the service.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn converse(stream: TcpStream, router: Router, limits: Limits, draining: CancellationToken) {
    // An answer is one small write: it must not wait for the next one.
    let _ = stream.set_nodelay(true);
    let phase = Phase::default();
    let io = TokioIo::new(Watched::new(stream, phase.clone(), limits.head_timeout));
    let service = service_fn(move |request: Request<Incoming>| {
        let (router, phase) = (router.clone(), phase.clone());
        async move {
            phase.advance();
            let response = router.oneshot(request.map(Body::new)).await;
            phase.advance();
            response
        }
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle_timeout)
        .serve_connection(io, service);

    let result = tokio::select! {
        result = &mut connection => result,
        () = draining.cancelled() => {
            std::pin::Pin::new(&mut connection).graceful_shutdown();
            (&mut connection).await
        }
    };
    if result.is_err_and(|error| is_slow_head(&error)) {
        let mut stream = connection.into_parts().io.into_inner().into_inner();
        let _ = stream.write_all(SLOW_HEAD).await;
        let _ = stream.shutdown().await;
    }
}

/// hyper has no answer for a head that never ends.
const SLOW_HEAD: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

fn is_slow_head(error: &hyper::Error) -> bool {
    std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<io::Error>())
        .is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
}
