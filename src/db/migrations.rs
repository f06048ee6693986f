//! The schema's history: numbered files, applied once each, in one transaction under a lock.

use aws_lc_rs::digest::{SHA256, digest};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, GenericClient, Transaction};

use super::{mirror, server};

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
pub static ALL: [Migration; 7] = [
    migration!(1, "0001_users"),
    migration!(2, "0002_repair"),
    migration!(3, "0003_apply"),
    migration!(4, "0004_operate"),
    migration!(5, "0005_silence"),
    migration!(6, "0006_storage"),
    migration!(8, "0008_upkeep"),
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
    #[error(transparent)]
    Server(#[from] server::Unsuitable),
    #[error(transparent)]
    Mirror(#[from] mirror::Difference),
    #[error("the database refused a migration")]
    Database(#[from] tokio_postgres::Error),
}

impl Migration {
    /// SHA-256 of its text, in hex.
    pub fn checksum(&self) -> String {
        hex::encode(digest(&SHA256, self.sql.as_bytes()))
    }
}

/// Applies what is pending and answers it; nothing is applied where anything fails.
pub async fn apply(client: &mut Client) -> Result<Vec<&'static Migration>, Error> {
    let transaction = client.transaction().await?;
    let pending = apply_in(&transaction).await?;
    transaction.commit().await?;
    Ok(pending)
}

/// As [`apply`], in a transaction that its caller commits.
pub(super) async fn apply_in(
    transaction: &Transaction<'_>,
) -> Result<Vec<&'static Migration>, Error> {
    server::check(transaction).await?;
    // What exists already is no news.
    let settings = "set local lock_timeout = '60s'; set local client_min_messages = warning";
    transaction.batch_execute(settings).await?;
    transaction.query_typed(include_str!("../../sql/schema/lock.sql"), &[]).await?;
    transaction.batch_execute(include_str!("../../sql/schema/bootstrap.sql")).await?;
    mirror::check(transaction).await?;

    let pending = unapplied(transaction).await?;
    for migration in &pending {
        transaction.batch_execute(migration.sql).await?;
        record(transaction, migration).await?;
    }
    Ok(pending)
}

/// The migrations that `apply` would apply; writes nothing.
pub async fn pending(client: &impl GenericClient) -> Result<Vec<&'static Migration>, Error> {
    mirror::check(client).await?;
    let known = client.query_typed(include_str!("../../sql/schema/known.sql"), &[]).await?;
    if known.first().is_some_and(|row| row.get(0)) {
        unapplied(client).await
    } else {
        Ok(ALL.iter().collect())
    }
}

async fn unapplied(client: &impl GenericClient) -> Result<Vec<&'static Migration>, Error> {
    let applied = client.query_typed(include_str!("../../sql/schema/applied.sql"), &[]).await?;
    let mut pending: Vec<_> = ALL.iter().collect();
    for row in applied {
        let number: i32 = row.get("number");
        let Some(place) = pending.iter().position(|migration| migration.number == number) else {
            return Err(Error::Newer(number));
        };
        let migration = pending.remove(place);
        if migration.checksum() != row.get::<_, &str>("checksum") {
            return Err(Error::Changed { name: migration.name });
        }
    }
    Ok(pending)
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
