//! Fetches one entity from the providers, and writes the answer if it is newer than the row.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{Error, Users};
use crate::api::{self, Client, Found, Removed};
use crate::db::readings::Standing;
use crate::db::users::UserRow;
use crate::db::{mirror, readings};
use crate::law::too_early;
use crate::model::{Change, Key, Kind, Reading};
use crate::provider::api::Sought;
use crate::sync::guard;
use crate::sync::naming::asked;
use crate::sync::readings::Readings;

/// The longest wait for an answer that can be newer than the row.
const LONGEST_WAIT: Duration = Duration::from_secs(3);

const UNKNOWN: &str =
    "nothing has shown yet by which id its provider knows it; `users-sync backfill` does";

/// The result of fetching a marked entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sync) enum Fetched {
    /// The row is at least as new as the answer.
    Written,
    /// The row has a later version; an answer after this time can be newer.
    Older(Duration),
    /// None of the providers has it.
    Missing,
}

impl Users {
    /// Asks the providers about a user, writes their answer, and returns the row: a shown user is alive, and a user that its own
    /// provider does not have is deleted. If the answer is older than the row, asks once more.
    pub async fn sync(&self, id: &str) -> Result<Option<UserRow>, Error> {
        if self.clients.is_empty() {
            return Err(Error::NoApi);
        }
        match self.ask_once(id).await {
            Err(Error::Older(wait)) if wait <= LONGEST_WAIT => {
                tokio::time::sleep(wait).await;
                self.ask_once(id).await?;
            }
            asked => asked?,
        }
        self.row(id).await
    }

    /// Deletes a user at its provider and in the table, and returns the remaining row.
    pub async fn delete(&self, source: Option<&str>, id: &str) -> Result<Option<UserRow>, Error> {
        let (client, known) = (self.client(source)?, self.row(id).await?);
        match known.as_ref().and_then(|row| row.source.as_deref()) {
            Some(owner) if *owner != **client.source() => {
                return Err(Error::OfAnother(owner.to_owned()));
            }
            _ => {}
        }
        let own = self.asked(client, id).await?;
        match client.delete(&own.key.id).await? {
            Removed::Now(at) => {
                Readings::new(&self.tables).accept(&[client.gone(Key::user(id), at)]).await?;
            }
            Removed::Missing(fence) => {
                self.absent(id, known.as_ref(), &[(client, fence)]).await?;
            }
        }
        self.row(id).await
    }

    /// Asks the providers, or one of them, until one shows the entity, and writes the answer. Deletes nothing.
    pub(in crate::sync) async fn fetch(
        &self,
        source: Option<&str>,
        key: &Key,
    ) -> Result<Fetched, Error> {
        let sought = self.sought(key).await?;
        let is_meant = |client: &&Arc<Client>| source.is_none_or(|name| **client.source() == *name);
        let mut refused = None;
        for client in self.clients.iter().filter(is_meant) {
            let own = self.named(client, &sought).await?;
            match client.one(own.as_ref().unwrap_or(&sought)).await {
                Ok(Found::Shown { reading, fence }) => {
                    let kept = self.write(reading).await?;
                    // After the settling time an older answer is final, too.
                    let kept = kept
                        .filter(|kept| too_early(Some(*kept), fence, Timestamp::now()).is_some());
                    return Ok(kept.map_or(Fetched::Written, |kept| {
                        Fetched::Older(api::until_seen(kept, fence))
                    }));
                }
                Ok(Found::Missing(_)) => {}
                Err(error) if error.is_left_out() => {}
                Err(error) if error.is_about_one() => refused = Some(error),
                Err(error) => return Err(error.into()),
            }
        }
        refused.map_or(Ok(Fetched::Missing), |error| Err(error.into()))
    }

    async fn asked(&self, client: &Client, id: &str) -> Result<Sought, Error> {
        let own = self.named(client, &Sought::user(id)).await?;
        Ok(own.ok_or(api::Error::LeftOut(UNKNOWN))?)
    }

    /// The question in the provider's own ids; `None` if nothing has shown them yet.
    pub(super) async fn named(
        &self,
        client: &Client,
        sought: &Sought,
    ) -> Result<Option<Sought>, Error> {
        let database = self.tables.pool().get().await?;
        Ok(asked(&database, client, sought).await?)
    }

    async fn sought(&self, key: &Key) -> Result<Sought, Error> {
        if mirror::of(key.kind).references().next().is_none() {
            return Ok(Sought::only(key.clone()));
        }
        let database = self.tables.pool().get().await?;
        Ok(readings::of(&database, key).await?)
    }

    async fn ask_once(&self, id: &str) -> Result<(), Error> {
        let known = self.row(id).await?;
        let (mut missing, mut refused) = (Vec::new(), None);
        for client in self.askable(known.as_ref())? {
            let found = match self.asked(client, id).await {
                Ok(own) => client.one(&own).await,
                Err(Error::Api(error)) => Err(error),
                Err(error) => return Err(error),
            };
            match found {
                Ok(Found::Shown { reading, fence }) => {
                    return self.shown(known.as_ref(), reading, fence).await;
                }
                Ok(Found::Missing(fence)) => missing.push((client, fence)),
                // The id may belong to another provider.
                Err(error) if error.is_about_one() => refused = Some(error),
                Err(error) => return Err(error.into()),
            }
        }
        match refused {
            Some(error) => Err(error.into()),
            None => self.absent(id, known.as_ref(), &missing).await,
        }
    }

    /// The source that the row belongs to; all sources if it belongs to none.
    fn askable(&self, row: Option<&UserRow>) -> Result<Vec<&Client>, Error> {
        let clients = self.clients.iter().map(|client| &**client);
        let Some(owner) = row.and_then(|row| row.source.as_deref()) else {
            return Ok(clients.collect());
        };
        let own: Vec<_> = clients.filter(|client| **client.source() == *owner).collect();
        if own.is_empty() { Err(Error::OfAnother(owner.to_owned())) } else { Ok(own) }
    }

    async fn shown(
        &self,
        known: Option<&UserRow>,
        reading: Reading,
        fence: Timestamp,
    ) -> Result<(), Error> {
        let deleted_at = known.and_then(|row| row.deleted_at);
        if let Some(wait) = too_early(deleted_at, fence, Timestamp::now()) {
            return Err(Error::TooEarly(wait));
        }
        let Reading { source, change } = reading;
        let reading = Reading { source, change: change.fenced(deleted_at.map(|_| fence)) };
        let Some(kept) = self.write(reading.clone()).await? else { return Ok(()) };
        if self.is_known(reading).await? {
            return Ok(());
        }
        Err(Error::Older(api::until_seen(kept, fence)))
    }

    /// Deletes a user whom its own source does not have, unless a delivery came just now: a replica of the provider may lag behind.
    async fn absent(
        &self,
        id: &str,
        known: Option<&UserRow>,
        missing: &[(&Client, Timestamp)],
    ) -> Result<(), Error> {
        let Some(row) = known.filter(|row| row.deleted_at.is_none()) else { return Ok(()) };
        let owner = row.source.as_deref();
        let own = missing.iter().find(|(client, _)| owner == Some(&**client.source()));
        let Some((client, fence)) = own else { return Err(Error::OfNone) };
        let database = self.tables.pool().get().await?;
        let heard = readings::heard(&database, Kind::User, &[id]).await?;
        drop(database);
        if let Some(wait) = too_early(heard.get(id).copied(), *fence, Timestamp::now()) {
            return Err(Error::TooEarly(wait));
        }
        guard::silence::<Error>(self.tables.pool(), client, id).await?;
        Readings::new(&self.tables).accept(&[client.gone(Key::user(id), *fence)]).await?;
        Ok(())
    }

    /// Writes an API's answer; returns when the later version was made, if the row keeps that instead.
    pub(super) async fn write(&self, reading: Reading) -> Result<Option<Timestamp>, Error> {
        let Change::Snapshot { version, record, .. } = &reading.change else { return Ok(None) };
        let (version, key) = (version.clone(), record.key.clone());
        Readings::new(&self.tables).accept_news(vec![reading]).await?;
        let database = self.tables.pool().get().await?;
        let kept = readings::version(&database, &key).await?;
        // A later answer includes everything that this one shows.
        let kept = kept.filter(|kept| *kept > version && !api::is_answer(kept));
        Ok(kept.map(|kept| kept.at))
    }

    /// Whether the row has the same content, regardless of the versions.
    async fn is_known(&self, mut reading: Reading) -> Result<bool, Error> {
        if let Change::Snapshot { version, .. } = &mut reading.change {
            version.at = Timestamp::MAX;
        }
        let standings = Readings::new(&self.tables).compare(&[reading]).await?;
        Ok(standings == [Standing::Same])
    }
}
