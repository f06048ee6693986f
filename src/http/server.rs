//! The accept loop: as many connections as the limit allows, until the shutdown; then the accepted requests are answered.
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
const BUFFER: usize = 64 << 10;

/// Open files besides connections.
const OTHER_FILES: usize = 100;

/// Serves until `shutdown`, then answers the accepted and the waiting connections, and returns.
pub async fn serve(listener: TcpListener, app: Arc<App>, shutdown: impl Future<Output = ()>) {
    let limits = app.limits;
    limit_buffers(&listener);
    let seats = Seats::new(limits.connections.min(sockets()), limits.patience);
    let draining = app.draining.clone();
    let host = Host { router: router(app), limits, draining: draining.clone() };
    let (ended, tasks) = (CancellationToken::new(), TaskTracker::new());
    let connections = Connections { host, seats, ended, tasks };

    connections.welcome(&listener, shutdown).await;
    draining.cancel();
    let ends_at = Instant::now() + limits.drain;
    // A load balancer needs a moment to switch to another replica.
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

    /// Accepts the connections that still wait in the queue of the listener: closing it would reset them.
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
        // If the system refuses, there are fewer connections.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
}

/// The limit of open files, less those for databases, logs and the next connection: if `accept` fails, no connection makes room.
fn sockets() -> usize {
    let open_files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(open_files).unwrap_or(usize::MAX).saturating_sub(OTHER_FILES).max(1)
}

/// Unread data of either side waits in the kernel: by default up to megabytes.
fn limit_buffers(listener: &TcpListener) {
    // If the system refuses, its own limits hold.
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
