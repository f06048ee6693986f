//! Reads and rewrites rows of the mirrors after a mapping was corrected.

use tokio_postgres::types::Type;
use tokio_postgres::{Error, GenericClient};

use super::apply::array_of_claims;
use super::composite::Types;
use super::mirror;
use super::values::time;
use crate::law::Claim;
use crate::model::{DeliveryId, Kind, RawJson, Record, Version};

/// The row of one entity, and its source.
pub struct Shown {
    pub id: String,
    /// `None` if its text would be too long.
    pub raw_json: Option<RawJson>,
    pub source: String,
    pub version: Version,
}

/// The next entities of a kind in the order of their ids.
pub async fn read(
    client: &impl GenericClient,
    kind: Kind,
    after: &str,
    limit: i64,
) -> Result<Vec<Shown>, Error> {
    let statement = mirror::of(kind).statement(include_str!("../../sql/remap/read.sql"));
    let rows =
        client.query_typed(&statement, &[(&after, Type::TEXT), (&limit, Type::INT8)]).await?;
    let shown = |row: &tokio_postgres::Row| {
        let delivery = DeliveryId::recorded(row.try_get("version_delivery")?);
        Ok(Shown {
            id: row.try_get("id")?,
            raw_json: row.try_get("raw_json")?,
            source: row.try_get("source")?,
            version: Version { at: time(row, "version_at")?, delivery },
        })
    };
    rows.iter().map(shown).collect()
}

/// Writes the rows of a kind that differ, and returns their number.
pub async fn write(
    client: &impl GenericClient,
    kind: Kind,
    derived: &[(Version, Record)],
) -> Result<usize, Error> {
    let claims: Vec<_> =
        derived.iter().map(|(version, record)| Claim::shown("", version, record)).collect();
    let claims = array_of_claims(&Types::read(client).await?, &claims);
    let statement = mirror::of(kind).deriving(include_str!("../../sql/remap/write.sql"));
    Ok(client.query_typed(&statement, &[claims.param()]).await?.len())
}
