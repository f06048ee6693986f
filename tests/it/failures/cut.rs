//! Connections that something between us and Postgres has dropped silently.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use users_sync::sync;

use super::created;
use crate::harness::{Service, ServiceSettings, TestDatabase};

/// A middlebox: it drops the packets of a cut connection, and the connection stays open.
struct Middlebox {
    port: u16,
    /// Applies to the connections that exist now.
    cut: Arc<AtomicBool>,
}

impl Middlebox {
    async fn before(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("a bound address").port();
        let (_, host) = url.split_once("host=").expect("a socket");
        let host = host.split('&').next().expect("a directory");
        let host = percent_decode_str(host).decode_utf8().expect("it is text");
        let socket = format!("{host}/.s.PGSQL.5432");
        let cut = Arc::new(AtomicBool::new(false));
        let state = cut.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&socket).await.expect("Postgres listens");
                // A new connection is not cut.
                let cut =
                    if state.load(Ordering::Relaxed) { Arc::default() } else { state.clone() };
                tokio::spawn(pass(client, server, cut));
            }
        });
        Self { port, cut }
    }

    fn url(&self, database: &TestDatabase) -> String {
        let (port, name) = (self.port, database.name());
        format!("postgresql://postgres@127.0.0.1:{port}/{name}?sslmode=disable")
    }
}

async fn pass(client: TcpStream, server: UnixStream, cut: Arc<AtomicBool>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let answers =
        tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    let mut bytes = [0; 16 * 1024];
    while let Ok(length @ 1..) = from_client.read(&mut bytes).await {
        if !cut.load(Ordering::Relaxed) && to_server.write_all(&bytes[..length]).await.is_err() {
            break;
        }
    }
    answers.abort();
}

#[tokio::test]
async fn a_delivery_over_a_silently_cut_connection_is_answered_200() {
    let database = TestDatabase::new().await;
    let middlebox = Middlebox::before(database.url()).await;
    let limits = sync::Limits { commit: Duration::from_secs(1), ..sync::Limits::default() };
    let settings = ServiceSettings { sync: limits, ..ServiceSettings::default() };
    let service = Service::start_with(&middlebox.url(&database), settings).await;
    assert_eq!(service.post(&created("user_1")).await.outcome(), "applied");

    middlebox.cut.store(true, Ordering::Relaxed);

    for id in ["user_2", "user_3", "user_4"] {
        assert_eq!(service.post(&created(id)).await.outcome(), "applied", "{id}");
    }
}
