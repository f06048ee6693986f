//! The ids of entities whose source names them by their external ids.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, GenericClient, Row, Transaction};

use super::durable::durable;
use super::mirror::{self, Mirror, Shape};
use super::transaction::{self, Limits};
use crate::model::{Key, Kind};

/// Deliveries wait meanwhile.
const LIMITS: Limits =
    Limits { lock: Duration::from_secs(2), statement: Some(Duration::from_secs(5)) };

/// The ids of entities by the keys that their provider uses; `None` while only that one is known.
pub type Ids = BTreeMap<Key, Option<String>>;

/// The recorded ids of these entities.
pub async fn read(client: &impl GenericClient, source: &str, keys: &Ids) -> Result<Ids, Error> {
    ids(client, include_str!("../../sql/aliases/read.sql"), source, keys).await
}

/// As [`read`], after the end of every [`bind`] of one of them.
pub async fn wait(client: &Client, source: &str, keys: &Ids) -> Result<Ids, Error> {
    ids(client, include_str!("../../sql/aliases/wait.sql"), source, keys).await
}

/// Records the ids of entities, and returns those that are known then. What was written under an entity's own id moves to
/// its new id in the same transaction.
pub async fn bind(client: &mut Client, source: &str, wanted: &Ids) -> Result<Ids, Error> {
    let transaction = client.transaction().await?;
    durable(&transaction).await?;
    transaction::limit(&transaction, LIMITS).await?;
    let (kinds, own) = columns(wanted);
    let ids: Vec<_> = wanted.values().map(Option::as_deref).collect();
    let params: [(&(dyn ToSql + Sync), Type); 4] = [
        (&source, Type::TEXT),
        (&kinds, Type::TEXT_ARRAY),
        (&own, Type::TEXT_ARRAY),
        (&ids, Type::TEXT_ARRAY),
    ];
    let rows = transaction.query_typed(include_str!("../../sql/aliases/bind.sql"), &params).await?;
    for row in &rows {
        if let Some((key, Some(id))) = entry(row)? {
            let was_looked_up = row.try_get("was_looked_up")?;
            let moved = Moved { source, key: &key, id: &id, was_looked_up };
            moved.write(&transaction).await?;
        }
    }
    let bound = read(&transaction, source, wanted).await?;
    transaction.commit().await?;
    Ok(bound)
}

/// The id by which the source's provider knows an entity; `None` if nothing has shown it yet.
pub async fn own(client: &Client, source: &str, key: &Key) -> Result<Option<String>, Error> {
    let params: [(&(dyn ToSql + Sync), Type); 3] =
        [(&source, Type::TEXT), (&key.kind.as_str(), Type::TEXT), (&key.id, Type::TEXT)];
    let row = client.query_typed_opt(include_str!("../../sql/aliases/own.sql"), &params).await?;
    row.map(|row| row.try_get("own_id")).transpose()
}

async fn ids(
    client: &impl GenericClient,
    statement: &str,
    source: &str,
    keys: &Ids,
) -> Result<Ids, Error> {
    let (kinds, own) = columns(keys);
    let params: [(&(dyn ToSql + Sync), Type); 3] =
        [(&source, Type::TEXT), (&kinds, Type::TEXT_ARRAY), (&own, Type::TEXT_ARRAY)];
    let rows = client.query_typed(statement, &params).await?;
    rows.iter().filter_map(|row| entry(row).transpose()).collect()
}

fn columns(ids: &Ids) -> (Vec<&str>, Vec<&str>) {
    ids.keys().map(|key| (key.kind.as_str(), key.id.as_str())).unzip()
}

fn entry(row: &Row) -> Result<Option<(Key, Option<String>)>, Error> {
    let Some(kind) = Kind::parse(row.try_get("kind")?) else { return Ok(None) };
    Ok(Some((Key::new(kind, row.try_get::<_, String>("own_id")?), row.try_get("id")?)))
}

/// An entity of which something may be written under its own id.
struct Moved<'a> {
    source: &'a str,
    key: &'a Key,
    id: &'a str,
    /// Whether a session may be about to write it.
    was_looked_up: bool,
}

impl Moved<'_> {
    async fn write(&self, transaction: &Transaction<'_>) -> Result<(), Error> {
        let Self { source, key: Key { kind, id: own_id }, id, was_looked_up } = self;
        let mirror = mirror::of(*kind);
        let both: [(&(dyn ToSql + Sync), Type); 3] =
            [(source, Type::TEXT), (own_id, Type::TEXT), (id, Type::TEXT)];
        let carry = mirror.statement(include_str!("../../sql/aliases/carry.sql"));
        transaction.execute_typed(&carry, &both).await?;
        let show = mirror.statement(include_str!("../../sql/aliases/show.sql"));
        transaction.execute_typed(&show, &[(source, Type::TEXT), (id, Type::TEXT)]).await?;
        let retire = mirror.statement(include_str!("../../sql/aliases/retire.sql"));
        let params: [(&(dyn ToSql + Sync), Type); 3] =
            [(source, Type::TEXT), (own_id, Type::TEXT), (was_looked_up, Type::BOOL)];
        if transaction.query_typed_opt(&retire, &params).await?.is_some() {
            transaction.execute_typed(&emptying(mirror), &[(own_id, Type::TEXT)]).await?;
        }
        for statement in following(*kind) {
            transaction.execute_typed(&statement, &both).await?;
        }
        Ok(())
    }
}

fn emptying(mirror: &Mirror) -> String {
    let empty = mirror.columns.iter().filter(|column| column.shape == Shape::Text);
    let empty: Vec<_> = empty.map(|column| format!("{} = null", column.name)).collect();
    mirror
        .statement(include_str!("../../sql/aliases/empty.sql"))
        .replace("{empty}", &empty.join(", "))
}

/// The statements that move the references to an entity of this kind.
fn following(referred: Kind) -> impl Iterator<Item = String> {
    mirror::ALL.iter().flat_map(move |mirror| {
        let columns = mirror.references().filter(move |(_, kind)| *kind == referred);
        columns.map(move |(column, _)| {
            mirror
                .statement(include_str!("../../sql/aliases/follow.sql"))
                .replace("{column}", column)
                .replace("{referred}", referred.as_str())
        })
    })
}
