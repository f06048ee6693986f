//! The Postgres that starts when no database is configured: the system's own programs, durable,
//! on a private Unix socket, with data that outlives us and a server that does not.

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
pub use error::{Error, Output};
pub use guard::guard;
use lock::Lock;
pub use postmaster::Postmaster;
pub use programs::{Programs, Search, USUAL_PLACES};
pub use server::{Options, Server};
pub use user::User;

const DATABASE: &str = "users_sync";
const CREATE_DATABASE: &str = include_str!("../sql/embedded/create_database.sql");

/// Where the embedded server lives and where its programs are looked for.
#[derive(Debug, Clone)]
pub struct Settings {
    pub data_dir: PathBuf,
    /// `PG_BIN_DIR`: the programs' directory, when it is not to be searched for.
    pub pg_bin_dir: Option<PathBuf>,
    /// The `PATH`, split.
    pub path: Vec<PathBuf>,
    /// Our own executable, which is run as `<guard> embedded-guard …`.
    pub guard: PathBuf,
}

/// The embedded server, ours alone while this lives.
#[derive(Debug)]
pub struct Embedded {
    server: Server,
    lock: Lock,
    data_dir: PathBuf,
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
        make_database(&server).await?;
        lock.announce().map_err(Error::directory(&data_dir))?;
        Ok(Self { server, lock, data_dir })
    }

    /// A URL that any client of Postgres accepts, as long as it may enter the socket's directory.
    pub fn url(&self) -> String {
        self.server.url(DATABASE)
    }

    /// Lets commands on the same directory find the service that this server is for.
    pub fn announce(&self, service: SocketAddr) -> Result<(), Error> {
        self.lock.announce_service(service).map_err(Error::directory(&self.data_dir))
    }

    /// Disconnects the clients, stops the server, and lets the next process have the directory.
    pub async fn stop(self) -> Result<(), Error> {
        let Self { server, lock, data_dir: _ } = self;
        let stopped = server.stop().await;
        drop(lock);
        stopped
    }
}

/// The URL of the server that another process of ours runs on this directory.
pub fn running(data_dir: &Path) -> Option<String> {
    let (data_dir, server) = postmaster_of(data_dir)?;
    lock::is_announced(&data_dir).then(|| socket::url(&server.socket_dir, DATABASE))
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

/// Where the data goes unless the operator says otherwise; `None` for a user without a home.
pub fn default_data_dir(
    is_root: bool,
    xdg_data_home: Option<PathBuf>,
    home: Option<PathBuf>,
) -> Option<PathBuf> {
    if is_root {
        // Postgres does not run as root, and root's home is closed to the user that it runs as.
        return Some("/var/lib/users-sync".into());
    }
    let base = xdg_data_home.filter(|dir| dir.is_absolute());
    let base = base.or_else(|| home.map(|home| home.join(".local/share")))?;
    Some(base.join("users-sync"))
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
    tracing::warn!(pid = orphan.pid, "stopping the Postgres that a killed users-sync left behind");
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
    let search = Search::new(settings.pg_bin_dir.as_deref(), &settings.path);
    let programs = programs(data_dir, search, wanted).await?;
    if let Some(user) = &user {
        user.must_enter(data_dir, "USERS_SYNC_DATA_DIR")?;
        user.must_enter(&programs.dir, "PG_BIN_DIR")?;
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
async fn make_database(server: &Server) -> Result<(), Error> {
    match connect(&server.url(DATABASE)).await {
        Err(err) if err.code() == Some(&SqlState::INVALID_CATALOG_NAME) => {
            let client = connect(&server.url("postgres")).await?;
            Ok(client.batch_execute(CREATE_DATABASE).await?)
        }
        done => Ok(done.map(drop)?),
    }
}

async fn connect(url: &str) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
