//! The ids of a source's entities.

use super::Rules;
use crate::json::{MAX_ID_LEN, Object, Unreadable};
use crate::model::{Key, Kind, Record};
use crate::provider::Provider;
use crate::provider::api::Sought;

/// Separates the parts of a composed id.
const SEPARATOR: &str = "/";

/// Which id of an entity is its id in the tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IdRule {
    /// The provider's own.
    #[default]
    Id,
    /// The one that the application has given a user or an organization at the provider; the own id of one that has none.
    ExternalId,
}

impl Rules {
    /// Whether entities may have other ids than their provider's.
    pub fn has_external_ids(&self) -> bool {
        self.id == IdRule::ExternalId
    }

    /// The id in the tables of an entity that the application has given one at the provider.
    pub(super) fn external_id(
        &self,
        provider: &Provider,
        record: &Record,
    ) -> Result<Option<String>, Unreadable> {
        let kind = record.kind();
        if !self.has_external_ids() || !matches!(kind, Kind::User | Kind::Organization) {
            return Ok(None);
        }
        let text = record.raw.as_str().ok_or(Unreadable::NotUtf8)?;
        let given = (provider.external_id)(kind, &Object::parse(text, "raw_json")?)?;
        if given.as_ref().is_some_and(|id| id.len() > MAX_ID_LEN) {
            return Err(Unreadable::TooLong { field: "the external id", limit: MAX_ID_LEN });
        }
        given.map(|id| self.id(kind, &id)).transpose()
    }

    /// The provider's own key of a record of the tables, with the prefix.
    pub fn own_key(&self, provider: &Provider, record: &Record) -> Result<Key, Unreadable> {
        let text = record.raw.as_str().ok_or(Unreadable::NotUtf8)?;
        self.key((provider.key)(record.kind(), &Object::parse(text, "raw_json")?)?)
    }

    /// The id in the tables, from the provider's. In an id that is composed of others, each of those gets the prefix.
    pub fn id(&self, kind: Kind, own: &str) -> Result<String, Unreadable> {
        let (ids, name) = composed(kind, own);
        let id = self.before_each(&ids);
        // A composed id may be longer: each of its parts is the id of a user or an organization.
        if ids.len() == 1 && !self.prefix.is_empty() && id.len() > MAX_ID_LEN {
            return Err(Unreadable::TooLong { field: "the id with its prefix", limit: MAX_ID_LEN });
        }
        Ok(id + &name.map(|name| format!("{SEPARATOR}{name}")).unwrap_or_default())
    }

    /// The provider's id, from the one in the tables; `None` if the id is not of this source.
    pub fn own_id(&self, kind: Kind, id: &str) -> Option<String> {
        let (ids, name) = composed(kind, id);
        let own: Option<Vec<_>> = ids.iter().map(|id| id.strip_prefix(&*self.prefix)).collect();
        Some(own?.into_iter().chain(name).collect::<Vec<_>>().join(SEPARATOR))
    }

    /// The question about an entity in the provider's own ids; `None` if the entity is not of this source.
    pub fn own(&self, Sought { key, user_id, organization_id }: &Sought) -> Option<Sought> {
        let own = |kind: Kind, id: &Option<String>| {
            id.as_ref().map(|id| self.own_id(kind, id)).map_or(Some(None), |id| id.map(Some))
        };
        let mut sought = Sought::only(key.clone());
        sought.key.id = self.own_id(key.kind, &key.id)?;
        sought.user_id = own(Kind::User, user_id)?;
        sought.organization_id = own(Kind::Organization, organization_id)?;
        Some(sought)
    }

    fn before_each(&self, ids: &[&str]) -> String {
        let named: Vec<_> = ids.iter().map(|id| format!("{}{id}", self.prefix)).collect();
        named.join(SEPARATOR)
    }
}

/// The ids that an id is composed of, and the name of the permission at the end of a grant's.
fn composed(kind: Kind, id: &str) -> (Vec<&str>, Option<&str>) {
    match kind {
        Kind::Membership => (id.split(SEPARATOR).collect(), None),
        Kind::Grant => match id.rsplit_once(SEPARATOR) {
            Some((ids, name)) => (ids.split(SEPARATOR).collect(), Some(name)),
            None => (vec![id], None),
        },
        Kind::User | Kind::Organization | Kind::Role => (vec![id], None),
    }
}
