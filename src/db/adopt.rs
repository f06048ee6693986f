//! Turns a users table that another program made into our mirror, in place: rows, keys, grants and the
//! applications' foreign keys stay.

mod rows;
mod steps;

use tokio_postgres::{GenericClient, Transaction};

use super::migrations::{self, Upgrade};
use super::mirror::{self, check};
use super::server;
use crate::model::Kind;
use steps::steps;

pub use rows::{Found, enter, fill, page};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no table neon_auth.users_sync: `users-sync migrate` creates it")]
    Missing,
    #[error("neon_auth.users_sync cannot be adopted: {0}")]
    Refused(String),
    #[error(transparent)]
    Server(#[from] server::Unsuitable),
    #[error(transparent)]
    Migration(#[from] migrations::Error),
    #[error("the database refused the change, so nothing was changed")]
    Database(#[from] tokio_postgres::Error),
}

/// One statement of the plan, and the reason for it.
#[derive(Debug)]
pub struct Step {
    pub why: String,
    pub sql: String,
}

/// The present state, and the statements that change it.
#[derive(Debug)]
pub struct Plan {
    pub rows: i64,
    pub foreign_keys: i64,
    pub steps: Vec<Step>,
    pub migrations: Vec<Upgrade>,
}

/// Reads the present state and writes nothing.
pub async fn plan(client: &impl GenericClient) -> Result<Plan, Error> {
    server::check(client).await?;
    let columns = check::columns(client, std::iter::once(mirror::of(Kind::User))).await?;
    if columns.is_empty() {
        return Err(Error::Missing);
    }
    if columns.iter().any(|column| !matches!(column.get("relkind"), "r" | "p")) {
        return Err(Error::Refused("it is not a table".into()));
    }
    let survey = client.query_typed(include_str!("../../sql/adopt/survey.sql"), &[]).await?;
    let survey = survey.first().ok_or(Error::Missing)?;
    let foreign_keys = survey.get("foreign_keys");
    let steps = steps(&columns, foreign_keys).map_err(Error::Refused)?;
    if !steps.is_empty() && !survey.get::<_, bool>("owned") {
        let owner: &str = survey.get("owner");
        return Err(Error::Refused(format!(
            "it belongs to the role {owner}: connect as that role"
        )));
    }
    let migrations = match migrations::pending(client).await {
        // The difference is expected: the plan removes it.
        Err(migrations::Error::Mirror(check::Difference::Shape { .. })) => {
            migrations::ALL.iter().map(Upgrade::Migration).collect()
        }
        pending => pending?,
    };
    Ok(Plan { rows: survey.get("rows"), foreign_keys, steps, migrations })
}

/// Some `raw_json` objects of the table, to recognise the provider that made them.
pub async fn samples(client: &impl GenericClient) -> Result<Vec<String>, Error> {
    let columns = check::columns(client, std::iter::once(mirror::of(Kind::User))).await?;
    if !columns.iter().any(|column| column.get::<_, &str>("name") == "raw_json") {
        return Ok(Vec::new());
    }
    let rows = client.query_typed(include_str!("../../sql/adopt/samples.sql"), &[]).await?;
    Ok(rows.iter().map(|row| row.try_get("raw_json")).collect::<Result<_, _>>()?)
}

/// Executes the plan for the present state, except for the ledger; no other session can read or write the table
/// until the transaction ends.
pub async fn carry_out(transaction: &Transaction<'_>) -> Result<(), Error> {
    transaction
        .batch_execute(
            "set local lock_timeout = '10s'; lock table neon_auth.users_sync in access exclusive mode",
        )
        .await?;
    for step in plan(transaction).await?.steps {
        transaction.batch_execute(&step.sql).await?;
    }
    migrations::apply_in(transaction).await?;
    Ok(())
}
