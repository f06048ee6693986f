//! What a provider's API said, held against the tables.

use jiff::Timestamp;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row};

use super::values::{optional_time, time};
use crate::model::{RawJson, User, Version};
use crate::provider::api::volatile;

/// How a user that the API shows stands to the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Equal, or the row is newer.
    Same,
    Missing,
    /// The row differs and is older: of this version, if any.
    Stale(Option<Timestamp>),
    /// A tombstone since then.
    Deleted(Timestamp),
    /// Removed for good.
    Purged,
}

/// How each user stands, in their order. Fields that change without a change of the user do not count.
pub async fn compare(client: &Client, users: &[(&Version, &User)]) -> Result<Vec<Standing>, Error> {
    let of = |field: fn(&User) -> Option<&str>| users.iter().map(move |(_, user)| field(user));
    let ids: Vec<&str> = users.iter().map(|(_, user)| user.id.as_str()).collect();
    let names: Vec<_> = of(|user| user.name.as_deref()).collect();
    let emails: Vec<_> = of(|user| user.email.as_deref()).collect();
    let created_ats: Vec<_> = users.iter().map(|(_, user)| user.created_at).collect();
    let raw_jsons: Vec<&RawJson> = users.iter().map(|(_, user)| &user.raw).collect();
    let disableds: Vec<_> = users.iter().map(|(_, user)| user.disabled).collect();
    let version_ats: Vec<_> = users.iter().map(|(version, _)| version.at).collect();
    let deliveries: Vec<_> = users.iter().map(|(version, _)| version.delivery.as_str()).collect();
    let params: [(&(dyn ToSql + Sync), Type); 9] = [
        (&ids, Type::TEXT_ARRAY),
        (&names, Type::TEXT_ARRAY),
        (&emails, Type::TEXT_ARRAY),
        (&created_ats, Type::TIMESTAMPTZ_ARRAY),
        (&raw_jsons, Type::JSONB_ARRAY),
        (&disableds, Type::BOOL_ARRAY),
        (&version_ats, Type::TIMESTAMPTZ_ARRAY),
        (&deliveries, Type::TEXT_ARRAY),
        (&volatile(), Type::TEXT_ARRAY),
    ];
    let rows = client.query_typed(include_str!("../../sql/readings/compare.sql"), &params).await?;
    rows.iter().map(standing).collect()
}

fn standing(row: &Row) -> Result<Standing, Error> {
    Ok(match row.try_get("standing")? {
        "missing" => Standing::Missing,
        "stale" => Standing::Stale(optional_time(row, "known_at")?),
        "deleted" => Standing::Deleted(time(row, "deleted_at")?),
        "purged" => Standing::Purged,
        _ => Standing::Same,
    })
}

/// Users that the source ought to list, in the order of their ids, after one of them; with `sole`, those of no source too.
pub async fn unlisted(
    client: &Client,
    source: &str,
    after: &str,
    limit: i64,
    sole: bool,
) -> Result<Vec<String>, Error> {
    let params: [(&(dyn ToSql + Sync), Type); 4] =
        [(&source, Type::TEXT), (&after, Type::TEXT), (&limit, Type::INT8), (&sole, Type::BOOL)];
    ids(client, include_str!("../../sql/readings/unlisted.sql"), &params).await
}

/// Rows that applications made before their user was known.
pub async fn stubs(client: &Client, limit: i64) -> Result<Vec<String>, Error> {
    ids(client, include_str!("../../sql/readings/stubs.sql"), &[(&limit, Type::INT8)]).await
}

async fn ids(
    client: &Client,
    statement: &str,
    params: &[(&(dyn ToSql + Sync), Type)],
) -> Result<Vec<String>, Error> {
    let rows = client.query_typed(statement, params).await?;
    rows.iter().map(|row| row.try_get("id")).collect()
}
