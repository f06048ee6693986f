//! One batch, one statement, one commit.

use std::collections::HashMap;
use std::time::Duration;

use bytes::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Error, GenericClient, Row};

use super::composite::{Array, Fields, Types};
use super::mirror;
use crate::law::Claim;
use crate::model::{Change, Effect, Key, Kind, Outcome, RawJson};
use crate::webhook::{Decoded, Verdict};

/// The result of a commit.
#[derive(Debug, Default, PartialEq)]
pub struct Applied {
    /// The judgement of each delivery, in the order of the entries.
    pub judgements: Vec<Judgement>,
    /// Mirror rows that changed.
    pub changed: Vec<Changed>,
}

/// The decision about one delivery.
#[derive(Clone, Debug, PartialEq)]
pub enum Judgement {
    /// It is in the journal with this outcome.
    Journaled(Outcome),
    /// It is not in the journal: one of its entities belongs to this other source.
    Foreign(String),
    /// A newer users-sync replaced the function, and this version does not know the word that it returned.
    Unknown,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    pub key: Key,
    pub effect: Effect,
}

/// One delivery for the journal.
pub struct Entry<'a> {
    pub decoded: &'a Decoded,
    /// How many times the batch holds it.
    pub attempts: i32,
    pub keep_body: bool,
}

/// Writes a batch, with each entity and each delivery at most once, and returns what it did after the commit. The
/// server also announces each change on `channel`, and waits for another transaction's lock no longer than
/// `lock_wait`.
///
/// Outside a transaction the statement is its own transaction: the answer is complete only after the commit.
pub async fn apply(
    client: &impl GenericClient,
    types: &Types,
    claims: &[Claim<'_>],
    entries: &[Entry<'_>],
    channel: Option<&str>,
    lock_wait: Duration,
) -> Result<Applied, Error> {
    let lock_wait = format!("{}ms", lock_wait.as_millis());
    let places = Places::of(claims);
    let claims = array_of_claims(types, claims);
    let mentions = array_of_mentions(types, entries, &places);
    let deliveries = array_of_deliveries(types, entries, &places);
    let params = [
        claims.param(),
        deliveries.param(),
        mentions.param(),
        (&channel as &(dyn ToSql + Sync), Type::TEXT),
        (&lock_wait, Type::TEXT),
    ];
    let rows = client.query_typed(include_str!("../../sql/sync/apply.sql"), &params).await?;
    Ok(Applied::of(&rows, entries))
}

impl Applied {
    fn of(rows: &[Row], entries: &[Entry<'_>]) -> Self {
        let (mut judged, mut changed) = (HashMap::new(), Vec::new());
        for row in rows {
            let what: &str = row.get("outcome");
            match row.get::<_, Option<&str>>("delivery_id") {
                Some(id) => {
                    judged.insert((row.get::<_, &str>("source"), id), judgement(what, row));
                }
                // A newer users-sync may have replaced the function, so unknown words are skipped.
                None => changed.extend(Changed::of(what, row)),
            }
        }
        let judgement = |Entry { decoded, .. }: &Entry<'_>| {
            let judgement = judged.get(&(&*decoded.source, decoded.id.as_str()));
            judgement.cloned().expect("the statement answers every delivery")
        };
        Self { judgements: entries.iter().map(judgement).collect(), changed }
    }
}

/// Where the claim of each entity stands in its array, from 1.
struct Places<'a>(HashMap<&'a Key, i32>);

impl<'a> Places<'a> {
    fn of(claims: &[Claim<'a>]) -> Self {
        Self(claims.iter().map(|claim| claim.key).zip(1..).collect())
    }

    fn get(&self, change: &Change) -> Option<i32> {
        self.0.get(change.key()).copied()
    }
}

impl Changed {
    fn of(what: &str, row: &Row) -> Option<Self> {
        let kind = Kind::parse(row.get("entity_kind"))?;
        Some(Self {
            key: Key::new(kind, row.get::<_, String>("entity_id")),
            effect: Effect::parse(what)?,
        })
    }
}

fn judgement(what: &str, row: &Row) -> Judgement {
    match what {
        "foreign" => Judgement::Foreign(row.get("owner")),
        _ => Outcome::parse(what).map_or(Judgement::Unknown, Judgement::Journaled),
    }
}

/// Encoding cannot fail: the lengths fit and the types accept our values.
const ENCODES: &str = "a batch is encoded";

pub(super) fn array_of_claims(types: &Types, claims: &[Claim<'_>]) -> Array {
    let fields = |claim: &Claim<'_>, fields: &mut Fields<'_>| {
        let Claim { key, source, snapshot, deleted_at, fence, marked } = claim;
        let (version, record) =
            (snapshot.map(|(version, _)| version), snapshot.map(|(_, record)| record));
        let profile = record.map(|record| &record.profile);
        fields.put(&key.kind.as_str(), &Type::TEXT)?;
        fields.put(&key.id, &Type::TEXT)?;
        fields.put(source, &Type::TEXT)?;
        fields.put(&version.map(|version| version.at), &Type::TIMESTAMPTZ)?;
        fields.put(&version.map(|version| version.delivery.as_str()), &Type::TEXT)?;
        fields.put(&deleted_at.map(|(first, _)| first), &Type::TIMESTAMPTZ)?;
        fields.put(&deleted_at.map(|(_, last)| last), &Type::TIMESTAMPTZ)?;
        fields.put(fence, &Type::TIMESTAMPTZ)?;
        fields.put(&record.is_some_and(|record| record.disabled), &Type::BOOL)?;
        fields.put(marked, &Type::BOOL)?;
        fields.put(&profile.map(mirror::texts), &Type::TEXT_ARRAY)?;
        fields.put(&profile.and_then(mirror::permissions_of), &Type::TEXT_ARRAY)?;
        fields.put(&record.and_then(|record| record.created_at), &Type::TIMESTAMPTZ)?;
        fields.put(&record.and_then(|record| record.updated_at), &Type::TIMESTAMPTZ)?;
        fields.put(&record.map(|record| &record.raw), &Type::JSONB)
    };
    Array::of::<15, _>(&types.claim, claims, fields).expect(ENCODES)
}

fn array_of_deliveries(types: &Types, entries: &[Entry<'_>], places: &Places<'_>) -> Array {
    let fields = |entry: &Entry<'_>, fields: &mut Fields<'_>| {
        let Entry { decoded, attempts, keep_body } = entry;
        let change = decoded.verdict.changes().first();
        let key = change.map(Change::key).or(decoded.named.first());
        let (decided, reason) = decided(&decoded.verdict);
        let is_kept = *keep_body || matches!(decoded.verdict, Verdict::Quarantined(_));
        fields.put(&&*decoded.source, &Type::TEXT)?;
        fields.put(&decoded.id.as_str(), &Type::TEXT)?;
        fields.put(&decoded.event_type, &Type::TEXT)?;
        fields.put(&decoded.received_at, &Type::TIMESTAMPTZ)?;
        fields.put(attempts, &Type::INT4)?;
        fields.put(&key.map(|key| key.kind.as_str()), &Type::TEXT)?;
        fields.put(&key.map(|key| &key.id), &Type::TEXT)?;
        fields.put(&change.and_then(|change| places.get(change)), &Type::INT4)?;
        fields.put(&change.map(Change::at), &Type::TIMESTAMPTZ)?;
        fields.put(&change.is_some_and(Change::is_deletion), &Type::BOOL)?;
        fields.put(&decided.map(Outcome::as_str), &Type::TEXT)?;
        fields.put(&reason, &Type::TEXT)?;
        fields.put(&is_kept.then_some(&decoded.body[..]), &Type::BYTEA)
    };
    Array::of::<13, _>(&types.delivery, entries, fields).expect(ENCODES)
}

fn array_of_mentions(types: &Types, entries: &[Entry<'_>], places: &Places<'_>) -> Array {
    let further = entries.iter().zip(1_i32..).flat_map(|(entry, place)| {
        entry.decoded.verdict.changes().iter().skip(1).map(move |change| (place, change))
    });
    let further: Vec<_> = further.collect();
    let fields = |(place, change): &(i32, &Change), fields: &mut Fields<'_>| {
        let Key { kind, id } = change.key();
        fields.put(place, &Type::INT4)?;
        fields.put(&kind.as_str(), &Type::TEXT)?;
        fields.put(id, &Type::TEXT)?;
        fields.put(&places.get(change), &Type::INT4)?;
        fields.put(&change.at(), &Type::TIMESTAMPTZ)?;
        fields.put(&change.is_deletion(), &Type::BOOL)
    };
    Array::of::<6, _>(&types.mention, &further, fields).expect(ENCODES)
}

/// The outcome and the reason of a delivery that the law does not decide.
fn decided(verdict: &Verdict) -> (Option<Outcome>, Option<&str>) {
    match verdict {
        Verdict::Changes(_) => (None, None),
        Verdict::Ignored(reason) => (Some(Outcome::Ignored), Some(reason)),
        Verdict::Quarantined(reason) => (Some(Outcome::Quarantined), Some(reason)),
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
