//! Looking into the journal, page by page: fast at any size, because no page looks at more rows than a limit.

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row};

use crate::model::{DeliveryId, Outcome};

/// Rows that one page looks at. A page may be short of matches and still have a next one.
const REACH: i64 = 20_000;

/// Which deliveries; what is `None` lets all pass.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub source: Option<String>,
    pub outcome: Option<Outcome>,
    pub user: Option<String>,
    pub event_type: Option<String>,
    /// Why a delivery was quarantined or ignored, in the journal's words.
    pub reason: Option<String>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

/// Where a page ends, and the next one begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub received_at: Timestamp,
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
    #[serde(rename = "user")]
    pub entity_id: Option<String>,
    pub version_at: Option<Timestamp>,
    pub received_at: Timestamp,
    pub processed_at: Timestamp,
    pub attempts: i32,
    pub outcome: String,
    pub reason: Option<String>,
    /// `None` where the bytes were not kept.
    pub body_bytes: Option<i32>,
}

/// A delivery whose bytes can be decoded again.
#[derive(Debug)]
pub struct Recalled {
    pub source: String,
    pub id: DeliveryId,
    pub received_at: Timestamp,
    pub body: Option<Bytes>,
}

/// Some of what was asked for.
#[derive(Debug)]
pub struct Page<T> {
    pub found: Vec<T>,
    /// `None` at the end.
    pub next: Option<Place>,
}

/// Newest first.
pub async fn page(
    client: &Client,
    filter: &Filter,
    after: Option<&Place>,
    limit: i64,
) -> Result<Page<Record>, Error> {
    let statement = include_str!("../../../sql/journal/page.sql");
    let rows = search(client, statement, filter, after, limit).await?;
    Ok(Page::of(&rows, limit, record))
}

/// Oldest first, with their bytes.
pub async fn recall(
    client: &Client,
    filter: &Filter,
    after: Option<&Place>,
    limit: i64,
) -> Result<Page<Recalled>, Error> {
    let statement = include_str!("../../../sql/journal/recall.sql");
    let rows = search(client, statement, filter, after, limit).await?;
    Ok(Page::of(&rows, limit, recalled))
}

/// One delivery, and its bytes where they were kept.
pub async fn find(
    client: &Client,
    source: &str,
    delivery_id: &str,
) -> Result<Option<(Record, Recalled)>, Error> {
    let statement = include_str!("../../../sql/journal/find.sql");
    let params: [(&(dyn ToSql + Sync), Type); 2] =
        [(&source, Type::TEXT), (&delivery_id, Type::TEXT)];
    let row = client.query_typed_opt(statement, &params).await?;
    Ok(row.map(|row| (record(&row), recalled(&row))))
}

/// A delivery in quarantine.
pub struct Quarantined {
    pub source: String,
    pub delivery_id: String,
    pub received_at: Timestamp,
}

/// What is in quarantine and has this id as a JSON string in its bytes, however far they can be read; newest first, of the
/// newest thousand.
pub async fn naming(client: &Client, id: &str) -> Result<Vec<Quarantined>, Error> {
    let statement = include_str!("../../../sql/journal/naming.sql");
    let quoted = serde_json::Value::from(id).to_string().into_bytes();
    let rows = client.query_typed(statement, &[(&quoted, Type::BYTEA)]).await?;
    let quarantined = |row: &Row| Quarantined {
        source: row.get("source"),
        delivery_id: row.get("delivery_id"),
        received_at: row.get("received_at"),
    };
    Ok(rows.iter().map(quarantined).collect())
}

async fn search(
    client: &Client,
    statement: &str,
    filter: &Filter,
    after: Option<&Place>,
    limit: i64,
) -> Result<Vec<Row>, Error> {
    let Filter { source, outcome, user, event_type, reason, since, until } = filter;
    let outcome = outcome.map(Outcome::as_str);
    let params: [(&(dyn ToSql + Sync), Type); 12] = [
        (source, Type::TEXT),
        (&outcome, Type::TEXT),
        (user, Type::TEXT),
        (event_type, Type::TEXT),
        (since, Type::TIMESTAMPTZ),
        (until, Type::TIMESTAMPTZ),
        (&after.map(|place| place.received_at), Type::TIMESTAMPTZ),
        (&after.map(|place| place.source.as_str()), Type::TEXT),
        (&after.map(|place| place.delivery_id.as_str()), Type::TEXT),
        (&REACH, Type::INT8),
        (&limit, Type::INT8),
        (reason, Type::TEXT),
    ];
    client.query_typed(statement, &params).await
}

impl<T> Page<T> {
    fn of(rows: &[Row], limit: i64, read: fn(&Row) -> T) -> Self {
        let matches = |row: &&Row| row.get("matches");
        let found = rows.iter().filter(matches).map(read).collect();
        let last = rows.last().filter(|last| {
            i64::try_from(rows.len()) == Ok(limit) || last.get::<_, i64>("place") == REACH
        });
        Self { found, next: last.map(place) }
    }
}

fn place(row: &Row) -> Place {
    Place {
        received_at: row.get("received_at"),
        source: row.get("source"),
        delivery_id: row.get("delivery_id"),
    }
}

fn record(row: &Row) -> Record {
    Record {
        source: row.get("source"),
        delivery_id: row.get("delivery_id"),
        event_type: row.get("event_type"),
        entity_id: row.get("entity_id"),
        version_at: row.get("version_at"),
        received_at: row.get("received_at"),
        processed_at: row.get("processed_at"),
        attempts: row.get("attempts"),
        outcome: row.get("outcome"),
        reason: row.get("reason"),
        body_bytes: row.get("body_bytes"),
    }
}

fn recalled(row: &Row) -> Recalled {
    let id = DeliveryId::new(row.get("delivery_id"));
    Recalled {
        source: row.get("source"),
        id: id.expect("the journal holds ids that were checked"),
        received_at: row.get("received_at"),
        body: row.get::<_, Option<&[u8]>>("body").map(Bytes::copy_from_slice),
    }
}
