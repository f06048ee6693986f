//! The accept loop: as many connections as the limit allows, until it is told to end; then what was taken is answered.
//!
//! Our own, because `axum::serve` sets no timer: it never closes a connection that sends nothing or drips its head.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use rustix::net::sockopt::{set_socket_recv_buffer_size, set_socket_send_buffer_size};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::Host;
use super::seats::{Place, Seats};
use super::{App, Limits, router};

/// Bytes that the kernel holds of one connection, each way.
const BUFFER: usize = 128 << 10;

/// Serves until `shutdown`, then answers what was taken, and what waits to be taken, and returns.
pub async fn serve(listener: TcpListener, app: Arc<App>, shutdown: impl Future<Output = ()>) {
    let limits = app.limits;
    limit_buffers(&listener);
    let seats = Seats::new(limits.connections, limits.patience);
    let draining = app.draining.clone();
    let host = Host { router: router(app), limits, draining: draining.clone() };
    let (ended, tasks) = (CancellationToken::new(), TaskTracker::new());
    let connections = Connections { host, seats, ended, tasks };

    connections.welcome(&listener, shutdown).await;
    draining.cancel();
    let ends_at = Instant::now() + limits.drain;
    // Whoever looks for another replica needs a moment for it.
    connections.welcome(&listener, sleep(limits.farewell)).await;
    connections.take_rest(listener);
    connections.end(limits, ends_at).await;
}

struct Connections {
    host: Host,
    seats: Arc<Seats>,
    /// Cancelled when no connection may take longer.
    ended: CancellationToken,
    tasks: TaskTracker,
}

impl Connections {
    async fn welcome(&self, listener: &TcpListener, end: impl Future<Output = ()>) {
        let mut end = pin!(end);
        loop {
            let stream = tokio::select! {
                stream = accept(listener) => stream,
                () = &mut end => return,
            };
            tokio::select! {
                place = self.seats.take() => self.serve(stream, place),
                () = &mut end => return self.serve(stream, self.seats.add()),
            }
        }
    }

    /// Takes the connections that were made before nobody listens any more: they would be reset.
    fn take_rest(&self, listener: TcpListener) {
        let Ok(listener) = listener.into_std() else { return };
        while let Ok((stream, _)) = listener.accept() {
            if stream.set_nonblocking(true).is_err() {
                continue;
            }
            if let Ok(stream) = TcpStream::from_std(stream) {
                self.serve(stream, self.seats.add());
            }
        }
    }

    fn serve(&self, stream: TcpStream, place: Place) {
        let (host, ended) = (self.host.clone(), self.ended.clone());
        self.tasks.spawn(async move {
            tokio::select! {
                () = host.converse(stream, place.seat.clone()) => {}
                () = ended.cancelled() => {}
            }
            drop(place);
        });
    }

    async fn end(self, limits: Limits, at: Instant) {
        self.tasks.close();
        while !self.tasks.is_empty() {
            tokio::select! {
                () = self.tasks.wait() => return,
                () = sleep(Duration::from_millis(100)) => self.seats.dismiss(limits.hurry),
            }
            if Instant::now() >= at {
                let left = self.tasks.len();
                tracing::warn!(left, "connections that did not end in time are closed");
                self.ended.cancel();
                return self.tasks.wait().await;
            }
        }
    }
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

/// What a client does not read, or sends and we do not read, waits in the kernel: by default up to megabytes of it.
fn limit_buffers(listener: &TcpListener) {
    // Where it is not allowed, the system's limits hold.
    let _ = set_socket_send_buffer_size(listener, BUFFER);
    let _ = set_socket_recv_buffer_size(listener, BUFFER);
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
