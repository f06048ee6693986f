//! Whether deliveries can be written: checks the tables, and tries a write.

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, GenericClient};
use uuid::Uuid;

use super::{leases, rights};

/// The lease that a trial write takes.
const TRIAL: &str = "trial write";

/// What prevents every delivery from being written, as a sentence; `None` if no obstacle is known.
pub async fn obstacle(client: &impl GenericClient) -> Result<Option<String>, Error> {
    let statement = include_str!("../../sql/sync/obstacle.sql");
    let (schemas, names): (Vec<_>, Vec<_>) =
        rights::written().filter_map(|table| table.split_once('.')).unzip();
    let params: [(&(dyn ToSql + Sync), Type); 2] =
        [(&schemas, Type::TEXT_ARRAY), (&names, Type::TEXT_ARRAY)];
    let rows = client.query_typed(statement, &params).await?;
    Ok(rows.first().and_then(|row| row.get("obstacle")))
}

/// Writes rows without meaning: this shows a full disk, a failing flush, and a table that refuses every delivery.
pub async fn try_out(client: &mut Client) -> Result<(), Error> {
    let holder = Uuid::new_v4();
    let transaction = client.transaction().await?;
    let id: [(&(dyn ToSql + Sync), Type); 1] = [(&holder.to_string(), Type::TEXT)];
    transaction.execute_typed(include_str!("../../sql/sync/trial.sql"), &id).await?;
    transaction.rollback().await?;
    leases::take(client, TRIAL, holder, 0.0).await?;
    leases::release(client, TRIAL, holder).await
}
