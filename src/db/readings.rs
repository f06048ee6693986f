//! Compares the readings of a provider's API with the tables.

use std::collections::HashMap;

use jiff::Timestamp;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row};

use super::apply::array_of_claims;
use super::composite::Types;
use super::mirror;
use super::values::{optional_time, time};
use crate::law::Claim;
use crate::model::{DeliveryId, Key, Kind, Record, Version};
use crate::provider::api::{Sought, fields_of_all, metadata_of_all};

/// How an entity that the API shows compares with the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Equal, or the row is newer.
    Same,
    Missing,
    /// The row differs and is older; its version, if it has one.
    Stale(Option<Timestamp>),
    /// The row is older, and differs only in fields that change without a change of the entity.
    Touched,
    /// The row has been deleted since this time.
    Deleted(Timestamp),
    /// Removed for good.
    Purged,
    /// It belongs to another source.
    Foreign,
}

/// An entity that the API of a source shows.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    pub source: &'a str,
    pub version: &'a Version,
    pub record: &'a Record,
}

/// The standing of each entity of a kind, in their order. Fields that change without a change of the entity do not count.
pub async fn compare(
    client: &Client,
    kind: Kind,
    shown: &[Shown<'_>],
) -> Result<Vec<Standing>, Error> {
    let claims = shown.iter().map(|one| Claim::shown(one.source, one.version, one.record));
    let claims: Vec<_> = claims.collect();
    let claims = array_of_claims(&Types::read(client).await?, &claims);
    let params = [
        claims.param(),
        (&fields_of_all(kind, |list| list.volatile) as &(dyn ToSql + Sync), Type::TEXT_ARRAY),
        (&fields_of_all(kind, |list| list.moving), Type::TEXT_ARRAY),
        (&metadata_of_all(), Type::TEXT_ARRAY),
    ];
    let statement = mirror::of(kind).comparing(include_str!("../../sql/readings/compare.sql"));
    let rows = client.query_typed(&statement, &params).await?;
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

/// An entity that a source should list.
#[derive(Clone, Debug)]
pub struct Unlisted {
    pub sought: Sought,
    /// Whether its user or its organization is deleted.
    pub is_orphan: bool,
}

/// The selection of entities that a source should list.
#[derive(Clone, Copy)]
pub struct Listed<'a> {
    pub kind: Kind,
    pub source: &'a str,
    /// Whether entities without a source belong to this one.
    pub sole: bool,
}

/// Entities that the source should list, in the order of their ids, after one of them.
pub async fn unlisted(
    client: &Client,
    Listed { kind, source, sole }: Listed<'_>,
    after: &str,
    limit: i64,
) -> Result<Vec<Unlisted>, Error> {
    let params: [(&(dyn ToSql + Sync), Type); 4] =
        [(&source, Type::TEXT), (&after, Type::TEXT), (&limit, Type::INT8), (&sole, Type::BOOL)];
    let statement = mirror::of(kind).tying(include_str!("../../sql/readings/unlisted.sql"));
    let rows = client.query_typed(&statement, &params).await?;
    let unlisted = |row: &Row| {
        let is_orphan = row.try_get("is_orphan")?;
        Ok(Unlisted { sought: sought(kind, row)?, is_orphan })
    };
    rows.iter().map(unlisted).collect()
}

/// Live grants of a source in an organization whose users have no membership in the tables.
pub async fn left(client: &Client, source: &str, organization: &str) -> Result<Vec<Sought>, Error> {
    let params: [(&(dyn ToSql + Sync), Type); 2] =
        [(&source, Type::TEXT), (&organization, Type::TEXT)];
    let statement = mirror::of(Kind::Grant)
        .statement(include_str!("../../sql/readings/left.sql"))
        .replace("{memberships}", mirror::of(Kind::Membership).table);
    let rows = client.query_typed(&statement, &params).await?;
    rows.iter().map(|row| sought(Kind::Grant, row)).collect()
}

/// What the tables hold about an entity, for a request to the API.
pub async fn of(client: &Client, key: &Key) -> Result<Sought, Error> {
    let statement = mirror::of(key.kind).tying(include_str!("../../sql/readings/ties.sql"));
    let row = client.query_typed_opt(&statement, &[(&key.id, Type::TEXT)]).await?;
    row.map_or_else(|| Ok(Sought::only(key.clone())), |row| sought(key.kind, &row))
}

fn sought(kind: Kind, row: &Row) -> Result<Sought, Error> {
    Ok(Sought {
        key: Key::new(kind, row.try_get::<_, String>("id")?),
        user_id: row.try_get("user_id")?,
        organization_id: row.try_get("organization_id")?,
    })
}

/// Entities that a source should list.
pub struct Sample {
    pub kind: Kind,
    pub ids: Vec<String>,
    /// The number of all such entities.
    pub known: u64,
}

/// A random sample of at most `limit` of the entities that a source should list.
pub async fn sample(
    client: &Client,
    Listed { kind, source, sole }: Listed<'_>,
    limit: i64,
) -> Result<Sample, Error> {
    let params: [(&(dyn ToSql + Sync), Type); 3] =
        [(&source, Type::TEXT), (&sole, Type::BOOL), (&limit, Type::INT8)];
    let statement = mirror::of(kind).statement(include_str!("../../sql/readings/sample.sql"));
    let rows = client.query_typed(&statement, &params).await?;
    let known = rows.first().map_or(Ok(0), |row| row.try_get::<_, i64>("known"))?;
    let ids = rows.iter().map(|row| row.try_get("id")).collect::<Result<_, _>>()?;
    Ok(Sample { kind, ids, known: u64::try_from(known).unwrap_or_default() })
}

/// Rows that applications made before the first delivery about the entity.
pub async fn stubs(client: &Client, kind: Kind, limit: i64) -> Result<Vec<String>, Error> {
    let statement = mirror::of(kind).statement(include_str!("../../sql/readings/stubs.sql"));
    let rows = client.query_typed(&statement, &[(&limit, Type::INT8)]).await?;
    rows.iter().map(|row| row.try_get("id")).collect()
}

/// The version that the row of an entity shows; `None` if it is deleted, purged or unknown.
pub async fn version(client: &Client, key: &Key) -> Result<Option<Version>, Error> {
    let statement = include_str!("../../sql/readings/version.sql");
    let params: [(&(dyn ToSql + Sync), Type); 2] =
        [(&key.kind.as_str(), Type::TEXT), (&key.id, Type::TEXT)];
    let row = client.query_typed_opt(statement, &params).await?;
    let version = |row: Row| {
        let delivery = DeliveryId::recorded(row.try_get("version_delivery")?);
        Ok(Version { at: time(&row, "version_at")?, delivery })
    };
    row.map(version).transpose()
}

/// When each of these entities was last heard of, by its version or by its arrival. A reading of an API is as old as its
/// version, because the provider's other replicas have had it for as long.
pub async fn heard(
    client: &Client,
    kind: Kind,
    ids: &[&str],
) -> Result<HashMap<String, Timestamp>, Error> {
    let statement = mirror::of(kind).statement(include_str!("../../sql/readings/heard.sql"));
    let rows = client.query_typed(&statement, &[(&ids, Type::TEXT_ARRAY)]).await?;
    rows.iter().map(|row| Ok((row.try_get("id")?, time(row, "at")?))).collect()
}
