//! A writer's own connection: kept from batch to batch, replaced when it breaks.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Object, Pool, PoolError};
use tokio::time::timeout;
use tokio_postgres::Client;
use tokio_postgres::error::{DbError, SqlState};

use super::apply::{self, Applied, Entity, Entry};
use super::conninfo::Conninfo;
use super::words;

/// For a statement to end that was told to.
const GRACE: Duration = Duration::from_secs(2);

pub struct Session {
    conninfo: Conninfo,
    pool: Pool,
    /// A batch that takes longer waits for somebody else's lock or for a server that is gone.
    time_out: Duration,
    /// Where changes are told.
    channel: Option<Arc<str>>,
    connection: Option<Object>,
}

#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// A value of the batch is at fault, and always will be.
    #[error("Postgres refuses a value (SQLSTATE {code}{constraint})")]
    Refused { code: String, constraint: String },
    #[error("no connection to the database")]
    Connect(#[from] PoolError),
    #[error("the database did not commit the batch")]
    Database(#[source] tokio_postgres::Error),
    #[error("the database did not answer within {} s", .0.as_secs_f32())]
    Timeout(Duration),
}

impl Session {
    pub fn new(conninfo: Conninfo, pool: Pool, time_out: Duration) -> Self {
        Self { conninfo, pool, time_out, channel: None, connection: None }
    }

    /// Tells every change on `channel`, too.
    pub fn telling(self, channel: Option<Arc<str>>) -> Self {
        Self { channel, ..self }
    }

    /// As [`apply::apply`]; what fails with a deadlock or a broken serialization is tried once more.
    pub async fn apply(
        &mut self,
        entities: &[Entity<'_>],
        entries: &[Entry<'_>],
    ) -> Result<Applied, ApplyError> {
        match self.try_apply(entities, entries).await {
            Err(ApplyError::Database(error)) if is_conflict(&error) => {
                self.try_apply(entities, entries).await
            }
            result => result,
        }
    }

    async fn try_apply(
        &mut self,
        entities: &[Entity<'_>],
        entries: &[Entry<'_>],
    ) -> Result<Applied, ApplyError> {
        let connection = match self.connection.take().filter(|kept| !kept.is_closed()) {
            Some(kept) => kept,
            None => self.pool.get().await?,
        };
        let Some(result) = self.run(&connection, entities, entries).await else {
            drop(Object::take(connection));
            return Err(ApplyError::Timeout(self.time_out));
        };
        match result {
            Err(error) if blames_the_session(&error) => {
                drop(Object::take(connection));
                Err(ApplyError::Database(error))
            }
            result => {
                self.connection = Some(connection);
                result.map_err(|error| match error.as_db_error().and_then(refusal) {
                    Some(refused) => refused,
                    None => ApplyError::Database(error),
                })
            }
        }
    }

    /// `None` where the server does not even tell how the statement ended.
    async fn run(
        &self,
        client: &Client,
        entities: &[Entity<'_>],
        entries: &[Entry<'_>],
    ) -> Option<Result<Applied, tokio_postgres::Error>> {
        let mut applied = pin!(apply::apply(
            client,
            entities,
            entries,
            self.channel.as_deref(),
            self.time_out * 3 / 4
        ));
        if let Ok(result) = timeout(self.time_out, &mut applied).await {
            return Some(result);
        }
        // Left alone, the statement would hold its locks and might still commit. Its end is waited for: a pooler
        // may forget to cancel what nobody listens to.
        self.conninfo.cancel(client.cancel_token()).await;
        timeout(GRACE, applied).await.ok()
    }
}

/// Neither the values nor the moment: after a failover a session may live on and only read, and the next one may write.
fn blames_the_session(error: &tokio_postgres::Error) -> bool {
    !is_conflict(error) && !is_refusal(error)
}

/// Whether a value is at fault, and always will be.
pub fn is_refusal(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().and_then(refusal).is_some()
}

fn is_conflict(error: &tokio_postgres::Error) -> bool {
    let conflicts = [&SqlState::T_R_SERIALIZATION_FAILURE, &SqlState::T_R_DEADLOCK_DETECTED];
    error.code().is_some_and(|code| conflicts.contains(&code))
}

/// Bad data (22), a constraint (23), a limit of the server (54), or a trigger of the application that raises (P0): whoever
/// sends the same again gets the same answer. The server's own message is left out, because it quotes values.
fn refusal(error: &DbError) -> Option<ApplyError> {
    let code = error.code().code();
    let refused = ["22", "23", "54", "P0"].iter().any(|class| code.starts_with(class));
    refused.then(|| ApplyError::Refused {
        code: code.to_owned(),
        constraint: words::constraint(error)
            .map(|name| format!(", constraint {name}"))
            .unwrap_or_default(),
    })
}
