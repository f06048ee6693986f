use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::{
    Error,
    cluster::Cluster,
    error::Output,
    guard::{GUARD, Job},
    postmaster::{POLL, Postmaster},
    private, socket,
};

/// Long, because a server that crashed replays its log before it is ready.
const START: Duration = Duration::from_secs(180);
const BACKENDS: Duration = Duration::from_secs(10);

/// How a server is started.
#[derive(Debug)]
pub struct Options<'a> {
    /// Our own executable, which is run with [`GUARD`] as its first argument.
    pub guard: &'a Path,
    /// A directory that only the server's account can enter.
    pub socket_dir: &'a Path,
    /// What the server says, emptied first.
    pub log: &'a Path,
    /// Settings of Postgres that come before those of its configuration file.
    pub settings: &'a [(&'a str, &'a str)],
    /// The server lives as long as someone has the writing end of this open; `None`: as we do.
    pub lifeline: Option<&'a File>,
    /// How long it survives without a writer.
    pub linger: Duration,
    /// A directory of its own, removed by the guard when the server has stopped.
    pub then_remove: Option<&'a Path>,
}

/// A running server and its guard.
#[derive(Debug)]
pub struct Server {
    guard: Child,
    pid: i32,
    cluster: PathBuf,
    socket_dir: PathBuf,
}

impl Server {
    /// Starts a server on a private Unix socket and waits until it accepts connections.
    pub async fn start(cluster: &Cluster, options: &Options<'_>) -> Result<Self, Error> {
        let deadline = Instant::now() + BACKENDS;
        loop {
            match Self::start_once(cluster, options).await {
                // Of a server that was killed, the backends take a moment to notice.
                Err(Error::Crashed { output, .. })
                    if output.says("pre-existing shared memory block")
                        && Instant::now() < deadline =>
                {
                    tokio::time::sleep(POLL * 10).await;
                }
                done => return done,
            }
        }
    }

    async fn start_once(cluster: &Cluster, options: &Options<'_>) -> Result<Self, Error> {
        let mut guard = spawn(cluster, options)?;
        let Some(pid) = server_pid(&mut guard).await else {
            return Err(crashed(options.log));
        };
        let socket_dir = options.socket_dir.to_owned();
        let mut server = Self { guard, pid, cluster: cluster.dir.clone(), socket_dir };
        server.become_ready(options.log).await?;
        Ok(server)
    }

    async fn become_ready(&mut self, log: &Path) -> Result<(), Error> {
        let deadline = Instant::now() + START;
        while Instant::now() < deadline {
            let recorded = Postmaster::recorded(&self.cluster);
            if recorded.is_some_and(|server| server.pid == self.pid && server.ready) {
                return Ok(());
            }
            if self.guard.try_wait().map_err(Error::directory(log))?.is_some() {
                return Err(crashed(log));
            }
            tokio::time::sleep(POLL).await;
        }
        Err(Error::TooSlow { seconds: START.as_secs(), log: log.into(), output: last_lines(log) })
    }

    /// The URL of one of its databases.
    pub fn url(&self, database: &str) -> String {
        socket::url(&self.socket_dir, database)
    }

    /// The process id of the postmaster.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Disconnects the clients, stops the server and returns when it has stopped.
    pub async fn stop(mut self) -> Result<(), Error> {
        drop(self.guard.stdin.take());
        self.guard.wait().await.map_err(Error::directory(&self.cluster))?;
        match Postmaster::running(&self.cluster) {
            // Its guard was killed.
            Some(server) if server.pid == self.pid => server.stop(&self.cluster).await,
            _ => Ok(()),
        }
    }
}

fn spawn(cluster: &Cluster, options: &Options<'_>) -> Result<Child, Error> {
    let log = private::open(options.log, File::options().create(true).write(true));
    let log = log.and_then(|log| log.set_len(0).map(|()| log));
    let log = log.map_err(Error::directory(options.log))?;
    let stdin = match options.lifeline {
        Some(file) => file.try_clone().map_err(Error::directory(&cluster.dir))?.into(),
        None => Stdio::piped(),
    };
    let mut guard = Command::new(options.guard);
    guard.arg(GUARD).args(job(cluster, options).into_args());
    guard.env_clear().env("LC_ALL", "C").process_group(0).current_dir("/");
    if let Some(dead) = Postmaster::recorded(&cluster.dir) {
        // Nothing of ours runs here, but its number may be another process's by now; Postgres takes
        // a grandparent's number for stale, and still looks whether the shared memory is in use.
        guard.env("PG_GRANDPARENT_PID", dead.pid.to_string());
    }
    guard.stdin(stdin).stdout(Stdio::piped()).stderr(log);
    guard.spawn().map_err(|source| Error::Spawn { program: options.guard.into(), source })
}

fn job(cluster: &Cluster, options: &Options<'_>) -> Job {
    let sockets = options.socket_dir.display().to_string().replace('"', "\"\"");
    let mut command = vec![cluster.programs.postgres().into(), "-D".into(), (&cluster.dir).into()];
    let mut set = |name: &str, value: &str| {
        command.push("-c".into());
        command.push(format!("{name}={value}").into());
    };
    set("listen_addresses", "");
    set("port", socket::PORT);
    set("unix_socket_directories", &format!("\"{sockets}\""));
    set("unix_socket_permissions", "0700");
    options.settings.iter().for_each(|(name, value)| set(name, value));
    Job {
        linger: options.linger,
        user: cluster.user.as_ref().map(|user| (user.uid, user.gid)),
        then_remove: options.then_remove.map(Path::to_owned),
        command,
    }
}

/// The guard's only word: the process id of the server that it has started.
async fn server_pid(guard: &mut Child) -> Option<i32> {
    let mut line = String::new();
    let mut stdout = BufReader::new(guard.stdout.take()?);
    stdout.read_line(&mut line).await.ok()?;
    line.trim().parse().ok()
}

fn crashed(log: &Path) -> Error {
    let output = last_lines(log);
    if output.says_disk_full() {
        return Error::DiskFull(log.into());
    }
    Error::Crashed { log: log.into(), output }
}

fn last_lines(log: &Path) -> Output {
    Output::new(&fs::read(log).unwrap_or_else(|err: io::Error| err.to_string().into()))
}
