//! Findings: what an operator should know and do something about, until it is dealt with.

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, GenericClient, Row};

use super::values::time;
use crate::model::{Key, Kind, Subject};

#[derive(Debug, Serialize)]
pub struct Finding {
    pub subject: String,
    pub id: String,
    pub found_at: Timestamp,
    /// The problem and the remedy, in words.
    pub detail: String,
}

/// What a finding calls an entity: a user by its id alone, any other with its kind before.
pub fn name_of(key: &Key) -> String {
    match key.kind {
        Kind::User => key.id.clone(),
        kind => format!("{kind} {}", key.id),
    }
}

/// The entity of such a name.
pub fn named(name: &str) -> Key {
    let other = name.split_once(' ').and_then(|(kind, id)| Some((Kind::parse(kind)?, id)));
    other.map_or_else(|| Key::user(name), |(kind, id)| Key::new(kind, id))
}

/// Remembers a finding about `id`; a newer text replaces the older one.
pub async fn set(
    client: &impl GenericClient,
    subject: Subject,
    id: &str,
    detail: &str,
) -> Result<(), Error> {
    let params: [(&(dyn ToSql + Sync), Type); 3] =
        [(&subject.as_str(), Type::TEXT), (&id, Type::TEXT), (&detail, Type::TEXT)];
    client.execute_typed(include_str!("../../sql/findings/set.sql"), &params).await?;
    Ok(())
}

/// Forgets the finding about `id`, if there is one.
pub async fn clear(client: &impl GenericClient, subject: Subject, id: &str) -> Result<(), Error> {
    let params: [(&(dyn ToSql + Sync), Type); 2] =
        [(&subject.as_str(), Type::TEXT), (&id, Type::TEXT)];
    client.execute_typed(include_str!("../../sql/findings/clear.sql"), &params).await?;
    Ok(())
}

/// Forgets every finding of a subject but those about these.
pub async fn settle(
    client: &impl GenericClient,
    subject: Subject,
    still: &[&str],
) -> Result<(), Error> {
    let params: [(&(dyn ToSql + Sync), Type); 2] =
        [(&subject.as_str(), Type::TEXT), (&still, Type::TEXT_ARRAY)];
    client.execute_typed(include_str!("../../sql/findings/settle.sql"), &params).await?;
    Ok(())
}

/// How many findings there are of each subject, by its word.
pub async fn counts(client: &Client) -> Result<Vec<(String, i64)>, Error> {
    let rows = client.query_typed(include_str!("../../sql/findings/counts.sql"), &[]).await?;
    rows.iter().map(|row| Ok((row.try_get("subject")?, row.try_get("findings")?))).collect()
}

/// The newest hundred.
pub async fn newest(client: &Client) -> Result<Vec<Finding>, Error> {
    let rows = client.query_typed(include_str!("../../sql/findings/newest.sql"), &[]).await?;
    rows.iter().map(finding).collect()
}

fn finding(row: &Row) -> Result<Finding, Error> {
    Ok(Finding {
        subject: row.try_get("subject")?,
        id: row.try_get("id")?,
        found_at: time(row, "found_at")?,
        detail: row.try_get("detail")?,
    })
}
