//! What strangers do to keep others out, and crowds of them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::harness::eventually;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Sends nothing.
    Silent,
    /// Never ends its head, which is long.
    HalfHead,
    /// Never ends a form that needs no session.
    HalfForm,
    /// Never ends a long body that looks signed.
    HalfBody,
    /// Sends one request, then stays idle.
    Rests,
    /// Sends half a head after a whole request.
    HalfHeadBehind,
    /// Sends many requests, and never reads.
    NeverReads,
    /// Tries wrong tokens, again and again.
    Guesses,
    /// Asks whether the service is ready, again and again.
    Probes,
}

impl Kind {
    pub(super) const ALL: [Self; 9] = [
        Self::Silent,
        Self::HalfHead,
        Self::HalfForm,
        Self::HalfBody,
        Self::Rests,
        Self::HalfHeadBehind,
        Self::NeverReads,
        Self::Guesses,
        Self::Probes,
    ];

    fn says(self) -> Vec<u8> {
        let health = "GET /healthz HTTP/1.1\r\nhost: test\r\n\r\n";
        match self {
            Self::Silent => Vec::new(),
            Self::HalfHead => {
                format!("GET /healthz HTTP/1.1\r\nx-long: {}", "x".repeat(30_000)).into_bytes()
            }
            Self::HalfForm => sign_in(16_000, &"x".repeat(15_000)),
            Self::HalfBody => {
                let now = Timestamp::now().as_second();
                let head = format!(
                    "POST /webhooks/clerk HTTP/1.1\r\nhost: test\r\nsvix-id: msg_1\r\nsvix-timestamp: {now}\r\nsvix-signature: v1,bm9uZQ==\r\ncontent-length: 1048576\r\n\r\n"
                );
                [head.into_bytes(), vec![b' '; 1_000_000]].concat()
            }
            Self::Rests => health.into(),
            Self::HalfHeadBehind => format!("{health}GET /healthz HTTP/1.1\r\nhost: t").into(),
            Self::NeverReads => {
                "GET /admin/htmx-2.0.11.min.js HTTP/1.1\r\nhost: t\r\n\r\n".repeat(40).into()
            }
            Self::Guesses => sign_in(11, "token=wrong"),
            Self::Probes => "GET /readyz HTTP/1.1\r\nhost: test\r\n\r\n".into(),
        }
    }
}

fn sign_in(length: usize, body: &str) -> Vec<u8> {
    let form = "content-type: application/x-www-form-urlencoded";
    format!("POST /admin/sign-in HTTP/1.1\r\nhost: test\r\n{form}\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// Strangers who reconnect as soon as the service closes their connection; they end when this is dropped.
pub(super) struct Crowd(#[expect(dead_code, reason = "dropping it ends them")] JoinSet<()>);

impl Crowd {
    /// Returns when all have connected.
    pub(super) async fn gather(address: SocketAddr, kind: Kind, size: usize) -> Self {
        let mut strangers = JoinSet::new();
        let come = Arc::new(AtomicUsize::new(0));
        for _ in 0..size {
            let come = come.clone();
            strangers.spawn(async move {
                let mut is_new = true;
                loop {
                    let Ok(stream) = connect(address).await else { return };
                    if std::mem::take(&mut is_new) {
                        come.fetch_add(1, Ordering::Relaxed);
                    }
                    annoy(stream, kind).await;
                    // Imitates the delay of a stranger's network.
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
            });
        }
        eventually("they have come", async || come.load(Ordering::Relaxed) == size).await;
        Self(strangers)
    }
}

/// With a small receive buffer.
async fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(4 << 10)?;
    socket.connect(address).await
}

/// Sends until the connection ends.
async fn annoy(mut stream: TcpStream, kind: Kind) {
    let says = kind.says();
    let mut dropped = [0; 4096];
    if stream.write_all(&says).await.is_err() {
        return;
    }
    if kind == Kind::NeverReads {
        let is_open = |written: std::io::Result<usize>| match written {
            Ok(_) => true,
            Err(error) => error.kind() == std::io::ErrorKind::WouldBlock,
        };
        while is_open(stream.try_write(b"\r\n")) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        return;
    }
    while stream.read(&mut dropped).await.is_ok_and(|read| read > 0) {
        if matches!(kind, Kind::Guesses | Kind::Probes) {
            let pause = if kind == Kind::Guesses { 2_000 } else { 100 };
            tokio::time::sleep(Duration::from_millis(pause)).await;
            if stream.write_all(&says).await.is_err() {
                return;
            }
        }
    }
}
