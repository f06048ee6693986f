//! Past runs of every process.

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row};

use super::Counts;
use crate::db::values::{optional_time, time};
use crate::model::Kind;

#[derive(Clone, Debug, Serialize)]
pub struct Recorded {
    #[serde(skip)]
    pub kind: String,
    #[serde(skip)]
    pub source: String,
    /// The kind of its entities.
    #[serde(skip)]
    pub entity: String,
    pub started_at: Timestamp,
    /// `None` while it is under way, or if it was interrupted.
    pub finished_at: Option<Timestamp>,
    pub outcome: Option<String>,
    pub reason: Option<String>,
    #[serde(flatten)]
    pub counts: Counts,
}

/// The totals of all repairs of one source.
#[derive(Clone, Copy, Debug)]
pub struct Repairs {
    pub missing: i64,
    pub stale: i64,
    pub restored: i64,
    pub gone: i64,
    /// When the last whole reconcile ended.
    pub last_success: Option<Timestamp>,
}

impl Recorded {
    fn of(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            kind: row.try_get("kind")?,
            source: row.try_get("source")?,
            entity: row.try_get("entity")?,
            started_at: time(row, "started_at")?,
            finished_at: optional_time(row, "finished_at")?,
            outcome: row.try_get("outcome")?,
            reason: row.try_get("reason")?,
            counts: Counts {
                seen: row.try_get("seen")?,
                missing: row.try_get("missing")?,
                stale: row.try_get("stale")?,
                restored: row.try_get("restored")?,
                gone: row.try_get("gone")?,
                unreadable: row.try_get("unreadable")?,
                unannounced: row.try_get("unannounced")?,
                unannounced_since: optional_time(row, "unannounced_since")?,
            },
        })
    }
}

/// The newest run of each kind over each of these sources, for entities of one kind.
pub async fn last(client: &Client, sources: &[&str], entity: Kind) -> Result<Vec<Recorded>, Error> {
    let statement = include_str!("../../../sql/runs/last.sql");
    let rows = client.query_typed(statement, &over(&sources, &entity.as_str())).await?;
    rows.iter().map(Recorded::of).collect()
}

/// The runs that found silent changes, unless a later run over the same source found none.
pub async fn silences(
    client: &Client,
    sources: &[&str],
    entity: Kind,
) -> Result<Vec<Recorded>, Error> {
    let statement = include_str!("../../../sql/runs/silences.sql");
    let rows = client.query_typed(statement, &over(&sources, &entity.as_str())).await?;
    rows.iter().map(Recorded::of).collect()
}

/// Runs with their ids, newest first.
pub async fn recent(
    client: &Client,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<(i64, Recorded)>, Error> {
    let params: [(&(dyn ToSql + Sync), Type); 2] = [(&before, Type::INT8), (&limit, Type::INT8)];
    let rows = client.query_typed(include_str!("../../../sql/runs/recent.sql"), &params).await?;
    rows.iter().map(|row| Ok((row.try_get("id")?, Recorded::of(row)?))).collect()
}

/// The repairs of each source in the order given, over all kinds; the last success is that of one kind.
pub async fn repairs(
    client: &Client,
    sources: &[&str],
    entity: Kind,
) -> Result<Vec<Repairs>, Error> {
    let statement = include_str!("../../../sql/runs/repairs.sql");
    let rows = client.query_typed(statement, &over(&sources, &entity.as_str())).await?;
    let repairs = |row: &Row| {
        Ok(Repairs {
            missing: row.try_get("missing")?,
            stale: row.try_get("stale")?,
            restored: row.try_get("restored")?,
            gone: row.try_get("gone")?,
            last_success: optional_time(row, "last_success")?,
        })
    };
    rows.iter().map(repairs).collect()
}

fn over<'a>(sources: &'a &[&str], entity: &'a &str) -> [(&'a (dyn ToSql + Sync), Type); 2] {
    [(sources, Type::TEXT_ARRAY), (entity, Type::TEXT)]
}
