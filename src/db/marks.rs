//! Marks: entities whose current state must be fetched from their provider.

use jiff::Timestamp;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row};

use super::values::optional_time;
use crate::model::{Key, Kind};

#[derive(Clone, Debug)]
pub struct Mark {
    /// Empty if the entity's source is unknown.
    pub source: String,
    /// An empty id means all entities of the kind.
    pub key: Key,
    pub mark: i64,
    /// How often the mark was taken, including this time.
    pub attempts: i32,
    /// The version that the row shows.
    pub version_at: Option<Timestamp>,
    pub last_deleted_at: Option<Timestamp>,
    pub is_deleted: bool,
}

/// Takes marks that are due; they are due again after `seconds`, and later with every attempt, unless they are done.
pub async fn take(
    client: &Client,
    limit: i64,
    seconds: f64,
    sources: &[&str],
) -> Result<Vec<Mark>, Error> {
    let params: [(&(dyn ToSql + Sync), Type); 3] =
        [(&limit, Type::INT8), (&seconds, Type::FLOAT8), (&sources, Type::TEXT_ARRAY)];
    let rows = client.query_typed(include_str!("../../sql/marks/take.sql"), &params).await?;
    // A newer users-sync may mark other kinds; it fetches them itself.
    rows.iter().filter_map(|row| mark(row).transpose()).collect()
}

fn mark(row: &Row) -> Result<Option<Mark>, Error> {
    let Some(kind) = Kind::parse(row.try_get("kind")?) else { return Ok(None) };
    Ok(Some(Mark {
        source: row.try_get("source")?,
        key: Key::new(kind, row.try_get::<_, String>("id")?),
        mark: row.try_get("mark")?,
        attempts: row.try_get("attempts")?,
        version_at: optional_time(row, "version_at")?,
        last_deleted_at: optional_time(row, "last_deleted_at")?,
        is_deleted: row.try_get("is_deleted")?,
    }))
}

/// Marks entities; an empty id means all of the kind.
pub async fn add(client: &Client, source: &str, keys: &[Key]) -> Result<(), Error> {
    let (kinds, ids): (Vec<_>, Vec<_>) =
        keys.iter().map(|key| (key.kind.as_str(), key.id.as_str())).unzip();
    let params: [(&(dyn ToSql + Sync), Type); 3] =
        [(&source, Type::TEXT), (&kinds, Type::TEXT_ARRAY), (&ids, Type::TEXT_ARRAY)];
    client.execute_typed(include_str!("../../sql/marks/add.sql"), &params).await?;
    Ok(())
}

/// Removes marks; called after the commit of the fetched entities.
pub async fn done(client: &Client, Mark { source, key, mark, .. }: &Mark) -> Result<(), Error> {
    let params: [(&(dyn ToSql + Sync), Type); 4] = [
        (source, Type::TEXT),
        (&key.kind.as_str(), Type::TEXT),
        (&key.id, Type::TEXT),
        (mark, Type::INT8),
    ];
    client.execute_typed(include_str!("../../sql/marks/done.sql"), &params).await?;
    Ok(())
}

/// Keeps a mark whose fetched state may be outdated; it is due again after `seconds`.
pub async fn again(
    client: &Client,
    Mark { source, key, mark, .. }: &Mark,
    seconds: f64,
) -> Result<(), Error> {
    let params: [(&(dyn ToSql + Sync), Type); 5] = [
        (source, Type::TEXT),
        (&key.kind.as_str(), Type::TEXT),
        (&key.id, Type::TEXT),
        (mark, Type::INT8),
        (&seconds, Type::FLOAT8),
    ];
    client.execute_typed(include_str!("../../sql/marks/again.sql"), &params).await?;
    Ok(())
}
