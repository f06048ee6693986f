//! The schema: numbered migrations, applied once each, and objects, created again if they are missing or outdated;
//! in one transaction under a lock.

use aws_lc_rs::digest::{SHA256, digest};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, GenericClient, Transaction};

use super::mirror::{self, check, lost};
use super::objects::{self, Object};
use super::{server, tables};

/// One file of `sql/migrations`.
#[derive(Debug)]
pub struct Migration {
    pub number: i32,
    pub name: &'static str,
    sql: &'static str,
}

macro_rules! migration {
    ($number:literal, $file:literal) => {
        Migration {
            number: $number,
            name: $file,
            sql: include_str!(concat!("../../sql/migrations/", $file, ".sql")),
        }
    };
}

/// Every migration, in order.
pub static ALL: [Migration; 12] = [
    migration!(1, "0001_users"),
    migration!(2, "0002_repair"),
    migration!(3, "0003_apply"),
    migration!(4, "0004_operate"),
    migration!(5, "0005_silence"),
    migration!(6, "0006_storage"),
    migration!(7, "0007_upkeep"),
    migration!(8, "0008_instances"),
    migration!(9, "0009_requests"),
    migration!(10, "0010_kinds"),
    migration!(11, "0011_logs"),
    migration!(12, "0012_aliases"),
];

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "migration {name} was changed after it was applied to this database: use the users-sync that applied it, or a newer one"
    )]
    Changed { name: &'static str },
    #[error(
        "this database was migrated by a newer users-sync (it has migration {0}): upgrade this one"
    )]
    Newer(i32),
    #[error(
        "the database has lost {}: restore the schema users_sync from a backup; or, if there is none, run `drop schema users_sync cascade`, then `users-sync migrate`, and `users-sync backfill` or `users-sync adopt`, which keep the rows of neon_auth.users_sync",
        .0.join(", ")
    )]
    Lost(Vec<String>),
    #[error(transparent)]
    Server(#[from] server::Unsuitable),
    #[error(transparent)]
    Mirror(#[from] check::Difference),
    #[error(
        "the role of DATABASE_URL may not create or change the schemas users_sync and neon_auth, or the objects in them: run `users-sync migrate` as their owner, or in a new database as a role that may create schemas (`grant create on database … to …`). A role with fewer rights can serve with `--no-migrate` and the grants that `users-sync migrate --print-grants` prints"
    )]
    Rights,
    #[error("the database refused a migration")]
    Database(#[source] tokio_postgres::Error),
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        // A trigger of the application may raise the same code.
        let refused_by_server = error.as_db_error().is_some_and(|error| {
            *error.code() == SqlState::INSUFFICIENT_PRIVILEGE
                && error.routine() != Some("exec_stmt_raise")
        });
        if refused_by_server { Self::Rights } else { Self::Database(error) }
    }
}

/// One step that brings the schema up to date.
#[derive(Clone, Copy, Debug)]
pub enum Upgrade {
    Migration(&'static Migration),
    Object(&'static Object),
}

impl Upgrade {
    pub fn name(self) -> &'static str {
        match self {
            Self::Migration(migration) => migration.name,
            Self::Object(object) => object.name,
        }
    }
}

impl Migration {
    /// SHA-256 of its text, in hex.
    pub fn checksum(&self) -> String {
        hex::encode(digest(&SHA256, self.sql.as_bytes()))
    }
}

/// Brings the schema up to date and returns the steps that were needed; if a step fails, nothing changes.
pub async fn apply(client: &mut Client) -> Result<Vec<Upgrade>, Error> {
    // This lets a role that may only use the tables start on a schema that is up to date.
    if pending(client).await?.is_empty() {
        return Ok(Vec::new());
    }
    let transaction = client.transaction().await?;
    let steps = apply_in(&transaction).await?;
    transaction.commit().await?;
    Ok(steps)
}

/// As [`apply`], in a transaction that its caller commits.
pub(super) async fn apply_in(transaction: &Transaction<'_>) -> Result<Vec<Upgrade>, Error> {
    server::check(transaction).await?;
    // The statements below may find that their object exists already.
    let settings = "set local lock_timeout = '60s'; set local client_min_messages = warning";
    transaction.batch_execute(settings).await?;
    transaction.query_typed(include_str!("../../sql/schema/lock.sql"), &[]).await?;
    transaction.batch_execute(include_str!("../../sql/schema/bootstrap.sql")).await?;
    check::check(transaction).await?;

    let migrations = unapplied(transaction).await?;
    let known = migrations.len() < ALL.len();
    let mut steps = Vec::new();
    // A later migration may change the mirror, so the mirror must exist before it runs.
    if known {
        steps.extend(remake(transaction).await?);
    }
    for migration in migrations {
        transaction.batch_execute(migration.sql).await?;
        record(transaction, migration).await?;
        steps.push(Upgrade::Migration(migration));
    }
    lost_tables(transaction).await?;
    for object in objects::pending(transaction).await? {
        steps.push(make(transaction, object).await?);
    }
    if !known {
        lost::remember_deleted(transaction).await?;
    }
    Ok(steps)
}

/// Creates again the mirrors that this database had and lost.
async fn remake(transaction: &Transaction<'_>) -> Result<Vec<Upgrade>, tokio_postgres::Error> {
    let tables: Vec<_> = mirror::ALL.iter().map(|mirror| mirror.table).collect();
    let missing = objects::missing(transaction, &tables).await?;
    let mut steps = Vec::new();
    for (mirror, object) in mirror::ALL.iter().zip(objects::all()) {
        if missing.contains(&mirror.table) && objects::is_made(transaction, object).await? {
            steps.push(make(transaction, object).await?);
            lost::restore(transaction, mirror).await?;
        }
    }
    Ok(steps)
}

async fn make(
    transaction: &Transaction<'_>,
    object: &'static Object,
) -> Result<Upgrade, tokio_postgres::Error> {
    object.make(transaction).await?;
    Ok(Upgrade::Object(object))
}

/// The steps that `apply` would take; writes nothing.
pub async fn pending(client: &impl GenericClient) -> Result<Vec<Upgrade>, Error> {
    check::check(client).await?;
    let migrations = unapplied(client).await?;
    if migrations.is_empty() {
        lost_tables(client).await?;
    }
    let mut objects = objects::pending(client).await?;
    if migrations.len() == ALL.len() {
        objects.retain(|object| !object.is_migrated());
    }
    let steps = migrations.into_iter().map(Upgrade::Migration);
    Ok(steps.chain(objects.into_iter().map(Upgrade::Object)).collect())
}

/// Whether the schema has everything that this version needs. Objects that a newer version added or replaced are
/// harmless: both versions may serve at the same time during a rolling update.
pub async fn serves(client: &impl GenericClient) -> Result<bool, Error> {
    check::check(client).await?;
    if !history(client).await?.pending.is_empty() {
        return Ok(false);
    }
    lost_tables(client).await?;
    Ok(objects::absent(client).await?.is_empty())
}

async fn unapplied(client: &impl GenericClient) -> Result<Vec<&'static Migration>, Error> {
    match history(client).await? {
        History { newer: Some(number), .. } => Err(Error::Newer(number)),
        History { pending, newer: None } => Ok(pending),
    }
}

/// What the database says about the migrations.
struct History {
    pending: Vec<&'static Migration>,
    /// The last one that this version does not know.
    newer: Option<i32>,
}

async fn history(client: &impl GenericClient) -> Result<History, Error> {
    let mut history = History { pending: ALL.iter().collect(), newer: None };
    if !objects::missing(client, &["users_sync.migrations"]).await?.is_empty() {
        return Ok(history);
    }
    let applied = client.query_typed(include_str!("../../sql/schema/applied.sql"), &[]).await?;
    for row in applied {
        let number: i32 = row.get("number");
        let is_it = |migration: &&Migration| migration.number == number;
        let Some(place) = history.pending.iter().position(is_it) else {
            history.newer = Some(number);
            continue;
        };
        let migration = history.pending.remove(place);
        if migration.checksum() != row.get::<_, &str>("checksum") {
            return Err(Error::Changed { name: migration.name });
        }
    }
    Ok(history)
}

/// An error if a table of ours, or a part of it, is missing although every migration was applied.
async fn lost_tables(client: &impl GenericClient) -> Result<(), Error> {
    let lost = tables::lost(client).await?;
    if lost.is_empty() { Ok(()) } else { Err(Error::Lost(lost)) }
}

async fn record(transaction: &Transaction<'_>, migration: &Migration) -> Result<(), Error> {
    let checksum = migration.checksum();
    transaction
        .execute_typed(
            include_str!("../../sql/schema/record.sql"),
            &[
                (&migration.number, Type::INT4),
                (&migration.name, Type::TEXT),
                (&checksum, Type::TEXT),
            ],
        )
        .await?;
    Ok(())
}
