//! The journal: one row per delivery.

pub mod search;

use jiff::Timestamp;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row};

use super::values::{Moment, time};
use crate::model::DeliveryId;

/// When a delivery first arrived; `None` if it is not in the journal.
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

/// The number of deliveries in quarantine.
pub async fn quarantined(client: &Client) -> Result<i64, Error> {
    let statement = include_str!("../../sql/journal/quarantined.sql");
    client.query_typed_one(statement, &[]).await?.try_get(0)
}

/// The old deliveries in quarantine of one source.
pub struct Lingering {
    pub source: String,
    pub deliveries: i64,
    pub oldest: Timestamp,
}

/// Counts for each source the deliveries that have been in quarantine since before `before`.
pub async fn lingering(client: &Client, before: Timestamp) -> Result<Vec<Lingering>, Error> {
    let statement = include_str!("../../sql/journal/lingering.sql");
    let rows = client.query_typed(statement, &[(&before, Type::TIMESTAMPTZ)]).await?;
    let lingering = |row: &Row| {
        Ok(Lingering {
            source: row.try_get("source")?,
            deliveries: row.try_get("deliveries")?,
            oldest: time(row, "oldest")?,
        })
    };
    rows.iter().map(lingering).collect()
}

/// Discards those of these deliveries (a source and an id each) that are in quarantine, and returns their number.
pub async fn discard(client: &Client, deliveries: &[(&str, &str)]) -> Result<u64, Error> {
    let (sources, ids): (Vec<&str>, Vec<&str>) = deliveries.iter().copied().unzip();
    let params: [(&(dyn ToSql + Sync), Type); 2] =
        [(&sources, Type::TEXT_ARRAY), (&ids, Type::TEXT_ARRAY)];
    client.execute_typed(include_str!("../../sql/journal/discard.sql"), &params).await
}

/// The result of one step of the removal.
pub struct Pruned {
    pub rows: i64,
    /// When the last removed row was received.
    pub last: Option<Moment>,
}

/// Removes at most `limit` rows received before `before` and not before `after`, but none in quarantine.
pub async fn prune(
    client: &Client,
    before: Timestamp,
    limit: i64,
    after: Option<Moment>,
) -> Result<Pruned, Error> {
    let after = after.unwrap_or(Moment::EARLIEST);
    let params: [(&(dyn ToSql + Sync), Type); 3] =
        [(&before, Type::TIMESTAMPTZ), (&limit, Type::INT8), (&after, Type::TIMESTAMPTZ)];
    let statement = include_str!("../../sql/journal/prune.sql");
    let row = client.query_typed_one(statement, &params).await?;
    Ok(Pruned { rows: row.try_get("rows")?, last: row.try_get("last")? })
}
