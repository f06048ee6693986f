//! A receiver: a process that accepts webhooks, over its own database.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::Result;
use crate::load::{self, Load, Measured};
use crate::server::{Server, sibling};
use crate::tables::{Size, Tables};
use crate::workload::{Delivery, SECRET, Workload};

/// The variable that names the program of the receiver `before`.
const BEFORE: &str = "USERS_SYNC_BEFORE";

/// A receiver and its configuration.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    program: Program,
    /// Connections to Postgres, of each process.
    pool: u32,
    processes: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Program {
    UsersSync,
    /// An earlier build, to measure the cost of a change.
    Before,
    Plain,
    /// The plain handler with our tables and our law: the only difference is one transaction per request.
    SameWork,
    Fastify,
    FastApi,
}

const fn kind(name: &'static str, program: Program, pool: u32, processes: u32) -> Kind {
    Kind { name, program, pool, processes }
}

pub(crate) static KINDS: [Kind; 11] = [
    kind("users-sync", Program::UsersSync, 10, 1),
    kind("before", Program::Before, 10, 1),
    kind("axum-10", Program::Plain, 10, 1),
    kind("axum-16", Program::Plain, 16, 1),
    kind("same-work-16", Program::SameWork, 16, 1),
    kind("axum-32", Program::Plain, 32, 1),
    kind("fastify-10", Program::Fastify, 10, 1),
    kind("fastify-32", Program::Fastify, 32, 1),
    kind("fastify-10x2", Program::Fastify, 10, 2),
    kind("fastapi-10x2", Program::FastApi, 10, 2),
    kind("fastapi-20x2", Program::FastApi, 20, 2),
];

impl Kind {
    pub(crate) fn named(name: &str) -> Result<&'static Self> {
        let names = KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ");
        KINDS
            .iter()
            .find(|kind| kind.name == name)
            .ok_or_else(|| format!("{name}: none of {names}").into())
    }

    fn is_ours(&self) -> bool {
        matches!(self.program, Program::UsersSync | Program::Before)
    }

    pub(crate) fn tables(&self) -> Tables {
        match self.program {
            Program::UsersSync | Program::Before | Program::SameWork => Tables::Ours,
            Program::Plain | Program::Fastify | Program::FastApi => Tables::Peer,
        }
    }

    /// The build of users-sync to run, or to create the tables with.
    pub(crate) fn ours(&self) -> Result<PathBuf> {
        if self.program != Program::Before {
            return sibling("users-sync");
        }
        let program =
            std::env::var_os(BEFORE).ok_or_else(|| format!("{BEFORE} names no program"))?;
        Ok(program.into())
    }

    fn command(&self) -> Result<Command> {
        let peers = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/peers"));
        Ok(match self.program {
            Program::UsersSync | Program::Before => Command::new(self.ours()?),
            Program::Plain => Command::new(sibling("plain")?),
            Program::SameWork => {
                let mut command = Command::new(sibling("plain")?);
                command.env("SAME_WORK", "1");
                command
            }
            Program::Fastify => {
                let mut command = Command::new("node");
                command.arg("server.js").current_dir(peers.join("fastify"));
                command
            }
            Program::FastApi => {
                let python = peers.join("fastapi/.venv/bin/python");
                let mut command = Command::new(python);
                command.arg("server.py").current_dir(peers.join("fastapi"));
                command
            }
        })
    }
}

pub(crate) struct Receiver {
    pub(crate) kind: &'static Kind,
    pub(crate) address: SocketAddr,
    pub(crate) database: String,
    process: Child,
    users: u32,
    turns: u64,
    /// Every delivery that was acknowledged.
    pub(crate) acknowledged: Vec<Delivery>,
}

impl Receiver {
    pub(crate) async fn start(
        kind: &'static Kind,
        server: &Server,
        database: String,
        size: Size,
    ) -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        kind.tables().create(server, &database, &kind.ours()?).await?;
        let process = spawn(kind, server, &database, address)?;
        let mut receiver = Self {
            kind,
            address,
            process,
            users: size.users,
            turns: 0,
            acknowledged: Vec::new(),
            database,
        };
        receiver.wait().await?;
        kind.tables().fill(server, &receiver.database, size).await?;
        Ok(receiver)
    }

    /// One measurement; deliveries are signed before the clock starts.
    pub(crate) async fn turn(&mut self, server: &Server, load: Load) -> Result<Measured> {
        self.turns += 1;
        // Users that no earlier turn has created.
        let first_new = u64::from(self.users) + self.turns * 1_000_000_000;
        let deliveries = Workload::new(self.users, first_new).deliveries(load.most());
        let before = server.usage(self.pid()).await?;
        let mut measured = load::run(self.address, &deliveries, load).await?;
        measured.charge(before, server.usage(self.pid()).await?);
        self.remember(deliveries, &measured);
        Ok(measured)
    }

    fn remember(&mut self, deliveries: Vec<Delivery>, measured: &Measured) {
        self.acknowledged.extend(measured.acknowledged.iter().map(|place| {
            // The request itself is no longer needed, and takes most of the memory.
            Delivery { request: Default::default(), ..deliveries[*place].clone() }
        }));
    }

    fn pid(&self) -> u32 {
        self.process.id().unwrap_or(0)
    }

    /// A bound socket does not prove a running service, so this waits for an answer with any status.
    async fn wait(&mut self) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.ask().await.is_err() {
            if Instant::now() > deadline || self.process.try_wait()?.is_some() {
                return Err(format!("{} did not start", self.kind.name).into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    async fn ask(&self) -> std::io::Result<()> {
        let mut stream = TcpStream::connect(self.address).await?;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n").await?;
        stream.read_u8().await?;
        Ok(())
    }
}

fn spawn(kind: &Kind, server: &Server, database: &str, address: SocketAddr) -> Result<Child> {
    let mut command = kind.command()?;
    command
        .env("DATABASE_URL", server.url(database))
        .env("LISTEN_ADDR", address.to_string())
        .env("CLERK_WEBHOOK_SECRET", SECRET)
        .env("STACK_WEBHOOK_SECRET", SECRET)
        .env("POOL_SIZE", kind.pool.to_string())
        .env("PROCESSES", kind.processes.to_string())
        .env("NODE_ENV", "production")
        .env_remove("PORT")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    if kind.is_ours() {
        command.arg("serve");
    }
    Ok(command.spawn()?)
}
