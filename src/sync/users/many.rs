//! Fetches more than a delivery's own entity: everything of an organization, or all entities of a kind.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;

use super::ask::Fetched;
use super::{Error, Users};
use crate::api::{self, Client, Found, Walk};
use crate::db::readings::{self, Standing};
use crate::law::too_early;
use crate::model::{Change, Key, Kind, Reading};
use crate::provider::api::Sought;
use crate::sync::readings::Readings;

/// The API's lists of one organization.
#[derive(Default)]
struct Belonging {
    /// The users in the list of members.
    members: HashSet<String>,
    grants: HashSet<String>,
    /// Whether every list was read to its end and understood.
    is_whole: bool,
    /// The fence of the earliest answer.
    fence: Option<Timestamp>,
    /// How long answers that contradict the tables are not believed yet.
    wait: Option<Duration>,
}

impl Users {
    /// Reads an organization with its members and their grants, and writes the changes. A grant is deleted if its user is
    /// a member neither in the tables nor in the list, and the grant is not listed, after the settling time: no delivery
    /// announces the end of a former member's grants. `heard` is when the delivery was made.
    pub(in crate::sync) async fn fetch_organization(
        &self,
        source: &str,
        id: &str,
        heard: Option<Timestamp>,
    ) -> Result<Fetched, Error> {
        let client = self.client(Some(source))?;
        let key = Key::new(Kind::Organization, id);
        let sought = Sought::only(key);
        let own = self.named(client, &sought).await?.unwrap_or(sought);
        let (reading, fence) = match client.one(&own).await? {
            Found::Shown { reading, fence } => (reading, fence),
            Found::Missing(_) => return Ok(Fetched::Missing),
        };
        let heard = heard.into_iter().chain(self.write(reading).await?).max();
        let mut belonging = Belonging { is_whole: true, ..Belonging::default() };
        for kind in client.api().kinds_of_organizations() {
            self.belonging(client, kind, &own.key.id, &mut belonging).await?;
        }
        if belonging.is_whole {
            self.delete_left(client, id, &mut belonging).await?;
        }
        let fence = belonging.fence.unwrap_or(fence).min(fence);
        let is_older = |heard: &Timestamp| {
            fence.as_second() <= heard.as_second()
                && too_early(Some(*heard), fence, Timestamp::now()).is_some()
        };
        let older = heard.filter(is_older).map(|heard| api::until_seen(heard, fence));
        Ok(older.into_iter().chain(belonging.wait).max().map_or(Fetched::Written, Fetched::Older))
    }

    /// Reads one list of an organization, and writes the changes.
    async fn belonging(
        &self,
        client: &Client,
        kind: Kind,
        id: &str,
        belonging: &mut Belonging,
    ) -> Result<(), Error> {
        let (mut walk, mut writer) = (Walk::of(kind, id), Readings::new(&self.tables));
        while let Some(page) = walk.next(client).await? {
            belonging.is_whole &= page.unreadable == 0 && !page.is_off;
            belonging.fence = belonging.fence.into_iter().chain([page.fence]).min();
            for record in page.readings.iter().filter_map(|reading| reading.change.record()) {
                match (kind, record.ties()) {
                    (Kind::Membership, (Some(user), _)) => {
                        belonging.members.insert(user.to_owned())
                    }
                    (_, _) => belonging.grants.insert(record.id().to_owned()),
                };
            }
            let standings = writer.compare(&page.readings).await?;
            let mut news = Vec::new();
            for (reading, standing) in page.readings.into_iter().zip(standings) {
                let Standing::Deleted(at) = standing else {
                    news.push(reading);
                    continue;
                };
                match too_early(Some(at), page.fence, Timestamp::now()) {
                    Some(wait) => belonging.wait = belonging.wait.max(Some(wait)),
                    None => news.push(lifting(reading, page.fence)),
                }
            }
            writer.accept_news(news).await?;
        }
        belonging.is_whole &= walk.finish(client, 0).await.is_ok();
        Ok(())
    }

    /// Deletes the grants of former members.
    async fn delete_left(
        &self,
        client: &Client,
        id: &str,
        belonging: &mut Belonging,
    ) -> Result<(), Error> {
        let Some(fence) = belonging.fence.map(|fence| fence.min(Timestamp::now())) else {
            return Ok(());
        };
        let database = self.tables.pool().get().await?;
        let mut left = readings::left(&database, client.source(), id).await?;
        left.retain(|Sought { key, user_id, .. }| {
            let is_member = user_id.as_ref().is_some_and(|user| belonging.members.contains(user));
            !is_member && !belonging.grants.contains(&key.id)
        });
        let ids: Vec<_> = left.iter().map(|sought| sought.key.id.as_str()).collect();
        let heard = readings::heard(&database, Kind::Grant, &ids).await?;
        drop(database);
        let mut gone = Vec::new();
        for Sought { key, .. } in left {
            match too_early(heard.get(&key.id).copied(), fence, Timestamp::now()) {
                Some(wait) => belonging.wait = belonging.wait.max(Some(wait)),
                None => gone.push(client.gone(key, fence)),
            }
        }
        Readings::new(&self.tables).accept(&gone).await?;
        Ok(())
    }

    /// Reads all entities of a kind, and writes the changes; the deliveries of `marked` were the reason.
    pub(in crate::sync) async fn fetch_all(
        &self,
        source: &str,
        kind: Kind,
        marked: &[Key],
    ) -> Result<Fetched, Error> {
        let client = self.client(Some(source))?;
        let (mut walk, mut wait) = (Walk::new(kind), None);
        while let Some(page) = walk.next(client).await? {
            let is_marked = |reading: &&Reading| marked.contains(reading.change.key());
            let listed: Vec<_> = page.readings.iter().filter(is_marked).cloned().collect();
            Readings::new(&self.tables).accept_news(page.readings).await?;
            for reading in listed {
                wait = wait.max(self.older(&reading, page.fence).await?);
            }
        }
        Ok(wait.map_or(Fetched::Written, Fetched::Older))
    }

    /// How long to wait for an answer that is newer than the row, if this one is older.
    async fn older(&self, reading: &Reading, fence: Timestamp) -> Result<Option<Duration>, Error> {
        let Change::Snapshot { version, record, .. } = &reading.change else { return Ok(None) };
        let database = self.tables.pool().get().await?;
        let kept = readings::version(&database, &record.key).await?;
        let kept = kept.filter(|kept| kept > version && !api::is_answer(kept));
        let is_fresh = |kept: &Timestamp| too_early(Some(*kept), fence, Timestamp::now()).is_some();
        let kept = kept.map(|kept| kept.at).filter(is_fresh);
        Ok(kept.map(|kept| api::until_seen(kept, fence)))
    }
}

/// The reading with its fence, which restores the entity if it was deleted before.
fn lifting(Reading { source, change }: Reading, fence: Timestamp) -> Reading {
    Reading { source, change: change.fenced(Some(fence)) }
}
