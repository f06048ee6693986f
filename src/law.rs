//! The law of convergence, pure: the state of an entity is a function of the set of its changes, not of their order
//! or number.
//!
//! - The profile is the snapshot with the greatest version.
//! - Deleted is a one-way flag with the smallest deletion time. The flag is lifted only if the provider says later
//!   that the entity exists: deletions before that fence no longer count.
//! - An entity has one owner: the source that sent a change about it first.
//!
//! The statement that applies a batch combines claims with the tables by the same rules.

mod settling;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::{Change, Key, Record, Version};

pub use settling::{SETTLING, too_early};

/// Everything that one batch says about one entity: the greatest snapshot, the first and the last deletion, and the
/// last fence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim<'a> {
    pub key: &'a Key,
    pub source: &'a str,
    pub snapshot: Option<(&'a Version, &'a Record)>,
    /// The smallest and the greatest deletion time.
    pub deleted_at: Option<(Timestamp, Timestamp)>,
    /// When the provider last content that the entity exists.
    pub fence: Option<Timestamp>,
    /// Whether its current state must be fetched from the provider's API.
    pub marked: bool,
}

impl<'a> Claim<'a> {
    fn empty(source: &'a str, key: &'a Key) -> Self {
        Self { key, source, snapshot: None, deleted_at: None, fence: None, marked: false }
    }

    /// What one snapshot says, and nothing else.
    pub fn shown(source: &'a str, version: &'a Version, record: &'a Record) -> Self {
        Self { snapshot: Some((version, record)), ..Self::empty(source, &record.key) }
    }

    fn add(&mut self, source: &'a str, change: &'a Change) {
        match change {
            Change::Snapshot { version, record, fence } => {
                self.fence = self.fence.max(*fence);
                if self.snapshot.is_none_or(|(known, _)| known < version) {
                    self.snapshot = Some((version, record));
                    self.source = source;
                }
            }
            Change::Deleted { at, .. } => {
                let (first, last) = self.deleted_at.unwrap_or((*at, *at));
                self.deleted_at = Some((first.min(*at), last.max(*at)));
            }
        }
    }
}

/// Folds changes in any order, repeated or not, into one claim for each entity, in the order of their keys.
pub fn fold<'a>(changes: impl IntoIterator<Item = (&'a str, &'a Change)>) -> Vec<Claim<'a>> {
    let mut claims: BTreeMap<&Key, Claim<'a>> = BTreeMap::new();
    for (source, change) in changes {
        let key = change.key();
        claims.entry(key).or_insert_with(|| Claim::empty(source, key)).add(source, change);
    }
    claims.into_values().collect()
}

/// Separates the items about an entity that an earlier item of another source also mentions: the ledger must decide
/// the owner before those can be judged.
pub fn one_owner_each<T>(
    items: Vec<T>,
    content: impl for<'b> Fn(&'b T) -> (&'b Arc<str>, &'b [Change]),
) -> (Vec<T>, Vec<T>) {
    let mut owners: HashMap<&Key, &Arc<str>> = HashMap::new();
    let mut is_the_owners = Vec::with_capacity(items.len());
    for item in &items {
        let (source, changes) = content(item);
        let owns = |change: &Change| owners.get(change.key()).is_none_or(|owner| *owner == source);
        let owns_all = changes.iter().all(owns);
        if owns_all {
            owners.extend(changes.iter().map(|change| (change.key(), source)));
        }
        is_the_owners.push(owns_all);
    }
    if is_the_owners.iter().all(|is| *is) {
        return (items, Vec::new());
    }
    let mut is_the_owners = is_the_owners.into_iter();
    items.into_iter().partition(|_| is_the_owners.next().unwrap_or(true))
}
