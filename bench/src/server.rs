//! The Postgres that all receivers share, thrown away afterwards.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

use tokio_postgres::{Client, NoTls};
use users_sync::embedded::{self, Cluster, Options, Programs, Search, User, socket};

use crate::Result;
use crate::process::{Usage, cpu_of_tree, memory_of_tree};

/// Durable, as in production, with memory for the tables. WAL files are kept to be used again, as on a server that has run for
/// a while: on a new one each has to be filled with zeros first, and everybody waits.
const SETTINGS: [(&str, &str); 7] = [
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("full_page_writes", "on"),
    ("max_connections", "200"),
    ("shared_buffers", "1GB"),
    ("max_wal_size", "8GB"),
    ("min_wal_size", "4GB"),
];

pub(crate) struct Server {
    server: embedded::Server,
    scratch: PathBuf,
    pub(crate) programs: Programs,
}

impl Server {
    pub(crate) async fn start(scratch: &Path) -> Result<Self> {
        let path: Vec<_> = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
        let bin_dir = env::var_os("PG_BIN_DIR").map(PathBuf::from);
        let programs = Programs::find(Search::new(bin_dir.as_deref(), &path), None)?;
        fs::create_dir_all(scratch)?;
        let scratch = fs::canonicalize(scratch)?.join(format!("run-{}", std::process::id()));
        fs::create_dir(&scratch)?;
        let user = User::for_data(&scratch)?;
        if let Some(user) = &user {
            user.own(&scratch)?;
        }
        let cluster = Cluster::create(&scratch.join("data"), programs.clone(), user, true).await?;
        let socket_dir = socket::directory(&scratch.join("socket"), cluster.user.as_ref())?;
        let options = Options {
            guard: &sibling("users-sync")?,
            socket_dir: &socket_dir,
            log: &scratch.join("postgres.log"),
            settings: &SETTINGS,
            lifeline: None,
            linger: Duration::ZERO,
            then_remove: Some(&socket_dir),
        };
        let server = embedded::Server::start(&cluster, &options).await?;
        Ok(Self { server, scratch, programs })
    }

    pub(crate) fn url(&self, database: &str) -> String {
        self.server.url(database)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.server.pid().unsigned_abs()
    }

    pub(crate) async fn client(&self, database: &str) -> Result<Client> {
        let (client, connection) = tokio_postgres::connect(&self.url(database), NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// What a receiver and Postgres have used so far.
    pub(crate) async fn usage(&self, receiver: u32) -> Result<Usage> {
        let client = self.client("postgres").await?;
        let wal = client
            .query_one("select (pg_current_wal_lsn() - '0/0'::pg_lsn)::double precision", &[]);
        Ok(Usage {
            service: cpu_of_tree(receiver),
            postgres: cpu_of_tree(self.pid()),
            wal: wal.await?.get(0),
            memory: memory_of_tree(receiver),
        })
    }

    pub(crate) async fn stop(self) -> Result<()> {
        self.server.stop().await?;
        fs::remove_dir_all(&self.scratch)?;
        Ok(())
    }
}

/// A program that is built beside this one.
pub(crate) fn sibling(name: &str) -> Result<PathBuf> {
    let program = env::current_exe()?.with_file_name(name);
    if program.exists() {
        return Ok(program);
    }
    Err(format!(
        "{} is missing: build it with `cargo build --release --workspace`",
        program.display()
    )
    .into())
}
