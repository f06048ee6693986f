//! The Postgres that all receivers share, thrown away afterwards.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

use tokio_postgres::{Client, NoTls};
use users_sync_embedded::{self as embedded, Cluster, Options, Programs, Search, User, socket};

use crate::Result;
use crate::process::{Usage, cpu_of_tree, memory_of_tree};

/// Durable, as in production, with memory for the tables. As many WAL files as one run fills are kept to be used again.
const SETTINGS: [(&str, &str); 6] = [
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("full_page_writes", "on"),
    ("max_connections", "200"),
    ("max_wal_size", "8GB"),
    ("min_wal_size", "6GB"),
];

/// Of 16 MB each; they are `min_wal_size`.
const WAL_FILES: usize = 384;

pub(crate) struct Server {
    server: embedded::Server,
    pub(crate) scratch: PathBuf,
    pub(crate) programs: Programs,
}

impl Server {
    pub(crate) async fn start(scratch: &Path, shared_buffers: &str) -> Result<Self> {
        let mut settings = SETTINGS.to_vec();
        settings.push(("shared_buffers", shared_buffers));
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
            settings: &settings,
            lifeline: None,
            linger: Duration::ZERO,
            then_remove: Some(&socket_dir),
        };
        let server = embedded::Server::start(&cluster, &options).await?;
        let server = Self { server, scratch, programs };
        server.make_wal_files().await?;
        Ok(server)
    }

    /// As on a server that has run for a while: on a new one each WAL file is filled with zeros when it is begun, and
    /// every commit waits for that.
    async fn make_wal_files(&self) -> Result<()> {
        eprintln!("postgres: making WAL files");
        let client = self.client("postgres").await?;
        for _ in 0..WAL_FILES {
            client
                .batch_execute(
                    "select pg_logical_emit_message(false, 'bench', ''), pg_switch_wal()",
                )
                .await?;
        }
        Ok(client.batch_execute("checkpoint").await?)
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
