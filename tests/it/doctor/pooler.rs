//! A real PgBouncer between the doctor and Postgres, where it is installed.

use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio_postgres::config::Host;

use super::{assert_reported, doctor_with};
use crate::harness::{Scratch, TestDatabase, eventually};

struct Pooler {
    url: String,
    _process: Child,
    _dir: Scratch,
}

impl Pooler {
    /// In front of this database; `None` where there is no PgBouncer.
    async fn start(database: &TestDatabase, mode: &str, connections: usize) -> Option<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        drop(listener);
        let dir = Scratch::new().await;
        let file = dir.path().join("pgbouncer.ini");
        let socket_dir = socket_dir(database);
        let settings = settings(database, &socket_dir, address, (mode, connections));
        std::fs::write(&file, settings).expect("it can be written");
        let mut command = Command::new("pgbouncer");
        if rustix::process::geteuid().is_root() {
            // It refuses to be root: the server's account may use the server's socket.
            let owner = std::fs::metadata(&socket_dir).expect("the server has it");
            command.uid(owner.uid()).gid(owner.gid());
            let readable = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(dir.path(), readable).expect("it is ours");
        }
        command.arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let process = command.spawn().ok()?;
        let listens = async || TcpStream::connect(address).await.is_ok();
        eventually("the pooler listens", listens).await;
        let url = format!("postgres://postgres@{address}/{}", database.name());
        Some(Self { url, _process: process, _dir: dir })
    }
}

fn conninfo(database: &TestDatabase) -> tokio_postgres::Config {
    database.url().parse().expect("a URL")
}

fn socket_dir(database: &TestDatabase) -> PathBuf {
    match &conninfo(database).get_hosts()[0] {
        Host::Unix(dir) => dir.clone(),
        Host::Tcp(host) => panic!("the server of the tests is on a socket, not at {host}"),
    }
}

fn settings(
    database: &TestDatabase,
    socket_dir: &Path,
    address: SocketAddr,
    (mode, connections): (&str, usize),
) -> String {
    let conninfo = conninfo(database);
    let (dir, port, name) = (socket_dir.display(), conninfo.get_ports()[0], database.name());
    let user = conninfo.get_user().expect("a user");
    format!(
        "[databases]\n{name} = host={dir} port={port} dbname={name} user={user}\n\
         [pgbouncer]\nlisten_addr = {}\nlisten_port = {}\nunix_socket_dir =\nauth_type = any\n\
         pool_mode = {mode}\ndefault_pool_size = {connections}\nquery_wait_timeout = 60\n",
        address.ip(),
        address.port(),
    )
}

#[tokio::test]
async fn a_transaction_pooler_is_recognised_and_its_drawbacks_are_named() {
    let database = TestDatabase::new().await;
    let Some(pooler) = Pooler::start(&database, "transaction", 4).await else { return };

    let (quiet, _) = doctor_with(&database, &[("DATABASE_URL", &pooler.url)]).await;
    let variables = [("DATABASE_URL", &*pooler.url), ("NOTIFY_CHANNEL", "users")];
    let (notifying, _) = doctor_with(&database, &variables).await;

    assert_reported(&quiet, "ok", "pooler", &["pools by transaction"]);
    let reported = ["pools by transaction", "a listener on users must connect to the database"];
    assert_reported(&notifying, "warn", "pooler", &reported);
}

#[tokio::test]
async fn a_pooler_that_keeps_sessions_together_or_none_is_no_finding() {
    let database = TestDatabase::new().await;

    let (direct, _) = doctor_with(&database, &[]).await;

    assert_reported(&direct, "ok", "pooler", &["none, or one that keeps sessions together"]);
    let Some(pooler) = Pooler::start(&database, "session", 4).await else { return };
    let (pooled, _) = doctor_with(&database, &[("DATABASE_URL", &pooler.url)]).await;
    assert_reported(&pooled, "ok", "pooler", &["keeps sessions together"]);
}

#[tokio::test]
async fn a_read_only_pooler_and_a_hanging_pooler_are_reported() {
    let database = TestDatabase::new().await;
    let Some(single) = Pooler::start(&database, "session", 1).await else { return };
    let by_statement = Pooler::start(&database, "statement", 4).await.expect("it is installed");

    let (waits, _) = doctor_with(&database, &[("DATABASE_URL", &single.url)]).await;
    let (fails, _) = doctor_with(&database, &[("DATABASE_URL", &by_statement.url)]).await;

    assert_reported(&waits, "warn", "pooler", &["a second connection is not served"]);
    assert_reported(&fails, "fail", "pooler", &["pool_mode=transaction"]);
}

#[tokio::test]
async fn an_address_of_a_hosted_pooler_is_recognised_by_its_name() {
    for (host, sign) in [
        ("ep-cool-name-123456-pooler.eu-central-1.aws.neon.tech", Some("ep-cool-name")),
        ("aws-0-eu-central-1.pooler.supabase.com", Some("aws-0")),
        ("db.example.com:6543", Some("port 6543")),
        ("db.example.com", None),
    ] {
        let url = format!("postgres://app@{host}/app?sslmode=disable");

        let found = crate::harness::conninfo(&url).pooler();

        let matches =
            found.as_deref().zip(sign).is_some_and(|(found, sign)| found.starts_with(sign));
        assert_eq!(matches, sign.is_some(), "{host}: {found:?}");
        assert_eq!(found.is_some(), sign.is_some(), "{host}: {found:?}");
    }
}
