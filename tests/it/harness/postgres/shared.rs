use std::{
    env,
    ffi::OsStr,
    fs::{self, DirBuilder, File, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use aws_lc_rs::digest;
use rustix::{fs::OFlags, io::Errno};
use tokio::sync::OnceCell;
use tokio_postgres::Client;
use users_sync_embedded::{Cluster, Options, Postmaster, Server, User, socket};

use super::{GUARD, connect, eventually, programs};

/// Speed over safety: nobody misses this data after a crash of the machine.
pub(super) const CARELESS: &[(&str, &str)] =
    &[("fsync", "off"), ("full_page_writes", "off"), ("autovacuum", "off")];
/// Between two tests that nextest runs one after the other, no process needs the server.
const LINGER: Duration = Duration::from_secs(1);
const ROOM: u64 = 1 << 30;

/// The one server of a test run. Each test process holds the writing end of a named pipe, whose
/// reader is the server's guard: when the last one ends, in whatever way, server and files go.
pub(super) struct Shared {
    pub(super) dir: PathBuf,
    pub(super) major: u32,
    socket_dir: PathBuf,
    _alive: File,
}

impl Shared {
    pub(super) async fn server() -> &'static Self {
        static SERVER: OnceCell<Shared> = OnceCell::const_new();
        SERVER.get_or_init(Self::join_or_start).await
    }

    async fn join_or_start() -> Self {
        let dir = directory();
        let _lock = lock().await;
        let alive = match join(&dir.join("alive")).await {
            Some(alive) => alive,
            None => start(&dir).await,
        };
        let data = data(&dir);
        // Who started it may have been killed before it was ready.
        let ready = async || Postmaster::running(&data).is_some_and(|server| server.ready);
        eventually("the shared server is ready", ready).await;
        let server = Postmaster::running(&data).expect("the pipe keeps it running");
        let version = Cluster::version(&data).expect("it has data").expect("it has a version");
        let major = version.parse().expect("the version is a number");
        Self { socket_dir: server.socket_dir, dir, major, _alive: alive }
    }

    pub(super) fn url(&self, database: &str) -> String {
        socket::url(&self.socket_dir, database)
    }

    pub(super) async fn admin(&self) -> Client {
        connect(&self.url("postgres")).await
    }

    pub(super) async fn run(&self, sql: &str) {
        let done = self.admin().await.batch_execute(sql).await;
        done.unwrap_or_else(|err| panic!("{sql}: {err:?}"));
    }

    /// What initdb made, never started: to be copied.
    pub(super) fn pristine(&self) -> PathBuf {
        data(&self.dir).with_file_name("pristine")
    }
}

/// One process of the run at a time: the lock is on the test program itself, so no file is left.
pub(super) async fn lock() -> File {
    let program = env::current_exe().and_then(File::open).expect("the test program can be read");
    let taken = async || match program.try_lock() {
        Ok(()) => true,
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(err)) => panic!("the test program cannot be locked: {err}"),
    };
    eventually("the lock of the test run is free", taken).await;
    program
}

/// A directory for this program, user and Postgres, in memory where there is room.
fn directory() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let room = rustix::fs::statvfs(memory).map_or(0, |fs| fs.f_bavail * fs.f_frsize);
    let base = if room >= ROOM { memory.to_owned() } else { env::temp_dir() };
    let program = env::current_exe().expect("a program has a path");
    // A run with another Postgres must not join the server of this one.
    let postgres = env::var_os("PG_BIN_DIR").unwrap_or_default();
    let names = [program.as_os_str().as_encoded_bytes(), postgres.as_encoded_bytes()].concat();
    let digest = digest::digest(&digest::SHA256, &names);
    let user = rustix::process::geteuid().as_raw();
    base.join(format!("users-sync-tests-{user}-{}", hex::encode(&digest.as_ref()[..4])))
}

fn data(dir: &Path) -> PathBuf {
    dir.join("postgres").join("data")
}

/// The writing end of the pipe, when a guard reads it that has not decided to stop its server:
/// it takes a byte that is written after we are connected, so from then on it cannot see the end.
async fn join(pipe: &Path) -> Option<File> {
    let mut alive = writing_end(pipe)?;
    alive.write_all(b".").ok()?;
    let mut taken = false;
    eventually("the guard goes on or goes away", async || {
        taken = rustix::io::ioctl_fionread(&alive).is_ok_and(|unread| unread == 0);
        taken || writing_end(pipe).is_none()
    })
    .await;
    taken.then_some(alive)
}

fn writing_end(pipe: &Path) -> Option<File> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    match File::options().write(true).custom_flags(flags).open(pipe) {
        Ok(file) => Some(file),
        Err(err) if Errno::from_io_error(&err) == Some(Errno::NXIO) => None,
        Err(err) if err.kind() == io::ErrorKind::NotFound => None,
        Err(err) => panic!("{}: {err}", pipe.display()),
    }
}

async fn start(dir: &Path) -> File {
    clear(dir).await;
    let programs = programs().await;
    let home = dir.join("postgres");
    let user = User::for_data(&home).expect("there is a user to run Postgres as");
    DirBuilder::new().mode(0o711).create(dir).expect("the tests' directory can be made");
    socket::make_private(&home, user.as_ref()).expect("the server's directory can be made");
    let socket_dir = socket::directory(&home.join("socket"), user.as_ref()).expect("a socket's");
    let pristine = Cluster::create(&home.join("pristine"), programs, user, false).await;
    let pristine = pristine.unwrap_or_else(|err| panic!("{err}"));
    let cluster = copy(&pristine, &data(dir));
    let (lifeline, alive) = pipe(&dir.join("alive"));
    let options = Options {
        guard: GUARD.as_ref(),
        socket_dir: &socket_dir,
        log: &dir.join("postgres.log"),
        settings: &[CARELESS, &[("max_connections", "300")]].concat(),
        lifeline: Some(&lifeline),
        linger: LINGER,
        then_remove: Some(dir),
    };
    Server::start(&cluster, &options).await.unwrap_or_else(|err| panic!("{err}"));
    alive
}

/// Removes what a run has left whose guard was killed.
async fn clear(dir: &Path) {
    let data = data(dir);
    if let Some(orphan) = Postmaster::running(&data) {
        orphan.stop(&data).await.expect("an orphan can be stopped");
    }
    match fs::remove_dir_all(dir) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => panic!("{}: {err}", dir.display()),
        _ => {}
    }
}

/// Both ends of a new named pipe.
fn pipe(path: &Path) -> (File, File) {
    let made =
        Command::new("mkfifo").args([OsStr::new("-m"), OsStr::new("600")]).arg(path).status();
    assert!(made.is_ok_and(|made| made.success()), "{} cannot be made", path.display());
    // Without NONBLOCK, opening one end waits for the other; the guard's reads must wait.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let reading = File::options().read(true).custom_flags(flags).open(path).expect("a pipe");
    let writing = writing_end(path).expect("it has a reader");
    rustix::fs::fcntl_setfl(&reading, OFlags::empty()).expect("a pipe can be made to wait");
    (reading, writing)
}

/// A copy of data that no server has started on.
pub(super) fn copy(cluster: &Cluster, to: &Path) -> Cluster {
    copy_dir(&cluster.dir, to).expect("initdb's result can be copied");
    if let Some(user) = &cluster.user {
        user.own(to).expect("the copy can be given to the server's user");
    }
    Cluster { dir: to.into(), ..cluster.clone() }
}

fn copy_dir(from: &Path, to: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_dir(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
