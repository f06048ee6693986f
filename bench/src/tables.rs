//! The tables that a receiver writes, and their content at the start.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use crate::Result;
use crate::server::Server;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tables {
    /// Mirror, ledger and journal.
    Ours,
    /// The tables of a careful team's handler: the users, and the ids of the deliveries that it has received.
    Peer,
}

/// The number of rows at the start.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) users: u32,
    /// Old rows of the journal, in our tables.
    pub(crate) journal: u32,
    /// The greatest number of fields in a user's object, of 28 bytes each.
    pub(crate) fields: u32,
}

impl Tables {
    /// Creates a database with empty tables.
    pub(crate) async fn create(
        self,
        server: &Server,
        database: &str,
        users_sync: &Path,
    ) -> Result<()> {
        let create = format!("create database {database}");
        server.client("postgres").await?.batch_execute(&create).await?;
        if self == Self::Peer {
            let client = server.client(database).await?;
            return Ok(client.batch_execute(include_str!("../sql/peer.sql")).await?);
        }
        let mut migrate = Command::new(users_sync);
        migrate.arg("migrate").env("DATABASE_URL", server.url(database)).stdout(Stdio::null());
        let done = migrate.status().await?;
        if done.success() { Ok(()) } else { Err("users-sync migrate failed".into()) }
    }

    pub(crate) async fn fill(self, server: &Server, database: &str, size: Size) -> Result<()> {
        let sql = match self {
            Self::Ours => include_str!("../sql/fill_users_sync.sql"),
            Self::Peer => include_str!("../sql/fill_peer.sql"),
        };
        let sql = sql
            .replace(":users", &size.users.to_string())
            .replace(":journal", &size.journal.to_string())
            .replace(":fields", &size.fields.to_string());
        let client = server.client(database).await?;
        client.batch_execute(&sql).await?;
        client.batch_execute("vacuum analyze").await?;
        client.batch_execute("checkpoint").await?;
        Ok(())
    }
}
