//! The law of convergence, within one batch: changes of one entity become one.

use std::collections::{BTreeMap, HashMap};

use crate::db::apply::{Entity, Entry};
use crate::model::{Change, DeliveryId, Kind, Outcome};
use crate::webhook::Decoded;

/// A batch as the statement wants it, and which entry each delivery became.
pub struct Batch<'a> {
    pub entities: Vec<Entity<'a>>,
    pub entries: Vec<Entry<'a>>,
    places: Vec<usize>,
}

/// Folds deliveries in any order, repeated or not; `keep_bodies` journals every body.
pub fn fold<'a>(deliveries: impl IntoIterator<Item = &'a Decoded>, keep_bodies: bool) -> Batch<'a> {
    let mut entities: BTreeMap<(Kind, &str), Entity<'_>> = BTreeMap::new();
    let mut entries: Vec<Entry<'_>> = Vec::new();
    let mut seen: HashMap<(&str, &DeliveryId), usize> = HashMap::new();
    let mut places = Vec::new();

    for decoded in deliveries {
        if let Some(change) = decoded.verdict.change() {
            entities
                .entry((change.kind(), change.entity_id()))
                .and_modify(|entity| merge(entity, change, &decoded.source))
                .or_insert_with(|| entity(change, &decoded.source));
        }
        let place = *seen.entry((&decoded.source, &decoded.id)).or_insert(entries.len());
        match entries.get_mut(place) {
            Some(entry) => entry.attempts += 1,
            None => entries.push(Entry { decoded, attempts: 1, keep_body: keep_bodies }),
        }
        places.push(place);
    }
    Batch { entities: entities.into_values().collect(), entries, places }
}

impl Batch<'_> {
    /// The outcome of each delivery that was folded, from those of the entries: the second of the same is a duplicate.
    pub fn outcomes(&self, of_entries: &[Outcome]) -> Vec<Outcome> {
        let mut answered = vec![false; of_entries.len()];
        let outcome = |&place: &usize| {
            if std::mem::replace(&mut answered[place], true) {
                Outcome::Duplicate
            } else {
                of_entries[place]
            }
        };
        self.places.iter().map(outcome).collect()
    }
}

fn entity<'a>(change: &'a Change, source: &'a str) -> Entity<'a> {
    let (kind, id) = (change.kind(), change.entity_id());
    match change {
        Change::Snapshot { version, user } => {
            Entity { kind, id, source, snapshot: Some((version, user)), deleted_at: None }
        }
        Change::Deleted { at, .. } => {
            Entity { kind, id, source, snapshot: None, deleted_at: Some(*at) }
        }
    }
}

fn merge<'a>(entity: &mut Entity<'a>, change: &'a Change, source: &'a str) {
    match change {
        Change::Snapshot { version, user } => {
            if entity.snapshot.is_none_or(|(known, _)| known < version) {
                entity.snapshot = Some((version, user));
                entity.source = source;
            }
        }
        Change::Deleted { at, .. } => {
            entity.deleted_at = Some(entity.deleted_at.map_or(*at, |known| known.min(*at)));
        }
    }
}
