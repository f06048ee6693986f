//! The rules of a source: which ids its entities get, which deliveries count, and which fields `raw_json` stores.
//!
//! Deliveries and answers of the API go through the same rules, so that both say the same about an entity.

mod fields;
mod ids;
mod mistakes;

use crate::json::{Object, Unreadable};
use crate::model::{Change, Key, Kind, Profile, Record};
use crate::provider::{Meaning, Provider};

pub use ids::IdRule;
pub use mistakes::Mistake;

/// The word in [`Rules::ignore`] for anonymous users.
const ANONYMOUS: &str = "anonymous";

const IGNORED_EVENT: Meaning = Meaning::Ignored("the `ignore` of its source names this event type");
const IGNORED_USER: Meaning = Meaning::Ignored("the `ignore` of its source names anonymous users");

/// By default nothing is changed, ignored or left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Stands before every id of the source in the tables.
    pub prefix: String,
    pub id: IdRule,
    /// Event types, whole or as `session.*`, and the word `anonymous` for anonymous users.
    pub ignore: Vec<String>,
    /// The paths of the fields that `raw_json` stores; all of them if it is empty.
    pub keep: Vec<String>,
    /// The paths of fields that `raw_json` does not store.
    pub drop: Vec<String>,
    /// The instance of the provider that the deliveries must come from.
    pub instance: Option<String>,
}

impl Rules {
    /// Whether an event of this type changes nothing, and asks for nothing.
    pub fn ignores(&self, event_type: &str) -> bool {
        self.ignore.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(family) => event_type.starts_with(family),
            None => event_type == pattern,
        })
    }

    /// What an event means for this source, from what it means to its provider.
    pub fn meaning(
        &self,
        provider: &Provider,
        body: &Object<'_>,
        event_type: &str,
        read: impl FnOnce() -> Result<Meaning, Unreadable>,
    ) -> Result<Meaning, Unreadable> {
        // An ignored event need not be readable.
        if self.ignores(event_type) {
            return Ok(IGNORED_EVENT);
        }
        let meaning = read()?;
        if matches!(meaning, Meaning::Ignored(_)) {
            return Ok(meaning);
        }
        self.is_of_the_instance(provider, body)?;
        Ok(match meaning {
            Meaning::Changes(changes) => match self.changes(provider, changes)? {
                kept if kept.is_empty() => IGNORED_USER,
                kept => Meaning::Changes(kept),
            },
            Meaning::Names { keys, changes } => {
                let keys = keys.into_iter().map(|key| self.key(key)).collect::<Result<_, _>>()?;
                Meaning::Names { keys, changes: self.changes(provider, changes)? }
            }
            ignored @ Meaning::Ignored(_) => ignored,
        })
    }

    fn is_of_the_instance(&self, provider: &Provider, body: &Object<'_>) -> Result<(), Unreadable> {
        let (Some(expected), Some(read)) = (&self.instance, provider.instance) else {
            return Ok(());
        };
        if read(body)? == *expected { Ok(()) } else { Err(Unreadable::OtherInstance) }
    }

    /// A deletion stays even if it may be an anonymous user's: it does not say so, and without its tombstone a late snapshot
    /// of any other user would come back.
    fn changes(
        &self,
        provider: &Provider,
        changes: Vec<Change>,
    ) -> Result<Vec<Change>, Unreadable> {
        let mut kept = Vec::with_capacity(changes.len());
        for change in changes {
            match change {
                Change::Snapshot { record, .. } if self.leaves_out(provider, &record)? => {}
                Change::Snapshot { version, record, fence } => {
                    kept.push(Change::Snapshot {
                        version,
                        record: self.record(provider, record)?,
                        fence,
                    });
                }
                Change::Deleted { key, at } => {
                    kept.push(Change::Deleted { key: self.key(key)?, at });
                }
            }
        }
        Ok(kept)
    }

    /// Whether the provider's record is of an anonymous user that the source ignores.
    pub fn leaves_out(&self, provider: &Provider, record: &Record) -> Result<bool, Unreadable> {
        let Some(is_anonymous) = provider.anonymous.filter(|_| self.ignores(ANONYMOUS)) else {
            return Ok(false);
        };
        if record.kind() != Kind::User {
            return Ok(false);
        }
        let text = record.raw.as_str().ok_or(Unreadable::NotUtf8)?;
        is_anonymous(&Object::parse(text, "the user")?)
    }

    /// The record as the tables show it, from the provider's.
    pub fn record(&self, provider: &Provider, mut record: Record) -> Result<Record, Unreadable> {
        record.key = match self.external_id(provider, &record)? {
            Some(id) => Key::new(record.kind(), id),
            None => self.key(record.key)?,
        };
        match &mut record.profile {
            Profile::Membership(membership) => {
                self.rename(Kind::User, &mut membership.user_id)?;
                self.rename(Kind::Organization, &mut membership.organization_id)?;
            }
            Profile::Grant(grant) => {
                self.rename(Kind::User, &mut grant.user_id)?;
                if let Some(organization_id) = &mut grant.organization_id {
                    self.rename(Kind::Organization, organization_id)?;
                }
            }
            Profile::User(_) | Profile::Organization(_) | Profile::Role(_) => {}
        }
        record.raw = self.stored(record.raw)?;
        Ok(record)
    }

    /// The key in the tables, from the provider's.
    pub fn key(&self, mut key: Key) -> Result<Key, Unreadable> {
        self.rename(key.kind, &mut key.id)?;
        Ok(key)
    }

    fn rename(&self, kind: Kind, id: &mut String) -> Result<(), Unreadable> {
        *id = self.id(kind, id)?;
        Ok(())
    }
}
