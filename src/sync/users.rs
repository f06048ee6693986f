//! One user: waited for, asked for, created, deleted.

mod create;
mod wait;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::readings::{self, Readings};
use super::tables::Tables;
use crate::api::{self, Client, Found};
use crate::db::users::{self, UserRow};
use crate::model::Reading;

pub use create::Created;

/// The way to single users; every clone is the same.
#[derive(Clone)]
pub struct Users {
    tables: Tables,
    clients: Arc<Vec<Arc<Client>>>,
    /// Who is waited for, and how those who wait are told.
    awaited: Arc<Mutex<HashMap<String, Watch>>>,
}

/// What those who wait for one user are told.
type Watch = Arc<watch::Sender<Option<Arc<UserRow>>>>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Api(#[from] api::Error),
    #[error(transparent)]
    Readings(#[from] readings::Error),
    #[error("no provider can be asked: its API key is not configured")]
    NoApi,
    #[error("there is no source {0} whose provider can be asked")]
    NoSuchSource(String),
    #[error("the source must be named: several providers can be asked")]
    WhichSource,
    #[error("a request with this Idempotency-Key is under way")]
    UnderWay,
    #[error("this Idempotency-Key was used for another request")]
    KeyReused,
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        readings::Error::from(error).into()
    }
}

impl From<deadpool_postgres::PoolError> for Error {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        readings::Error::from(error).into()
    }
}

impl Users {
    pub fn new(tables: Tables, clients: Vec<Arc<Client>>) -> Self {
        Self { tables, clients: Arc::new(clients), awaited: Arc::default() }
    }

    pub(super) fn tables(&self) -> &Tables {
        &self.tables
    }

    pub fn clients(&self) -> &[Arc<Client>] {
        &self.clients
    }

    /// The sources that can be asked.
    pub fn sources(&self) -> Vec<&str> {
        self.clients.iter().map(|client| &**client.source()).collect()
    }

    /// The row; `None` where there is none, and where it is a stub.
    pub async fn row(&self, id: &str) -> Result<Option<UserRow>, Error> {
        let database = self.tables.pool().get().await?;
        Ok(users::one(&database, id).await?)
    }

    /// Asks the providers about a user, writes what they say, and answers the row: shown is alive, and a user that its own
    /// provider does not have is deleted.
    pub async fn sync(&self, id: &str) -> Result<Option<UserRow>, Error> {
        if self.clients.is_empty() {
            return Err(Error::NoApi);
        }
        let known = self.row(id).await?;
        let is_deleted = known.as_ref().is_some_and(|row| row.deleted_at.is_some());
        for client in self.clients.iter() {
            let reading = match client.user(id).await? {
                Found::Shown { reading, fence } => {
                    Reading { fence: is_deleted.then_some(fence), ..reading }
                }
                Found::Missing(at) if belongs(known.as_ref(), client) => client.gone(id, at),
                Found::Missing(_) => continue,
            };
            Readings::new(&self.tables).accept_news(vec![reading]).await?;
            break;
        }
        self.row(id).await
    }

    /// Deletes a user at its provider and in the table; the row that is left.
    pub async fn delete(&self, source: Option<&str>, id: &str) -> Result<Option<UserRow>, Error> {
        let client = self.client(source)?;
        let at = client.delete(id).await?;
        Readings::new(&self.tables).accept(&[client.gone(id, at)]).await?;
        self.row(id).await
    }

    /// Asks every provider until one shows the user, and writes what it says; false where none does.
    pub(super) async fn fetch(&self, source: Option<&str>, id: &str) -> Result<bool, Error> {
        let asked = |client: &&Arc<Client>| source.is_none_or(|name| **client.source() == *name);
        for client in self.clients.iter().filter(asked) {
            if let Found::Shown { reading, .. } = client.user(id).await? {
                Readings::new(&self.tables).accept_news(vec![reading]).await?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn client(&self, source: Option<&str>) -> Result<&Arc<Client>, Error> {
        match (source, &self.clients[..]) {
            (_, []) => Err(Error::NoApi),
            (None, [client]) => Ok(client),
            (None, _) => Err(Error::WhichSource),
            (Some(name), clients) => clients
                .iter()
                .find(|client| **client.source() == *name)
                .ok_or_else(|| Error::NoSuchSource(name.to_owned())),
        }
    }
}

fn belongs(row: Option<&UserRow>, client: &Client) -> bool {
    row.and_then(|row| row.source.as_deref()) == Some(&**client.source())
}
