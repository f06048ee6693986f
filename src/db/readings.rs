//! What a provider's API said, held against the tables.

use jiff::Timestamp;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row};

use super::values::{optional_time, time};
use crate::model::{RawJson, Record, Version};
use crate::provider::api::fields_of_all;

/// How a user that the API shows stands to the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Equal, or the row is newer.
    Same,
    Missing,
    /// The row differs and is older: of this version, if any.
    Stale(Option<Timestamp>),
    /// The row is older, and differs in nothing but what every sign-in moves.
    Touched,
    /// A tombstone since then.
    Deleted(Timestamp),
    /// Removed for good.
    Purged,
    /// It belongs to another source.
    Foreign,
}

/// A user that the API of a source shows.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    pub source: &'a str,
    pub version: &'a Version,
    pub record: &'a Record,
}

/// How each user stands, in their order. Fields that change without a change of the user do not count.
pub async fn compare(client: &Client, shown: &[Shown<'_>]) -> Result<Vec<Standing>, Error> {
    let records = || shown.iter().map(|Shown { record, .. }| *record);
    let users = || shown.iter().map(|Shown { record, .. }| record.user());
    let versions = || shown.iter().map(|Shown { version, .. }| *version);
    let sources: Vec<&str> = shown.iter().map(|Shown { source, .. }| *source).collect();
    let ids: Vec<&str> = records().map(Record::id).collect();
    let names: Vec<_> = users().map(|user| user.and_then(|user| user.name.as_deref())).collect();
    let emails: Vec<_> = users().map(|user| user.and_then(|user| user.email.as_deref())).collect();
    let created_ats: Vec<_> = records().map(|record| record.created_at).collect();
    let raw_jsons: Vec<&RawJson> = records().map(|record| &record.raw).collect();
    let disableds: Vec<_> = records().map(|record| record.disabled).collect();
    let version_ats: Vec<_> = versions().map(|version| version.at).collect();
    let deliveries: Vec<_> = versions().map(|version| version.delivery.as_str()).collect();
    let params: [(&(dyn ToSql + Sync), Type); 12] = [
        (&sources, Type::TEXT_ARRAY),
        (&ids, Type::TEXT_ARRAY),
        (&names, Type::TEXT_ARRAY),
        (&emails, Type::TEXT_ARRAY),
        (&created_ats, Type::TIMESTAMPTZ_ARRAY),
        (&raw_jsons, Type::JSONB_ARRAY),
        (&disableds, Type::BOOL_ARRAY),
        (&version_ats, Type::TIMESTAMPTZ_ARRAY),
        (&deliveries, Type::TEXT_ARRAY),
        (&fields_of_all(|api| api.volatile), Type::TEXT_ARRAY),
        (&fields_of_all(|api| api.moving), Type::TEXT_ARRAY),
        (&fields_of_all(|api| api.metadata), Type::TEXT_ARRAY),
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
        "touched" => Standing::Touched,
        "foreign" => Standing::Foreign,
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

/// Users that a source ought to list.
pub struct Sample {
    pub ids: Vec<String>,
    /// How many there are in all.
    pub known: u64,
}

/// At most `limit` of the users that the source ought to list, by chance; with `sole`, those of no source too.
pub async fn sample(
    client: &Client,
    source: &str,
    sole: bool,
    limit: i64,
) -> Result<Sample, Error> {
    let params: [(&(dyn ToSql + Sync), Type); 3] =
        [(&source, Type::TEXT), (&sole, Type::BOOL), (&limit, Type::INT8)];
    let rows = client.query_typed(include_str!("../../sql/readings/sample.sql"), &params).await?;
    let known = rows.first().map_or(Ok(0), |row| row.try_get::<_, i64>("known"))?;
    let ids = rows.iter().map(|row| row.try_get("id")).collect::<Result<_, _>>()?;
    Ok(Sample { ids, known: u64::try_from(known).unwrap_or_default() })
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
