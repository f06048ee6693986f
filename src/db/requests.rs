//! Requests that must not be done twice.

use jiff::Timestamp;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error};

use super::values::optional_time;

/// What is known of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is for us to do.
    Ours,
    /// It is for us to do; an attempt that began then may have done it already.
    LeftUndone(Timestamp),
    /// It has created this user.
    Done(String),
    /// Somebody is at it, or was, less than a minute ago.
    UnderWay,
    /// Its key was used for something else.
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

/// Forgets the requests that began before this, and answers how many.
pub async fn prune(client: &Client, before: Timestamp) -> Result<u64, Error> {
    let statement = include_str!("../../sql/requests/prune.sql");
    client.execute_typed(statement, &[(&before, Type::TIMESTAMPTZ)]).await
}
