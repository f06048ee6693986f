//! Single users: waits for them, fetches, creates and deletes them; and fetches what else a delivery marks.

mod ask;
mod create;
mod many;
mod wait;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

use super::guard::Refusal;
use super::readings;
use super::tables::Tables;
use crate::api::{self, Client};
use crate::db::users::{self, UserRow};

pub(super) use ask::Fetched;
pub use create::Created;

/// Access to single users; clones share their state.
#[derive(Clone)]
pub struct Users {
    tables: Tables,
    clients: Arc<Vec<Arc<Client>>>,
    /// The users that requests wait for, with the watch that wakes the requests.
    awaited: Arc<Mutex<HashMap<String, Watch>>>,
}

/// Wakes all requests that wait for one user.
type Watch = Arc<watch::Sender<Option<Arc<UserRow>>>>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Api(#[from] api::Error),
    #[error(transparent)]
    Readings(#[from] readings::Error),
    /// No user is deleted.
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("no provider can be asked: its API key is not configured")]
    NoApi,
    #[error("there is no source {0} whose provider can be asked")]
    NoSuchSource(String),
    #[error("the source must be named: several providers can be asked")]
    WhichSource,
    #[error(
        "too early to decide: the provider's answer contradicts a delivery about this user from the last minute, and may be older; the row stays as it is, ask again in {} s",
        whole(*.0)
    )]
    TooEarly(Duration),
    #[error(
        "the provider's answer is older than the row, which is left as it is: ask again in {} s",
        whole(*.0)
    )]
    Older(Duration),
    #[error(
        "this user belongs to source {0}, whose provider is not the one to ask: its row is left as it is"
    )]
    OfAnother(String),
    #[error("no provider has this user, and its row came from none: it is left as it is")]
    OfNone,
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

    /// The client of a source that can be asked.
    pub(super) fn client_of(&self, source: &str) -> Option<&Arc<Client>> {
        self.clients.iter().find(|client| **client.source() == *source)
    }

    /// Whether a snapshot of this source's API says when it was made.
    pub(super) fn is_versioned(&self, source: &str) -> bool {
        self.client_of(source).is_some_and(|client| client.versioned())
    }

    /// The row; `None` if there is none, or only a stub.
    pub async fn row(&self, id: &str) -> Result<Option<UserRow>, Error> {
        let database = self.tables.pool().get().await?;
        Ok(users::one(&database, id).await?)
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

/// In seconds, rounded up.
fn whole(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}
