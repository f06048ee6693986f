//! The law of convergence, within one batch: changes of one entity become one.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use crate::db::apply::{Entity, Entry, Judgement};
use crate::model::{Change, DeliveryId, Kind, Outcome, Reading};
use crate::webhook::Decoded;

/// A batch as the statement wants it, and which entry each delivery became.
pub struct Batch<'a> {
    pub entities: Vec<Entity<'a>>,
    pub entries: Vec<Entry<'a>>,
    places: Vec<usize>,
}

/// Parts the deliveries that one batch may hold from those about an entity that another source of the batch was first to
/// speak of: the ledger has to decide about the first before the others can be judged.
pub fn one_owner_each<T>(deliveries: Vec<T>, decoded: impl Fn(&T) -> &Decoded) -> (Vec<T>, Vec<T>) {
    let mut owners: HashMap<(Kind, &str), &Arc<str>> = HashMap::new();
    let is_the_owners = |delivery| {
        let Decoded { source, verdict, .. } = decoded(delivery);
        let Some(change) = verdict.change() else { return true };
        *owners.entry((change.kind(), change.entity_id())).or_insert(source) == source
    };
    let is_the_owners: Vec<bool> = deliveries.iter().map(is_the_owners).collect();
    if is_the_owners.iter().all(|is| *is) {
        return (deliveries, Vec::new());
    }
    let mut is_the_owners = is_the_owners.into_iter();
    deliveries.into_iter().partition(|_| is_the_owners.next().unwrap_or(true))
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

    /// What becomes of each delivery that was folded, from what becomes of the entries: the second of the same is a duplicate
    /// as soon as the first is journaled.
    pub fn judgements(&self, of_entries: &[Judgement]) -> Vec<Judgement> {
        let mut journaled = vec![false; of_entries.len()];
        let judgement = |&place: &usize| match &of_entries[place] {
            Judgement::Journaled(outcome) => {
                let before = std::mem::replace(&mut journaled[place], true);
                Judgement::Journaled(if before { Outcome::Duplicate } else { *outcome })
            }
            unwritten => unwritten.clone(),
        };
        self.places.iter().map(judgement).collect()
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
