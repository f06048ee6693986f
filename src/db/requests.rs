//! Requests that must not be executed twice.

use jiff::Timestamp;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error};

use super::values::optional_time;

/// The state of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is new: we execute it.
    Ours,
    /// We execute it; an earlier attempt, which began at this time, may already have succeeded.
    LeftUndone(Timestamp),
    /// It created this user.
    Done(String),
    /// Another process works on it, or did less than a minute ago.
    UnderWay,
    /// Its key was used for another request.
    Different,
}

pub async fn begin(client: &Client, key: &str, fingerprint: &str) -> Result<Begun, Error> {
    let params: [(&(dyn ToSql + Sync), Type); 2] = [(&key, Type::TEXT), (&fingerprint, Type::TEXT)];
    let statement = include_str!("../../sql/requests/begin.sql");
    let row = client.query_typed_one(statement, &params).await?;
    let user: Option<String> = row.try_get("user_id")?;
    let left_undone = optional_time(&row, "left_undone")?;
    Ok(match (row.try_get("ours")?, row.try_get("same")?, user) {
        (true, _, _) => left_undone.map_or(Begun::Ours, Begun::LeftUndone),
        (false, false, _) => Begun::Different,
        (false, true, Some(user)) => Begun::Done(user),
        (false, true, None) => Begun::UnderWay,
    })
}

pub async fn done(client: &Client, key: &str, user: &str) -> Result<(), Error> {
    let params: [(&(dyn ToSql + Sync), Type); 2] = [(&key, Type::TEXT), (&user, Type::TEXT)];
    client.execute_typed(include_str!("../../sql/requests/done.sql"), &params).await?;
    Ok(())
}

pub async fn forget(client: &Client, key: &str) -> Result<(), Error> {
    let statement = include_str!("../../sql/requests/forget.sql");
    client.execute_typed(statement, &[(&key, Type::TEXT)]).await?;
    Ok(())
}

/// Removes the requests that began before this time, and returns how many.
pub async fn prune(client: &Client, before: Timestamp) -> Result<u64, Error> {
    let statement = include_str!("../../sql/requests/prune.sql");
    client.execute_typed(statement, &[(&before, Type::TIMESTAMPTZ)]).await
}
