//! The database of a command: a server that is named, or the embedded one, started here or found running.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio_postgres::Client;
use users_sync_conninfo::Conninfo;
use users_sync_embedded::Embedded;

use super::Failure;
use crate::config::{Database, PROGRAM};
use crate::embedded;

/// How long a server that is still starting is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Open {
    pub(super) conninfo: Conninfo,
    /// The server that this process started.
    embedded: Option<Embedded>,
}

impl Open {
    /// Starts the embedded server, for the one command that owns it.
    pub(super) async fn owning(database: &Database) -> Result<Self, Failure> {
        match database {
            Database::Server(conninfo) => Ok(Self { conninfo: conninfo.clone(), embedded: None }),
            Database::Embedded(settings) => {
                let embedded = embedded::start(settings).await.map_err(Failure::of)?;
                let conninfo = local(&embedded.url())?;
                Ok(Self { conninfo, embedded: Some(embedded) })
            }
        }
    }

    /// Like [`Self::owning`], but if a running service owns the data directory, connects to its server.
    pub(super) async fn sharing(database: &Database) -> Result<Self, Failure> {
        if let Database::Embedded(settings) = database
            && let Some(url) = embedded::running(&settings.data_dir)
        {
            return Ok(Self { conninfo: local(&url)?, embedded: None });
        }
        Self::owning(database).await
    }

    pub(super) fn embedded_url(&self) -> Option<String> {
        self.embedded.as_ref().map(Embedded::url)
    }

    /// Lets commands that know only the data directory find the service.
    pub(super) fn announce(&self, service: SocketAddr) -> Result<(), Failure> {
        let announced = self.embedded.as_ref().map_or(Ok(()), |it| it.announce(service));
        announced.map_err(embedded::Error).map_err(Failure::of)
    }

    /// A connection, once the server is there.
    pub(super) async fn connect(&self) -> Result<Client, Failure> {
        let began = Instant::now();
        loop {
            match self.conninfo.connect().await {
                Ok(client) => return Ok(client),
                Err(error) if error.is_transient() && began.elapsed() < PATIENCE => {
                    let error = crate::error_chain(&error);
                    tracing::warn!(error, "no connection to the database yet; trying again");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                Err(error) => {
                    let place = self.conninfo.describe();
                    let error = crate::error_chain(&error);
                    return Err(Failure::Failed(format!("no connection to {place}: {error}")));
                }
            }
        }
    }

    pub(super) async fn close(self) -> Result<(), Failure> {
        match self.embedded {
            Some(it) => it.stop().await.map_err(embedded::Error).map_err(Failure::of),
            None => Ok(()),
        }
    }
}

/// The embedded server's URL says all there is to say, so that no variable may change it.
fn local(url: &str) -> Result<Conninfo, Failure> {
    Conninfo::parse(url, PROGRAM, &|_| None).map_err(Failure::of)
}
