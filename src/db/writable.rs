//! Whether deliveries can be written, by a look at the tables and by a write.

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, GenericClient};
use uuid::Uuid;

use super::{leases, rights};

/// The lease that a trial write takes.
const TRIAL: &str = "trial write";

/// What keeps every delivery from being written, in words; `None` where nothing is known to.
pub async fn obstacle(client: &impl GenericClient) -> Result<Option<String>, Error> {
    let statement = include_str!("../../sql/sync/obstacle.sql");
    let (schemas, names): (Vec<_>, Vec<_>) =
        rights::written().filter_map(|table| table.split_once('.')).unzip();
    let params: [(&(dyn ToSql + Sync), Type); 2] =
        [(&schemas, Type::TEXT_ARRAY), (&names, Type::TEXT_ARRAY)];
    let rows = client.query_typed(statement, &params).await?;
    Ok(rows.first().and_then(|row| row.get("obstacle")))
}

/// Writes rows that mean nothing: a full disk or a failing flush shows here, and a table that refuses every delivery.
pub async fn try_out(client: &mut Client) -> Result<(), Error> {
    let holder = Uuid::new_v4();
    let transaction = client.transaction().await?;
    let id: [(&(dyn ToSql + Sync), Type); 1] = [(&holder.to_string(), Type::TEXT)];
    transaction.execute_typed(include_str!("../../sql/sync/trial.sql"), &id).await?;
    transaction.rollback().await?;
    leases::take(client, TRIAL, holder, 0.0).await?;
    leases::release(client, TRIAL, holder).await
}
