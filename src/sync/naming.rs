//! The ids of entities whose source names them by their external ids, whatever arrives first.
//!
//! Only a snapshot shows an external id. What names the entity before that is written under the provider's own id, and moves
//! when the external id is known. The lock on a row of `users_sync.aliases` decides between the two: what is written under an
//! own id looks afterwards whether another session has meanwhile bound that id, and if so is written once more.

use std::collections::HashMap;
use std::sync::Arc;

use deadpool_postgres::Pool;

use super::readings::Error;
use crate::api::Client;
use crate::db::aliases::{self, Ids};
use crate::model::{Change, Key, Kind, Profile, Record};
use crate::provider::Provider;
use crate::provider::api::Sought;
use crate::rules::Rules;
use crate::webhook::{Decoded, Verdict};

/// The sources that name entities by their external ids.
pub type Naming = HashMap<Arc<str>, (&'static Provider, Arc<Rules>)>;

/// The names in some changes of one source.
pub(super) struct Names {
    source: Arc<str>,
    provider: &'static Provider,
    rules: Arc<Rules>,
    /// By the keys of the provider, the ids that the changes show.
    shown: Ids,
    /// The ids that are recorded.
    bound: Ids,
}

impl Names {
    /// `None` if the source names its entities by the provider's ids, or the changes name none.
    pub(super) fn of<'a>(
        naming: &Naming,
        source: &Arc<str>,
        changes: impl IntoIterator<Item = &'a Change>,
    ) -> Option<Self> {
        let (provider, rules) = naming.get(source)?;
        let (provider, rules, source) = (*provider, rules.clone(), source.clone());
        let mut names = Self { source, provider, rules, shown: Ids::new(), bound: Ids::new() };
        changes.into_iter().for_each(|change| names.add(change));
        (!names.shown.is_empty()).then_some(names)
    }

    fn add(&mut self, change: &Change) {
        let own = self.own(change);
        if is_named(own.kind) {
            let id = Some(&change.key().id).filter(|id| **id != own.id);
            let shown = self.shown.entry(own).or_default();
            *shown = shown.take().or_else(|| id.cloned());
        }
        let (user, organization) = change.record().map(Record::ties).unwrap_or_default();
        for (kind, id) in [(Kind::User, user), (Kind::Organization, organization)] {
            if let Some(id) = id {
                self.shown.entry(Key::new(kind, id)).or_default();
            }
        }
    }

    /// The provider's key of the entity, with the prefix of the source.
    fn own(&self, change: &Change) -> Key {
        let record = change.record().filter(|record| is_named(record.kind()));
        let own = record.and_then(|record| self.rules.own_key(self.provider, record).ok());
        own.unwrap_or_else(|| change.key().clone())
    }

    /// Reads what is recorded.
    pub(super) async fn read(
        &mut self,
        client: &tokio_postgres::Client,
    ) -> Result<(), tokio_postgres::Error> {
        self.bound = aliases::read(client, &self.source, &self.shown).await?;
        Ok(())
    }

    /// Records what the changes show.
    pub(super) async fn bind(&mut self, pool: &Pool) -> Result<(), Error> {
        let mut client = pool.get().await?;
        self.read(&client).await?;
        let is_known = |(key, id): (&Key, &Option<String>)| {
            self.bound.get(key).is_some_and(|bound| bound.is_some() || id.is_none())
        };
        if self.shown.iter().all(is_known) {
            return Ok(());
        }
        self.bound = aliases::bind(&mut client, &self.source, &self.shown).await?;
        Ok(())
    }

    /// Whether another session has bound one of the ids since; called after the changes are written.
    pub(super) async fn are_outdated(&mut self, pool: &Pool) -> Result<bool, Error> {
        let open = self.bound.iter().filter(|(_, id)| id.is_none());
        let open: Ids = open.map(|(key, _)| (key.clone(), None)).collect();
        if open.is_empty() {
            return Ok(false);
        }
        let client = pool.get().await?;
        let mut found = aliases::wait(&client, &self.source, &open).await?;
        found.retain(|_, id| id.is_some());
        let are_outdated = !found.is_empty();
        self.bound.extend(found);
        Ok(are_outdated)
    }

    /// The change with the ids of the tables.
    pub(super) fn renamed(&self, mut change: Change) -> Change {
        let own = self.own(&change);
        let bound = self.id(&own).cloned();
        match &mut change {
            Change::Snapshot { record, .. } => {
                record.key.id = bound.unwrap_or_else(|| std::mem::take(&mut record.key.id));
                self.rename_ties(&mut record.profile);
            }
            Change::Deleted { key, .. } => {
                key.id = bound.unwrap_or_else(|| std::mem::take(&mut key.id));
            }
        }
        change
    }

    /// The delivery with the ids of the tables.
    pub(super) fn renamed_in(&self, decoded: &Decoded) -> Decoded {
        let changes = decoded.verdict.changes().iter().cloned();
        let verdict = Verdict::Changes(changes.map(|change| self.renamed(change)).collect());
        Decoded { verdict, ..decoded.clone() }
    }

    fn rename_ties(&self, profile: &mut Profile) {
        let rename = |kind: Kind, id: &mut String| {
            if let Some(bound) = self.id(&Key::new(kind, id.as_str())) {
                id.clone_from(bound);
            }
        };
        match profile {
            Profile::Membership(membership) => {
                rename(Kind::User, &mut membership.user_id);
                rename(Kind::Organization, &mut membership.organization_id);
            }
            Profile::Grant(grant) => {
                rename(Kind::User, &mut grant.user_id);
                if let Some(organization_id) = &mut grant.organization_id {
                    rename(Kind::Organization, organization_id);
                }
            }
            Profile::User(_) | Profile::Organization(_) | Profile::Role(_) => {}
        }
    }

    fn id(&self, own: &Key) -> Option<&String> {
        self.bound.get(own)?.as_ref()
    }
}

/// Whether entities of this kind have external ids.
fn is_named(kind: Kind) -> bool {
    matches!(kind, Kind::User | Kind::Organization)
}

/// The question about an entity by the ids of its provider, with the prefix of the source; `None` if the entity may have an
/// own id that nothing has shown yet.
pub(super) async fn asked(
    database: &tokio_postgres::Client,
    client: &Client,
    sought: &Sought,
) -> Result<Option<Sought>, tokio_postgres::Error> {
    let mut asked = sought.clone();
    if !client.rules().has_external_ids() {
        return Ok(Some(asked));
    }
    let source = &**client.source();
    if is_named(asked.key.kind) {
        match aliases::own(database, source, &asked.key).await? {
            Some(own) => asked.key.id = own,
            None => return Ok(None),
        }
    }
    let Sought { user_id, organization_id, .. } = &mut asked;
    for (kind, id) in [(Kind::User, user_id), (Kind::Organization, organization_id)] {
        let Some(id) = id else { continue };
        if let Some(own) = aliases::own(database, source, &Key::new(kind, id.as_str())).await? {
            *id = own;
        }
    }
    Ok(Some(asked))
}
