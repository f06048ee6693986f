//! Rows of the mirror, to be read and written again by a better mapping.

use jiff::Timestamp;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, GenericClient};

use super::values::time;
use crate::model::{DeliveryId, RawJson, Record, Version};

/// What the mirror shows of one user, and where it comes from.
pub struct Shown {
    pub id: String,
    /// `None` where it cannot be printed.
    pub raw_json: Option<RawJson>,
    pub source: String,
    pub version: Version,
}

/// The next users in the order of their ids.
pub async fn read(
    client: &impl GenericClient,
    after: &str,
    limit: i64,
) -> Result<Vec<Shown>, Error> {
    let statement = include_str!("../../sql/remap/read.sql");
    let rows = client.query_typed(statement, &[(&after, Type::TEXT), (&limit, Type::INT8)]).await?;
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

#[derive(Default)]
struct Columns<'a> {
    ids: Vec<&'a str>,
    version_ats: Vec<Timestamp>,
    version_deliveries: Vec<&'a str>,
    names: Vec<Option<&'a str>>,
    emails: Vec<Option<&'a str>>,
    created_ats: Vec<Option<Timestamp>>,
    updated_ats: Vec<Option<Timestamp>>,
    disableds: Vec<bool>,
}

/// Writes what differs, and answers of how many users.
pub async fn write(
    client: &impl GenericClient,
    users: &[(Version, Record)],
) -> Result<usize, Error> {
    let mut columns = Columns::default();
    for (version, user) in users {
        let Record { key, profile: _, created_at, updated_at, disabled, raw: _ } = user;
        let (name, email) =
            user.user().map_or((None, None), |user| (user.name.as_ref(), user.email.as_ref()));
        columns.ids.push(&key.id);
        columns.version_ats.push(version.at);
        columns.version_deliveries.push(version.delivery.as_str());
        columns.names.push(name.map(String::as_str));
        columns.emails.push(email.map(String::as_str));
        columns.created_ats.push(*created_at);
        columns.updated_ats.push(*updated_at);
        columns.disableds.push(*disabled);
    }
    let params: [(&(dyn ToSql + Sync), Type); 8] = [
        (&columns.ids, Type::TEXT_ARRAY),
        (&columns.version_ats, Type::TIMESTAMPTZ_ARRAY),
        (&columns.version_deliveries, Type::TEXT_ARRAY),
        (&columns.names, Type::TEXT_ARRAY),
        (&columns.emails, Type::TEXT_ARRAY),
        (&columns.created_ats, Type::TIMESTAMPTZ_ARRAY),
        (&columns.updated_ats, Type::TIMESTAMPTZ_ARRAY),
        (&columns.disableds, Type::BOOL_ARRAY),
    ];
    let statement = include_str!("../../sql/remap/write.sql");
    Ok(client.query_typed(statement, &params).await?.len())
}
