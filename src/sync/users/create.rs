//! Creates a user at the provider and in the table.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;

use super::{Error, Users};
use crate::api::Client;
use crate::db::requests::{self, Begun};
use crate::db::users::UserRow;
use crate::law::SETTLING;
use crate::model::{Change, Reading};
use crate::provider::api::NewUser;
use crate::sync::readings::Readings;

/// With the time that a creation may take it is less than the minute after which another process takes the request over.
const LOOK_UP: Duration = Duration::from_secs(8);

/// A user that this request, or an earlier attempt of it, created.
#[derive(Clone, Debug, PartialEq)]
pub struct Created {
    pub row: Option<UserRow>,
    pub id: String,
    pub before: bool,
}

impl Users {
    /// Creates a user; the same `key` creates it only once.
    pub async fn create(
        &self,
        source: Option<&str>,
        user: &NewUser,
        key: Option<&str>,
    ) -> Result<Created, Error> {
        let client = self.client(source)?;
        let Some(key) = key else { return self.create_now(client, user).await };
        let database = self.tables.pool().get().await?;
        let left_undone = match requests::begin(&database, key, &fingerprint(client, user)).await? {
            Begun::Ours => None,
            Begun::LeftUndone(since) => Some(since),
            Begun::UnderWay => return Err(Error::UnderWay),
            Begun::Different => return Err(Error::KeyReused),
            Begun::Done(id) => {
                let row = self.row(&id).await?;
                return Ok(Created { row, id, before: true });
            }
        };
        drop(database);
        let created = match left_undone {
            None => self.create_now(client, user).await,
            Some(since) => self.finish(client, user, since).await,
        };
        let database = self.tables.pool().get().await?;
        match &created {
            Ok(created) => requests::done(&database, key, &created.id).await?,
            // An earlier attempt may still have created the user.
            Err(Error::Api(error)) if left_undone.is_none() && !error.may_be_done() => {
                requests::forget(&database, key).await?;
            }
            // The provider may have created the user.
            Err(_) => {}
        }
        created
    }

    async fn create_now(&self, client: &Client, user: &NewUser) -> Result<Created, Error> {
        let began = Timestamp::now();
        let reading = match client.create(user).await {
            Ok(reading) => reading,
            Err(error) if error.may_be_done() => {
                let found = with_address(client, user).await.unwrap_or_default();
                match found.into_iter().find(|reading| is_since(reading, began)) {
                    Some(reading) => reading,
                    // The user may still appear.
                    None => return Err(error.into()),
                }
            }
            Err(error) => return Err(error.into()),
        };
        self.created(reading, false).await
    }

    /// Takes over a request that began at `since` and has no known outcome.
    async fn finish(
        &self,
        client: &Client,
        user: &NewUser,
        since: Timestamp,
    ) -> Result<Created, Error> {
        let found = with_address(client, user).await?;
        let is_its = |reading: &Reading| is_since(reading, since) || is_same(reading, user);
        match found.into_iter().find(is_its) {
            Some(reading) => self.created(reading, true).await,
            None => self.create_now(client, user).await,
        }
    }

    async fn created(&self, reading: Reading, before: bool) -> Result<Created, Error> {
        let id = reading.change.key().id.clone();
        Readings::new(&self.tables).accept(&[reading]).await?;
        Ok(Created { row: self.row(&id).await?, id, before })
    }
}

/// The users who have this address at the provider.
async fn with_address(client: &Client, user: &NewUser) -> Result<Vec<Reading>, Error> {
    let found = tokio::time::timeout(LOOK_UP, client.with_email(&user.email)).await;
    Ok(found.map_err(|_| Error::UnderWay)??)
}

/// Whether the user is as young as the request. An older one is another user, and must not be returned as new.
fn is_since(reading: &Reading, since: Timestamp) -> bool {
    let Change::Snapshot { record, .. } = &reading.change else { return false };
    record.created_at.is_some_and(|at| at >= since - SETTLING)
}

/// Whether the name is also the requested one.
fn is_same(reading: &Reading, wanted: &NewUser) -> bool {
    let Change::Snapshot { record, .. } = &reading.change else { return false };
    wanted.name.is_some() && record.user().is_some_and(|user| user.name == wanted.name)
}

fn fingerprint(client: &Client, NewUser { email, name }: &NewUser) -> String {
    let text = format!("{}\0{email}\0{}", client.source(), name.as_deref().unwrap_or_default());
    hex::encode(digest(&SHA256, text.as_bytes()))
}
