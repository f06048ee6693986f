//! Searches the journal page by page: fast at any size, because each page reads a limited number of rows.

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row};

use crate::db::values::{Moment, known, optional_time, time};
use crate::model::{DeliveryId, Key, Kind, Outcome};

/// The number of rows that one page reads. A page may have few matches and still have a next page.
const REACH: i64 = 20_000;

/// The conditions of a search; `None` matches everything.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub source: Option<String>,
    pub outcome: Option<Outcome>,
    /// Matches deliveries that name this entity, as their first or as a further one.
    pub entity: Option<Key>,
    pub event_type: Option<String>,
    /// Why a delivery was quarantined or ignored, as the journal gives it.
    pub reason: Option<String>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

/// The position between two pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub received_at: Moment,
    pub source: String,
    pub delivery_id: String,
}

/// A row of the journal, without its bytes.
#[derive(Clone, Debug, Serialize)]
pub struct Record {
    pub source: String,
    #[serde(rename = "id")]
    pub delivery_id: String,
    #[serde(rename = "type")]
    pub event_type: Option<String>,
    /// The entity that it names first, if that is a user.
    pub user: Option<String>,
    /// Every entity that it names, in order; a page of deliveries has the first hundred further ones of each.
    pub entities: Vec<Entity>,
    pub version_at: Option<Timestamp>,
    pub received_at: Timestamp,
    pub processed_at: Timestamp,
    pub attempts: i32,
    pub outcome: String,
    pub reason: Option<String>,
    /// `None` if the bytes were not kept.
    pub body_bytes: Option<i32>,
}

/// An entity as the journal names it: a newer version may have written a kind that this one does not know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entity {
    pub kind: String,
    pub id: String,
}

/// A delivery whose bytes can be decoded again.
#[derive(Debug)]
pub struct Recalled {
    pub source: String,
    pub id: DeliveryId,
    pub received_at: Timestamp,
    pub body: Option<Bytes>,
}

/// One page of a search.
#[derive(Debug)]
pub struct Page<T> {
    pub found: Vec<T>,
    /// `None` on the last page.
    pub next: Option<Place>,
}

/// One page of deliveries, newest first.
pub async fn page(
    client: &Client,
    filter: &Filter,
    after: Option<&Place>,
    limit: i64,
) -> Result<Page<Record>, Error> {
    let rows = search(client, &page_statement(), filter, after, limit).await?;
    Page::of(&rows, limit, record)
}

/// One page of deliveries with their bytes, oldest first.
pub async fn recall(
    client: &Client,
    filter: &Filter,
    after: Option<&Place>,
    limit: i64,
) -> Result<Page<Recalled>, Error> {
    let rows = search(client, &recall_statement(), filter, after, limit).await?;
    Page::of(&rows, limit, recalled)
}

/// One delivery, with its bytes if they were kept.
pub async fn find(
    client: &Client,
    source: &str,
    delivery_id: &str,
) -> Result<Option<(Record, Recalled)>, Error> {
    let statement = include_str!("../../../sql/journal/find.sql");
    let params: [(&(dyn ToSql + Sync), Type); 2] =
        [(&source, Type::TEXT), (&delivery_id, Type::TEXT)];
    let row = client.query_typed_opt(statement, &params).await?;
    row.map(|row| Ok((record(&row)?, recalled(&row)?))).transpose()
}

/// A delivery in quarantine.
pub struct Quarantined {
    pub source: String,
    pub delivery_id: String,
    pub received_at: Timestamp,
}

/// The deliveries in quarantine whose bytes contain this id as a JSON string, even if they are unreadable; newest first, of the
/// newest thousand, and the newest 64 MiB of those.
pub async fn naming(client: &Client, id: &str) -> Result<Vec<Quarantined>, Error> {
    let statement = include_str!("../../../sql/journal/naming.sql");
    let quoted = serde_json::Value::from(id).to_string().into_bytes();
    let rows = client.query_typed(statement, &[(&quoted, Type::BYTEA)]).await?;
    let quarantined = |row: &Row| {
        Ok(Quarantined {
            source: row.try_get("source")?,
            delivery_id: row.try_get("delivery_id")?,
            received_at: time(row, "received_at")?,
        })
    };
    rows.iter().map(quarantined).collect()
}

/// The statement of [`page`].
pub fn page_statement() -> String {
    let columns = "j.kind, j.entity_id, j.version_at, j.processed_at, j.attempts, octet_length(j.body) as body_bytes";
    let found = found(columns, "<", "desc");
    include_str!("../../../sql/journal/page.sql").replace("{found}", &found)
}

/// The statement of [`recall`].
pub fn recall_statement() -> String {
    let found = found("j.body", ">", "asc");
    include_str!("../../../sql/journal/recall.sql").replace("{found}", &found)
}

/// The part that both statements share: they read different columns, and continue in opposite directions.
fn found(columns: &str, beyond: &str, order: &str) -> String {
    include_str!("../../../sql/journal/found.sql")
        .replace("{columns}", columns)
        .replace("{beyond}", beyond)
        .replace("{order}", order)
}

async fn search(
    client: &Client,
    statement: &str,
    filter: &Filter,
    after: Option<&Place>,
    limit: i64,
) -> Result<Vec<Row>, Error> {
    let Filter { source, outcome, entity, event_type, reason, since, until } = filter;
    let outcome = outcome.map(Outcome::as_str);
    let (since, until) = (since.map(known), until.map(known));
    let (kind, id) = entity.as_ref().map(|key| (key.kind.as_str(), &key.id)).unzip();
    let params: [(&(dyn ToSql + Sync), Type); 13] = [
        (source, Type::TEXT),
        (&outcome, Type::TEXT),
        (&kind, Type::TEXT),
        (event_type, Type::TEXT),
        (&since, Type::TIMESTAMPTZ),
        (&until, Type::TIMESTAMPTZ),
        (&after.map(|place| place.received_at), Type::TIMESTAMPTZ),
        (&after.map(|place| place.source.as_str()), Type::TEXT),
        (&after.map(|place| place.delivery_id.as_str()), Type::TEXT),
        (&REACH, Type::INT8),
        (&limit, Type::INT8),
        (reason, Type::TEXT),
        (&id, Type::TEXT),
    ];
    client.query_typed(statement, &params).await
}

impl<T> Page<T> {
    fn of(rows: &[Row], limit: i64, read: fn(&Row) -> Result<T, Error>) -> Result<Self, Error> {
        let mut found = Vec::new();
        for row in rows {
            if row.try_get("matches")? {
                found.push(read(row)?);
            }
        }
        let Some(last) = rows.last() else { return Ok(Self { found, next: None }) };
        let is_full =
            i64::try_from(rows.len()) == Ok(limit) || last.try_get::<_, i64>("place")? == REACH;
        let next = if is_full { Some(place(last)?) } else { None };
        Ok(Self { found, next })
    }
}

fn place(row: &Row) -> Result<Place, Error> {
    Ok(Place {
        received_at: row.try_get("received_at")?,
        source: row.try_get("source")?,
        delivery_id: row.try_get("delivery_id")?,
    })
}

fn record(row: &Row) -> Result<Record, Error> {
    let entities = entities(row)?;
    let first = entities.first().filter(|entity| entity.kind == Kind::User.as_str());
    Ok(Record {
        source: row.try_get("source")?,
        delivery_id: row.try_get("delivery_id")?,
        event_type: row.try_get("event_type")?,
        user: first.map(|user| user.id.clone()),
        entities,
        version_at: optional_time(row, "version_at")?,
        received_at: time(row, "received_at")?,
        processed_at: time(row, "processed_at")?,
        attempts: row.try_get("attempts")?,
        outcome: row.try_get("outcome")?,
        reason: row.try_get("reason")?,
        body_bytes: row.try_get("body_bytes")?,
    })
}

fn entities(row: &Row) -> Result<Vec<Entity>, Error> {
    let first: Option<String> = row.try_get("kind")?;
    let first = first.zip(row.try_get("entity_id")?);
    let kinds: Vec<String> = row.try_get("further_kinds")?;
    let ids: Vec<String> = row.try_get("further_ids")?;
    let all = first.into_iter().chain(kinds.into_iter().zip(ids));
    Ok(all.map(|(kind, id)| Entity { kind, id }).collect())
}

fn recalled(row: &Row) -> Result<Recalled, Error> {
    Ok(Recalled {
        source: row.try_get("source")?,
        id: DeliveryId::recorded(row.try_get("delivery_id")?),
        received_at: time(row, "received_at")?,
        body: row.try_get::<_, Option<&[u8]>>("body")?.map(Bytes::copy_from_slice),
    })
}
