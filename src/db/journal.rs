//! The journal: one row per delivery.

pub mod search;

use jiff::Timestamp;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

use super::values::time;
use crate::model::DeliveryId;

/// When a delivery first arrived; `None` where it never did, or longer ago than the journal reaches.
pub async fn first_received(
    client: &Client,
    source: &str,
    id: &DeliveryId,
) -> Result<Option<Timestamp>, Error> {
    let row = client
        .query_typed_opt(
            include_str!("../../sql/journal/first_received.sql"),
            &[(&source, Type::TEXT), (&id.as_str(), Type::TEXT)],
        )
        .await?;
    row.map(|row| time(&row, "received_at")).transpose()
}

/// How many deliveries are in quarantine.
pub async fn quarantined(client: &Client) -> Result<i64, Error> {
    let statement = include_str!("../../sql/journal/quarantined.sql");
    client.query_typed_one(statement, &[]).await?.try_get(0)
}

/// Removes at most `limit` rows received before `before`, and answers how many.
pub async fn prune(client: &Client, before: Timestamp, limit: i64) -> Result<u64, Error> {
    client
        .execute_typed(
            include_str!("../../sql/journal/prune.sql"),
            &[(&before, Type::TIMESTAMPTZ), (&limit, Type::INT8)],
        )
        .await
}
