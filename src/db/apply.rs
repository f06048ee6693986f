//! One batch, one statement, one commit.

use std::time::Duration;

use bytes::BytesMut;
use jiff::Timestamp;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Error, GenericClient, Row};

use crate::model::{Effect, Kind, Outcome, RawJson, User, Version};
use crate::webhook::{Decoded, Verdict};

/// What a batch says about one entity, folded by the law: the greatest snapshot, the first and the last deletion, and the
/// last fence.
pub struct Entity<'a> {
    pub kind: Kind,
    pub id: &'a str,
    pub source: &'a str,
    pub snapshot: Option<(&'a Version, &'a User)>,
    /// The smallest and the greatest deletion time.
    pub deleted_at: Option<(Timestamp, Timestamp)>,
    /// When the provider's API confirmed that the entity exists.
    pub fence: Option<Timestamp>,
    /// Whether its truth is to be fetched.
    pub marked: bool,
}

/// What a commit did.
#[derive(Debug, Default, PartialEq)]
pub struct Applied {
    /// Of each delivery, in their order.
    pub judgements: Vec<Judgement>,
    /// Mirror rows that changed.
    pub changed: Vec<Changed>,
}

/// What the law says of one delivery.
#[derive(Clone, Debug, PartialEq)]
pub enum Judgement {
    /// It is in the journal with this outcome.
    Journaled(Outcome),
    /// Nothing was written: the entity belongs to this other source.
    Foreign(String),
    /// Nothing was written: the entity came into being meanwhile, so the delivery has to be applied once more.
    Again,
    /// A newer users-sync has replaced the function, and this one does not know its word.
    Unknown,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    pub id: String,
    pub effect: Effect,
}

/// One delivery for the journal.
pub struct Entry<'a> {
    pub decoded: &'a Decoded,
    /// How many times the batch holds it.
    pub attempts: i32,
    pub keep_body: bool,
}

type Param<'a> = (&'a (dyn ToSql + Sync), Type);

/// Writes a batch, one entity and one delivery at most once each, and answers what it did after the commit. The server
/// announces each change on `channel`, too, and waits for another transaction's lock no longer than `lock_wait`.
///
/// Without a transaction around it the statement is its own: its answer ends when the server is ready again, after the commit.
pub async fn apply(
    client: &impl GenericClient,
    entities: &[Entity<'_>],
    entries: &[Entry<'_>],
    channel: Option<&str>,
    lock_wait: Duration,
) -> Result<Applied, Error> {
    let lock_wait = format!("{}ms", lock_wait.as_millis());
    let (entities, users, entries) =
        (EntityColumns::of(entities), UserColumns::of(entities), EntryColumns::of(entries));
    let mut params: Vec<Param<'_>> =
        entities.params().into_iter().chain(users.params()).chain(entries.params()).collect();
    params.push((&channel, Type::TEXT));
    params.push((&lock_wait, Type::TEXT));

    let rows = client.query_typed(include_str!("../../sql/sync/apply.sql"), &params).await?;
    let applied = Applied::of(&rows);
    assert_eq!(applied.judgements.len(), entries.ids.len(), "the statement answers every delivery");
    Ok(applied)
}

impl Applied {
    fn of(rows: &[Row]) -> Self {
        let (mut judgements, mut changed) = (Vec::new(), Vec::new());
        for row in rows {
            let what: &str = row.get("outcome");
            match row.get::<_, Option<i64>>("place") {
                Some(place) => judgements.push((place, judgement(what, row))),
                None => {
                    // A newer users-sync may have replaced the function: its words are not all known.
                    let effect = Effect::parse(what);
                    changed
                        .extend(effect.map(|effect| Changed { id: row.get("entity_id"), effect }));
                }
            }
        }
        judgements.sort_unstable_by_key(|(place, _)| *place);
        let judgements = judgements.into_iter().map(|(_, judgement)| judgement).collect();
        Self { judgements, changed }
    }
}

fn judgement(what: &str, row: &Row) -> Judgement {
    match what {
        "foreign" => Judgement::Foreign(row.get("owner")),
        "again" => Judgement::Again,
        _ => Outcome::parse(what).map_or(Judgement::Unknown, Judgement::Journaled),
    }
}

#[derive(Default)]
struct EntityColumns<'a> {
    kinds: Vec<&'a str>,
    ids: Vec<&'a str>,
    sources: Vec<&'a str>,
    version_ats: Vec<Option<Timestamp>>,
    version_deliveries: Vec<Option<&'a str>>,
    first_deleted_ats: Vec<Option<Timestamp>>,
    last_deleted_ats: Vec<Option<Timestamp>>,
    fences: Vec<Option<Timestamp>>,
    disableds: Vec<bool>,
    marks: Vec<bool>,
}

impl<'a> EntityColumns<'a> {
    fn of(entities: &[Entity<'a>]) -> Self {
        let mut columns = Self::default();
        for &Entity { kind, id, source, snapshot, deleted_at, fence, marked } in entities {
            columns.kinds.push(kind.as_str());
            columns.ids.push(id);
            columns.sources.push(source);
            columns.version_ats.push(snapshot.map(|(version, _)| version.at));
            columns.version_deliveries.push(snapshot.map(|(version, _)| version.delivery.as_str()));
            columns.first_deleted_ats.push(deleted_at.map(|(first, _)| first));
            columns.last_deleted_ats.push(deleted_at.map(|(_, last)| last));
            columns.fences.push(fence);
            columns.disableds.push(snapshot.is_some_and(|(_, user)| user.disabled));
            columns.marks.push(marked);
        }
        columns
    }

    fn params(&self) -> [Param<'_>; 10] {
        [
            (&self.kinds, Type::TEXT_ARRAY),
            (&self.ids, Type::TEXT_ARRAY),
            (&self.sources, Type::TEXT_ARRAY),
            (&self.version_ats, Type::TIMESTAMPTZ_ARRAY),
            (&self.version_deliveries, Type::TEXT_ARRAY),
            (&self.first_deleted_ats, Type::TIMESTAMPTZ_ARRAY),
            (&self.last_deleted_ats, Type::TIMESTAMPTZ_ARRAY),
            (&self.fences, Type::TIMESTAMPTZ_ARRAY),
            (&self.disableds, Type::BOOL_ARRAY),
            (&self.marks, Type::BOOL_ARRAY),
        ]
    }
}

#[derive(Default)]
struct UserColumns<'a> {
    names: Vec<Option<&'a str>>,
    emails: Vec<Option<&'a str>>,
    created_ats: Vec<Option<Timestamp>>,
    updated_ats: Vec<Option<Timestamp>>,
    raw_jsons: Vec<Option<&'a RawJson>>,
}

impl<'a> UserColumns<'a> {
    fn of(entities: &[Entity<'a>]) -> Self {
        let mut columns = Self::default();
        for user in entities.iter().map(|entity| entity.snapshot.map(|(_, user)| user)) {
            columns.names.push(user.and_then(|user| user.name.as_deref()));
            columns.emails.push(user.and_then(|user| user.email.as_deref()));
            columns.created_ats.push(user.and_then(|user| user.created_at));
            columns.updated_ats.push(user.and_then(|user| user.updated_at));
            columns.raw_jsons.push(user.map(|user| &user.raw));
        }
        columns
    }

    fn params(&self) -> [Param<'_>; 5] {
        [
            (&self.names, Type::TEXT_ARRAY),
            (&self.emails, Type::TEXT_ARRAY),
            (&self.created_ats, Type::TIMESTAMPTZ_ARRAY),
            (&self.updated_ats, Type::TIMESTAMPTZ_ARRAY),
            (&self.raw_jsons, Type::JSONB_ARRAY),
        ]
    }
}

#[derive(Default)]
struct EntryColumns<'a> {
    sources: Vec<&'a str>,
    ids: Vec<&'a str>,
    event_types: Vec<Option<&'a str>>,
    kinds: Vec<Option<&'a str>>,
    entity_ids: Vec<Option<&'a str>>,
    change_ats: Vec<Option<Timestamp>>,
    deletes: Vec<bool>,
    received_ats: Vec<Timestamp>,
    attempts: Vec<i32>,
    decided: Vec<Option<&'a str>>,
    reasons: Vec<Option<&'a str>>,
    bodies: Vec<Option<&'a [u8]>>,
}

impl<'a> EntryColumns<'a> {
    fn of(entries: &[Entry<'a>]) -> Self {
        let mut columns = Self::default();
        for &Entry { decoded, attempts, keep_body } in entries {
            let change = decoded.verdict.change();
            columns.sources.push(&decoded.source);
            columns.ids.push(decoded.id.as_str());
            columns.event_types.push(decoded.event_type.as_deref());
            columns.kinds.push(change.map(|change| change.kind().as_str()));
            columns.entity_ids.push(change.map(|change| change.entity_id()));
            columns.change_ats.push(change.map(|change| change.at()));
            columns.deletes.push(change.is_some_and(|change| change.is_deletion()));
            columns.received_ats.push(decoded.received_at);
            columns.attempts.push(attempts);
            columns.push_verdict(&decoded.verdict);
            let kept = keep_body || matches!(decoded.verdict, Verdict::Quarantined(_));
            columns.bodies.push(kept.then_some(&decoded.body[..]));
        }
        columns
    }

    fn push_verdict(&mut self, verdict: &'a Verdict) {
        let (outcome, reason) = match verdict {
            Verdict::Change(_) => (None, None),
            Verdict::Ignored(reason) => (Some(Outcome::Ignored), Some(*reason)),
            Verdict::Quarantined(reason) => (Some(Outcome::Quarantined), Some(reason.as_str())),
        };
        self.decided.push(outcome.map(Outcome::as_str));
        self.reasons.push(reason);
    }

    fn params(&self) -> [Param<'_>; 12] {
        [
            (&self.sources, Type::TEXT_ARRAY),
            (&self.ids, Type::TEXT_ARRAY),
            (&self.event_types, Type::TEXT_ARRAY),
            (&self.kinds, Type::TEXT_ARRAY),
            (&self.entity_ids, Type::TEXT_ARRAY),
            (&self.change_ats, Type::TIMESTAMPTZ_ARRAY),
            (&self.deletes, Type::BOOL_ARRAY),
            (&self.received_ats, Type::TIMESTAMPTZ_ARRAY),
            (&self.attempts, Type::INT4_ARRAY),
            (&self.decided, Type::TEXT_ARRAY),
            (&self.reasons, Type::TEXT_ARRAY),
            (&self.bodies, Type::BYTEA_ARRAY),
        ]
    }
}

impl ToSql for RawJson {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        // The binary form of jsonb is its version, 1, and the text.
        out.extend_from_slice(&[1]);
        out.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }

    fn accepts(r#type: &Type) -> bool {
        *r#type == Type::JSONB
    }

    to_sql_checked!();
}
