//! The law of convergence, within one batch: changes of one entity become one.

use std::collections::{BTreeMap, HashMap};

use crate::db::apply::{Entity, Entry};
use jiff::Timestamp;

use crate::model::{Change, DeliveryId, Kind, Outcome, Reading};
use crate::webhook::Decoded;

/// A batch as the statement wants it, and which entry each delivery became.
pub struct Batch<'a> {
    pub entities: Vec<Entity<'a>>,
    pub entries: Vec<Entry<'a>>,
    places: Vec<usize>,
}

/// Folds deliveries in any order, repeated or not; `keep_bodies` journals every body.
pub fn fold<'a>(deliveries: impl IntoIterator<Item = &'a Decoded>, keep_bodies: bool) -> Batch<'a> {
    let mut entities = Entities::default();
    let mut entries: Vec<Entry<'_>> = Vec::new();
    let mut seen: HashMap<(&str, &DeliveryId), usize> = HashMap::new();
    let mut places = Vec::new();

    for decoded in deliveries {
        if let Some(change) = decoded.verdict.change() {
            entities.add(&decoded.source, change, None);
        }
        let place = *seen.entry((&decoded.source, &decoded.id)).or_insert(entries.len());
        match entries.get_mut(place) {
            Some(entry) => entry.attempts += 1,
            None => entries.push(Entry { decoded, attempts: 1, keep_body: keep_bodies }),
        }
        places.push(place);
    }
    Batch { entities: entities.0.into_values().collect(), entries, places }
}

/// Folds what an API said, in any order, repeated or not.
pub fn fold_readings<'a>(readings: impl IntoIterator<Item = &'a Reading>) -> Vec<Entity<'a>> {
    let mut entities = Entities::default();
    for Reading { source, change, fence } in readings {
        entities.add(source, change, *fence);
    }
    entities.0.into_values().collect()
}

impl Batch<'_> {
    /// Marks the users whose delivered profile is not the last word.
    pub fn mark(&mut self, is_fetched: impl Fn(&str) -> bool) {
        for entity in &mut self.entities {
            entity.marked = entity.snapshot.is_some() && is_fetched(entity.source);
        }
    }

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

#[derive(Default)]
struct Entities<'a>(BTreeMap<(Kind, &'a str), Entity<'a>>);

impl<'a> Entities<'a> {
    fn add(&mut self, source: &'a str, change: &'a Change, fence: Option<Timestamp>) {
        let (kind, id) = (change.kind(), change.entity_id());
        let nothing = || Entity {
            kind,
            id,
            source,
            snapshot: None,
            deleted_at: None,
            fence: None,
            marked: false,
        };
        let entity = self.0.entry((kind, id)).or_insert_with(nothing);
        entity.fence = entity.fence.max(fence);
        match change {
            Change::Snapshot { version, user } => {
                if entity.snapshot.is_none_or(|(known, _)| known < version) {
                    entity.snapshot = Some((version, user));
                    entity.source = source;
                }
            }
            Change::Deleted { at, .. } => {
                let (first, last) = entity.deleted_at.unwrap_or((*at, *at));
                entity.deleted_at = Some((first.min(*at), last.max(*at)));
            }
        }
    }
}
