//! Deliveries that are written together.

use std::collections::HashMap;

use crate::db::apply::{Entry, Judgement};
use crate::law::{self, Claim};
use crate::model::{DeliveryId, Kind, Outcome};
use crate::webhook::Decoded;

/// A batch in the form that the statement takes, and the entry of each delivery.
pub struct Batch<'a> {
    pub claims: Vec<Claim<'a>>,
    pub entries: Vec<Entry<'a>>,
    places: Vec<usize>,
}

impl<'a> Batch<'a> {
    /// Builds a batch from deliveries in any order, repeated or not; `keep_bodies` journals every body.
    pub fn of(
        deliveries: impl IntoIterator<Item = &'a Decoded> + Clone,
        keep_bodies: bool,
    ) -> Self {
        let changes = deliveries.clone().into_iter().flat_map(|decoded| {
            decoded.verdict.changes().iter().map(|change| (&*decoded.source, change))
        });
        let claims = law::fold(changes);
        let mut entries: Vec<Entry<'_>> = Vec::new();
        let mut seen: HashMap<(&str, &DeliveryId), usize> = HashMap::new();
        let mut places = Vec::new();
        for decoded in deliveries {
            let place = *seen.entry((&decoded.source, &decoded.id)).or_insert(entries.len());
            match entries.get_mut(place) {
                Some(entry) => entry.attempts += 1,
                None => entries.push(Entry { decoded, attempts: 1, keep_body: keep_bodies }),
            }
            places.push(place);
        }
        Self { claims, entries, places }
    }

    /// Marks the entities whose profile must be fetched from the API, because the delivery's own copy may be
    /// outdated.
    pub fn mark(&mut self, is_fetched: impl Fn(&Claim<'_>) -> bool) {
        for claim in &mut self.claims {
            // A former member may still have grants, and no delivery announces their end.
            let leaves = claim.key.kind == Kind::Membership && claim.deleted_at.is_some();
            claim.marked = (claim.snapshot.is_some() || leaves) && is_fetched(claim);
        }
    }

    /// The judgement of each delivery, from the judgements of the entries: if two deliveries share an entry, the
    /// second is a duplicate once the first is journaled.
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
