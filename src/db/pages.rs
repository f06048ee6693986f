//! What the admin page shows besides the status.

use jiff::Timestamp;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Row};

/// Deliveries of one minute with one outcome.
pub struct Minute {
    pub minutes_ago: i32,
    pub outcome: String,
    pub deliveries: i64,
}

/// Seconds from event to commit; `None` where nothing was applied lately.
pub struct Lag {
    pub p50: Option<f64>,
    pub p99: Option<f64>,
}

/// A user as the mirror shows it and the ledger knows it.
pub struct KnownUser {
    pub mirrored: bool,
    pub name: Option<String>,
    pub email: Option<String>,
    pub created_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
    pub deleted_at: Option<Timestamp>,
    pub raw_json: Option<String>,
    pub source: Option<String>,
    pub version_at: Option<Timestamp>,
    pub version_delivery: Option<String>,
    pub tombstone: Option<Timestamp>,
    pub disabled: Option<bool>,
    pub purged_at: Option<Timestamp>,
}

pub async fn minutes(client: &Client) -> Result<Vec<Minute>, Error> {
    let rows = client.query_typed(include_str!("../../sql/status/minutes.sql"), &[]).await?;
    let minute = |row: &Row| Minute {
        minutes_ago: row.get("minutes_ago"),
        outcome: row.get("outcome"),
        deliveries: row.get("deliveries"),
    };
    Ok(rows.iter().map(minute).collect())
}

pub async fn lag(client: &Client) -> Result<Lag, Error> {
    let row = client.query_typed_one(include_str!("../../sql/status/lag.sql"), &[]).await?;
    Ok(Lag { p50: row.get("p50"), p99: row.get("p99") })
}

pub async fn user(client: &Client, id: &str) -> Result<Option<KnownUser>, Error> {
    let statement = include_str!("../../sql/status/user.sql");
    let row = client.query_typed_opt(statement, &[(&id, Type::TEXT)]).await?;
    Ok(row.map(|row| KnownUser {
        mirrored: row.get("mirrored"),
        name: row.get("name"),
        email: row.get("email"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
        deleted_at: row.get("deleted_at"),
        raw_json: row.get("raw_json"),
        source: row.get("source"),
        version_at: row.get("version_at"),
        version_delivery: row.get("version_delivery"),
        tombstone: row.get("tombstone"),
        disabled: row.get("disabled"),
        purged_at: row.get("purged_at"),
    }))
}
