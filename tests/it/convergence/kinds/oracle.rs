//! The law of every kind, said once more and as plainly as it can be; and what the tables say.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use tokio_postgres::Client;
use users_sync::db::mirror;
use users_sync::model::Kind;

use super::history::{Said, Sent};

/// A kind and an id.
pub(super) type Entity = (Kind, String);

/// A row of a mirror beside its ledger.
#[derive(Debug, PartialEq)]
pub(super) struct Row {
    pub(super) entity: Entity,
    pub(super) owner: String,
    shown: Option<String>,
    label: Option<String>,
    updated_at: Option<Timestamp>,
    deleted_at: Option<Timestamp>,
    version: Option<(Timestamp, String)>,
    pub(super) tombstone: Option<Timestamp>,
    disabled: bool,
}

/// The column of a kind that shows what a snapshot says.
fn column(kind: Kind) -> &'static str {
    match kind {
        Kind::User | Kind::Organization => "name",
        Kind::Membership => "role",
        Kind::Role => "key",
        Kind::Grant => "permission",
    }
}

/// What that column shows: the ids of Stack's memberships and grants say everything about them.
fn shown(said: &Said, label: &str) -> Option<String> {
    match (said.source, said.entity.0) {
        ("stack", Kind::Membership) => None,
        ("stack", Kind::Grant) => Some("p".to_owned()),
        _ => Some(label.to_owned()),
    }
}

fn lives_again(said: &Said) -> bool {
    said.source == "stack" && matches!(said.entity.0, Kind::Membership | Kind::Grant)
}

/// The row of one entity, from all that its owner has said of it.
pub(super) fn row(history: &[&Said]) -> Row {
    let snapshots = history.iter().filter(|said| said.snapshot.is_some());
    let winner = snapshots.max_by_key(|said| (said.at, said.delivery.clone()));
    let profile = winner.and_then(|said| said.snapshot.as_ref());
    // What was deleted before it was made again is past.
    let past = |at: Timestamp| winner.is_some_and(|made| lives_again(made) && at < made.at);
    let deletions: BTreeSet<_> =
        history.iter().filter(|said| said.snapshot.is_none()).map(|said| said.at).collect();
    // Of several, the first; but where one of them is past, only the last is known to stand.
    let tombstone = match (deletions.first(), deletions.last()) {
        (Some(first), _) if !past(*first) => Some(*first),
        (_, Some(last)) if !past(*last) => Some(*last),
        _ => None,
    };
    Row {
        entity: history[0].entity.clone(),
        owner: history[0].source.to_owned(),
        shown: winner.zip(profile).and_then(|(said, (label, _))| shown(said, label)),
        label: profile.map(|(label, _)| label.clone()),
        updated_at: winner.map(|said| said.at),
        deleted_at: tombstone,
        version: winner.map(|said| (said.at, said.delivery.to_string())),
        tombstone,
        disabled: profile.is_some_and(|(_, disabled)| *disabled),
    }
}

/// Every row, if each entity belongs to the source that `owner` names.
pub(super) fn rows<'a>(
    sent: impl IntoIterator<Item = &'a Sent>,
    owner: impl Fn(&Entity) -> Option<String>,
) -> BTreeMap<Entity, Row> {
    let mut histories: BTreeMap<&Entity, Vec<&Said>> = BTreeMap::new();
    for said in sent.into_iter().flat_map(|sent| &sent.says) {
        let owns = owner(&said.entity).is_none_or(|owner| owner == said.source);
        let history = histories.entry(&said.entity).or_default();
        history.extend(owns.then_some(said));
    }
    let of_owners = histories.into_iter().filter(|(_, history)| !history.is_empty());
    of_owners.map(|(entity, history)| (entity.clone(), row(&history))).collect()
}

/// Whether the tables show what a delivery says of this entity.
fn shows(said: &Said, rows: &BTreeMap<Entity, Row>) -> bool {
    let row = &rows[&said.entity];
    match said.snapshot {
        Some(_) => row.version == Some((said.at, said.delivery.to_string())),
        None => row.tombstone == Some(said.at),
    }
}

/// The outcome of a delivery that comes for the first time, seen from the rows after its batch.
pub(super) fn outcome(sent: &Sent, rows: &BTreeMap<Entity, Row>) -> &'static str {
    if sent.says.iter().any(|said| shows(said, rows)) { "applied" } else { "stale" }
}

/// What the tables hold of one arrival.
pub(super) async fn found(client: &Client, case: &str) -> BTreeMap<Entity, Row> {
    let mut rows = BTreeMap::new();
    for mirror in &mirror::ALL {
        let sql = format!(
            "select coalesce(m.id, l.id), l.source, m.{}, m.raw_json ->> 'label', m.updated_at, m.deleted_at,
                 l.version_at, l.version_delivery, l.deleted_at, l.disabled
             from {} m full join (select * from users_sync.ledger where kind = $1) l on l.id = m.id
             where position($2 in coalesce(m.id, l.id)) > 0",
            column(mirror.kind),
            mirror.table
        );
        let found = client.query(&sql, &[&mirror.kind.as_str(), &case]).await;
        for row in found.expect("the tables can be read") {
            let entity = (mirror.kind, row.get(0));
            rows.insert(entity.clone(), read(entity, &row));
        }
    }
    rows
}

fn read(entity: Entity, row: &tokio_postgres::Row) -> Row {
    Row {
        entity,
        owner: row.get::<_, Option<_>>(1).unwrap_or_default(),
        shown: row.get(2),
        label: row.get(3),
        updated_at: row.get(4),
        deleted_at: row.get(5),
        version: row.get::<_, Option<Timestamp>>(6).zip(row.get(7)),
        tombstone: row.get(8),
        disabled: row.get::<_, Option<_>>(9).unwrap_or_default(),
    }
}

/// What the journal says of a delivery: its outcome, the first entity and the further ones.
pub(super) type Journaled = (String, Option<String>, Vec<String>);

pub(super) async fn journal(client: &Client, sent: &[Sent]) -> Vec<Journaled> {
    let ids: Vec<_> = sent.iter().map(|sent| sent.signed.id.as_str()).collect();
    let sql = "select outcome, j.kind || ' ' || j.entity_id, array(
            select m.kind || ' ' || m.entity_id from users_sync.mentions m
            where (m.source, m.delivery_id) = (j.source, j.delivery_id) order by m.entity_id
        )
        from unnest($1::text[]) with ordinality as d (id, place)
        join users_sync.journal j on j.delivery_id = d.id order by place";
    let rows = client.query(sql, &[&ids]).await.expect("the journal can be read");
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

/// The entities as the journal has to name them.
pub(super) fn named(sent: &Sent) -> (Option<String>, Vec<String>) {
    let mut names = sent.says.iter().map(|said| format!("{} {}", said.entity.0, said.entity.1));
    let first = names.next();
    (first, names.collect::<BTreeSet<_>>().into_iter().collect())
}
