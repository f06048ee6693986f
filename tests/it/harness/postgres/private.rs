use std::{
    fs,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tokio_postgres::Client;
use users_sync_embedded::{Cluster, Options, Postmaster, Server, User, socket};
use uuid::Uuid;

use super::{
    GUARD, connect, programs,
    shared::{self, CARELESS, Shared},
};

/// A server of its own, for a test that stops, starts or kills it; gone when this is dropped.
pub(crate) struct PrivateServer {
    cluster: Cluster,
    socket_dir: PathBuf,
    log: PathBuf,
    url: String,
    settings: Vec<(&'static str, &'static str)>,
    server: Option<Server>,
}

impl PrivateServer {
    /// A server that forgets what it has not written when the machine crashes (not when it does).
    pub(crate) async fn start() -> Self {
        Self::start_with(CARELESS).await
    }

    /// A server with these settings of Postgres.
    pub(crate) async fn start_with(settings: &[(&'static str, &'static str)]) -> Self {
        let pristine = Shared::server().await.pristine();
        let name = Uuid::new_v4().simple().to_string();
        let user = User::for_data(&pristine).expect("the shared server has a user");
        let pristine =
            Cluster::open(&pristine, programs().await, user).expect("initdb has made it");
        let cluster = shared::copy(&pristine, &pristine.dir.with_file_name(&name));
        let socket_dir = pristine.dir.with_file_name(format!("{}-s", &name[..8]));
        let socket_dir = socket::directory(&socket_dir, cluster.user.as_ref()).expect("a socket's");
        let log = cluster.dir.with_extension("log");
        let url = socket::url(&socket_dir, "postgres");
        let settings = settings.to_vec();
        let mut private = Self { cluster, socket_dir, log, url, settings, server: None };
        private.start_again().await;
        private
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) async fn client(&self) -> Client {
        connect(&self.url).await
    }

    pub(crate) async fn start_again(&mut self) {
        assert!(self.server.is_none(), "the private server runs already");
        let options = Options {
            guard: GUARD.as_ref(),
            socket_dir: &self.socket_dir,
            log: &self.log,
            settings: &self.settings,
            lifeline: None,
            linger: Duration::ZERO,
            then_remove: None,
        };
        let started = Server::start(&self.cluster, &options).await;
        self.server = Some(started.unwrap_or_else(|err| panic!("{err}")));
    }

    pub(crate) async fn stop(&mut self) {
        let server = self.server.take().expect("the private server runs");
        server.stop().await.expect("the private server stops");
    }

    /// Kills it as a crash would; what it had committed is there when it starts again.
    pub(crate) async fn kill9(&mut self) {
        let server = self.server.as_ref().expect("the private server runs");
        kill(server.pid(), Signal::KILL);
        self.stop().await;
    }
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            kill(server.pid(), Signal::QUIT);
        }
        let deadline = Instant::now() + Duration::from_secs(10);
        while Postmaster::running(&self.cluster.dir).is_some() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
        // What cannot be removed goes with the shared server's directory.
        let _data = fs::remove_dir_all(&self.cluster.dir);
        let _socket = fs::remove_dir_all(&self.socket_dir);
        let _log = fs::remove_file(&self.log);
    }
}

fn kill(pid: i32, signal: Signal) {
    let pid = Pid::from_raw(pid).expect("a server has a number");
    kill_process(pid, signal).expect("the server is there to be killed");
}
