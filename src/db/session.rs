//! A writer's own connection: kept from batch to batch, replaced if it breaks.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool_postgres::{Object, Pool, PoolError};
use tokio::time::timeout;
use tokio_postgres::{Client, IsolationLevel};
use users_sync_conninfo::Conninfo;

use super::apply::{self, Applied, Entry};
use super::composite::Types;
use super::fault::{Fault, Refusal};
use crate::law::Claim;

/// How long a statement may take to end after the server was asked to cancel it.
const GRACE: Duration = Duration::from_secs(1);
/// After this time without a statement, a firewall may have dropped the connection silently.
const IDLE: Duration = Duration::from_secs(15);
/// How long an idle connection may take to answer a check.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

pub struct Session {
    conninfo: Conninfo,
    pool: Pool,
    /// The time limit of one statement.
    time_out: Duration,
    /// The channel that announces changes.
    channel: Option<Arc<str>>,
    connection: Option<Connection>,
    /// The ids of the types in this database; read with the first connection.
    types: Option<Types>,
}

struct Connection {
    object: Object,
    used: Instant,
    /// Whether a single statement runs as read committed; if not, it needs a transaction that sets the level.
    read_committed: bool,
}

/// Why a batch was not committed.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The session survives: a part of the batch may succeed without the rest.
    #[error(transparent)]
    Refused(Refusal),
    #[error("no connection to the database")]
    Connect(#[from] PoolError),
    #[error("the connection to the database broke")]
    Broken(#[source] tokio_postgres::Error),
    #[error("the database did not answer within {} s", .0.as_secs_f32())]
    Timeout(Duration),
}

/// The data that one attempt writes.
#[derive(Clone, Copy)]
struct Batch<'a> {
    claims: &'a [Claim<'a>],
    entries: &'a [Entry<'a>],
    channel: Option<&'a str>,
    lock_wait: Duration,
}

impl Session {
    pub fn new(conninfo: Conninfo, pool: Pool, time_out: Duration) -> Self {
        Self { conninfo, pool, time_out, channel: None, connection: None, types: None }
    }

    /// Also announces every change on `channel`.
    pub fn announcing(self, channel: Option<Arc<str>>) -> Self {
        Self { channel, ..self }
    }

    /// Sets the time limit of the next statements.
    pub fn allow(&mut self, time: Duration) {
        self.time_out = time;
    }

    /// As [`apply::apply`]. The batch is idempotent, so if the connection breaks, it is tried once more on a fresh
    /// one.
    pub async fn apply(
        &mut self,
        claims: &[Claim<'_>],
        entries: &[Entry<'_>],
        lock_wait: Duration,
    ) -> Result<Applied, ApplyError> {
        let channel = self.channel.clone();
        let lock_wait = lock_wait.min(self.time_out * 3 / 4);
        let batch = Batch { claims, entries, channel: channel.as_deref(), lock_wait };
        match self.attempt(batch).await {
            Err(ApplyError::Broken(_) | ApplyError::Timeout(_)) => self.attempt(batch).await,
            Err(ApplyError::Refused(Refusal { fault: Fault::Listeners, .. })) => {
                tracing::warn!("the queue of notifications is full: changes are not announced");
                self.attempt(Batch { channel: None, ..batch }).await
            }
            Err(ApplyError::Refused(refusal)) if self.renumber(&refusal).await => {
                self.attempt(batch).await
            }
            result => result,
        }
    }

    /// Reads the ids of the types again, and returns whether they changed. The schema may have been created again.
    async fn renumber(&mut self, refusal: &Refusal) -> bool {
        let may_be_unknown = ["42", "XX"].iter().any(|class| refusal.code.starts_with(class));
        let Some(known) = self.types.clone().filter(|_| may_be_unknown) else { return false };
        let Ok(connection) = self.connect().await else { return false };
        let read = timeout(self.time_out, Types::read(&**connection.object)).await;
        self.keep(connection);
        let Ok(Ok(types)) = read else { return false };
        self.types.insert(types) != &known
    }

    async fn attempt(&mut self, batch: Batch<'_>) -> Result<Applied, ApplyError> {
        let mut connection = self.connect().await?;
        let Some(result) = self.run(&mut connection, batch).await else {
            drop(Object::take(connection.object));
            return Err(ApplyError::Timeout(self.time_out));
        };
        let error = match result {
            Ok(applied) => {
                self.keep(connection);
                return Ok(applied);
            }
            Err(error) => error,
        };
        match Refusal::of(&error) {
            // After a failover a session may survive but only read; a new one may be able to write.
            Some(refusal) if refusal.fault == Fault::Server => {
                drop(Object::take(connection.object));
                Err(ApplyError::Refused(refusal))
            }
            Some(refusal) => {
                self.keep(connection);
                Err(ApplyError::Refused(refusal))
            }
            None => {
                drop(Object::take(connection.object));
                Err(ApplyError::Broken(error))
            }
        }
    }

    fn keep(&mut self, connection: Connection) {
        self.connection = Some(Connection { used: Instant::now(), ..connection });
    }

    /// The connection of the last batch if it still works; else another one.
    async fn connect(&mut self) -> Result<Connection, ApplyError> {
        if let Some(kept) = self.connection.take().filter(|kept| !kept.object.is_closed()) {
            if kept.used.elapsed() < IDLE || lives(&kept.object).await {
                return Ok(kept);
            }
            drop(Object::take(kept.object));
        }
        let object = self.pool.get().await?;
        let asked = async {
            if self.types.is_none() {
                self.types = Some(Types::read(&**object).await?);
            }
            is_read_committed(&object).await
        };
        let asked = timeout(self.time_out, asked).await;
        match asked.map_err(|_| ApplyError::Timeout(self.time_out))? {
            Ok(read_committed) => Ok(Connection { object, used: Instant::now(), read_committed }),
            // The types were dropped.
            Err(error) => {
                Err(Refusal::of(&error).map_or(ApplyError::Broken(error), ApplyError::Refused))
            }
        }
    }

    /// `None` if the server does not even say how the statement ended.
    async fn run(
        &self,
        connection: &mut Connection,
        batch: Batch<'_>,
    ) -> Option<Result<Applied, tokio_postgres::Error>> {
        let cancel = connection.object.cancel_token();
        let types = self.types.clone().expect("the first connection has read them");
        let mut applied = pin!(once(connection, &types, batch));
        if let Ok(result) = timeout(self.time_out, &mut applied).await {
            return Some(result);
        }
        // Without a cancel the statement would hold its locks and might still commit. Wait for its end: a pooler
        // may not cancel a statement if its client is gone.
        let _ = timeout(GRACE, self.conninfo.cancel(cancel)).await;
        timeout(GRACE, applied).await.ok()
    }
}

async fn once(
    connection: &mut Connection,
    types: &Types,
    Batch { claims, entries, channel, lock_wait }: Batch<'_>,
) -> Result<Applied, tokio_postgres::Error> {
    let client: &mut Client = &mut connection.object;
    if connection.read_committed {
        return apply::apply(client, types, claims, entries, channel, lock_wait).await;
    }
    let transaction = client.build_transaction().isolation_level(IsolationLevel::ReadCommitted);
    let transaction = transaction.start().await?;
    let applied = apply::apply(&transaction, types, claims, entries, channel, lock_wait).await?;
    transaction.commit().await?;
    Ok(applied)
}

async fn lives(client: &Client) -> bool {
    matches!(timeout(SIGN_OF_LIFE, client.check_connection()).await, Ok(Ok(())))
}

/// Whether a statement outside a transaction is read committed: a stricter default of the role or the database
/// makes the batches of two writers fail because of each other.
async fn is_read_committed(client: &Client) -> Result<bool, tokio_postgres::Error> {
    let statement = include_str!("../../sql/sync/isolation.sql");
    let row = client.query_typed_one(statement, &[]).await?;
    Ok(row.get("read_committed"))
}
