//! The Postgres of the tests: real, thrown away, and found or started by whoever needs it first.

mod private;
mod shared;

use std::{
    env, fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

pub(crate) use private::PrivateServer;
use shared::Shared;
use tokio::runtime;
use tokio_postgres::{Client, NoTls};
use users_sync::embedded;
use users_sync_embedded::{Error, Programs, Search, Settings, download};
use uuid::Uuid;

/// The guard of every server in the tests.
const GUARD: &str = env!("CARGO_BIN_EXE_users-sync");

/// A database that nobody else uses, gone when this is dropped.
pub(crate) struct TestDatabase {
    name: String,
    url: String,
    admin_url: String,
}

impl TestDatabase {
    /// A database with our tables.
    pub(crate) async fn new() -> Self {
        Self::copy_of_template(&super::migrations_hash(), super::migrate).await
    }

    /// A database with nothing in it.
    pub(crate) async fn empty() -> Self {
        Self::copy(Shared::server().await, "template0").await
    }

    /// A database with nothing in it and another encoding than UTF8.
    pub(crate) async fn encoded(encoding: &str) -> Self {
        let server = Shared::server().await;
        let name = format!("test_{}", Uuid::new_v4().simple());
        let locale = "lc_collate 'C' lc_ctype 'C'";
        let sql =
            format!("create database {name} encoding '{encoding}' {locale} template template0");
        server.run(&sql).await;
        Self { url: server.url(&name), admin_url: server.url("postgres"), name }
    }

    /// A copy of the database that `fill` has made of an empty one, once for each `hash`.
    pub(crate) async fn copy_of_template(hash: &str, fill: impl AsyncFnOnce(String)) -> Self {
        let server = Shared::server().await;
        let template = format!("template_{hash}");
        if !exists(server, &template).await {
            make_template(server, &template, fill).await;
        }
        Self::copy(server, &template).await
    }

    async fn copy(server: &Shared, template: &str) -> Self {
        let name = format!("test_{}", Uuid::new_v4().simple());
        let strategy = if server.major >= 15 { "strategy file_copy" } else { "" };
        server.run(&format!("create database {name} template {template} {strategy}")).await;
        Self { url: server.url(&name), admin_url: server.url("postgres"), name }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) async fn client(&self) -> Client {
        connect(&self.url).await
    }
}

/// The same place under another name.
pub(crate) fn as_role(url: &str, role: &str) -> String {
    match url.split_once("user=") {
        Some((before, rest)) => {
            let rest = rest.find(['&', ' ']).map_or("", |end| &rest[end..]);
            format!("{before}user={role}{rest}")
        }
        None => {
            let (scheme, rest) = url.split_once("://").expect("a URL");
            let place = rest.split_once('@').map_or(rest, |(_, place)| place);
            format!("{scheme}://{role}@{place}")
        }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let sql = format!("drop database {} with (force)", self.name);
        let url = self.admin_url.clone();
        // A test's own runtime cannot be waited for from inside it.
        let dropped = thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                connect(&url).await.batch_execute(&sql).await.expect("the database is dropped");
            });
        })
        .join();
        assert!(dropped.is_ok() || thread::panicking(), "{} was not dropped", self.name);
    }
}

/// Made under another name and then renamed: a template that exists is whole.
async fn make_template(server: &Shared, template: &str, fill: impl AsyncFnOnce(String)) {
    let _lock = shared::lock().await;
    if exists(server, template).await {
        return;
    }
    let unfinished = format!("{template}_unfinished");
    server.run(&format!("drop database if exists {unfinished} with (force)")).await;
    server.run(&format!("create database {unfinished} template template0")).await;
    fill(server.url(&unfinished)).await;
    // The backends of the clients that `fill` has dropped may take a moment to go.
    eventually("the template has no users", async || {
        let rename = format!("alter database {unfinished} rename to {template}");
        server.admin().await.batch_execute(&rename).await.is_ok()
    })
    .await;
}

async fn exists(server: &Shared, database: &str) -> bool {
    let sql = "select from pg_database where datname = $1";
    let found = server.admin().await.query_opt(sql, &[&database]).await;
    found.expect("the catalog can be read").is_some()
}

pub(crate) async fn connect(url: &str) -> Client {
    let (client, connection) =
        tokio_postgres::connect(url, NoTls).await.expect("the test's Postgres answers");
    tokio::spawn(connection);
    client
}

/// Waits until the condition holds, and fails the test when it does not in 30 seconds.
pub(crate) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds().await {
        assert!(Instant::now() < deadline, "not in 30 s: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The settings of an embedded server in `data_dir`, with the programs that the tests use.
pub(crate) fn settings(data_dir: &Path) -> Settings {
    let path = env::var_os("PATH").unwrap_or_default();
    Settings {
        data_dir: data_dir.into(),
        database: embedded::NAME.to_owned(),
        bin_dir: env::var_os("PG_BIN_DIR").map(PathBuf::from),
        path: env::split_paths(&path).collect(),
        guard: GUARD.into(),
    }
}

/// The server's programs, found or fetched as the service does; without them every test fails.
async fn programs() -> Programs {
    let settings = settings(Path::new(env!("CARGO_TARGET_TMPDIR")));
    let search = Search::new(settings.bin_dir.as_deref(), &settings.path);
    let programs = match Programs::find(search, None) {
        Err(nothing @ Error::NoPrograms { .. }) => {
            download::programs(&settings.data_dir, search, nothing).await
        }
        found => found,
    };
    programs.unwrap_or_else(|err| panic!("the tests need Postgres: {err}"))
}

/// A directory of a test, gone when this is dropped.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Below the shared server's directory, so that it goes with it if the test is killed.
    pub(crate) async fn new() -> Self {
        // Short: the paths of sockets below it have little room.
        let name = Uuid::new_v4().simple().to_string();
        let dir = Shared::server().await.dir.join(&name[..8]);
        fs::create_dir(&dir).expect("the tests' directory can be written");
        Self(dir)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let removed = fs::remove_dir_all(&self.0);
        assert!(removed.is_ok() || thread::panicking(), "{}: {removed:?}", self.0.display());
    }
}
