//! A new user, at the provider and in the table.

use aws_lc_rs::digest::{SHA256, digest};

use super::{Error, Users};
use crate::api::Client;
use crate::db::requests::{self, Begun};
use crate::db::users::UserRow;
use crate::provider::api::NewUser;
use crate::sync::readings::Readings;

/// A user that was created, now or by the same request before.
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
        match requests::begin(&database, key, &fingerprint(client, user)).await? {
            Begun::Ours => {}
            Begun::UnderWay => return Err(Error::UnderWay),
            Begun::Different => return Err(Error::KeyReused),
            Begun::Done(id) => {
                let row = self.row(&id).await?;
                return Ok(Created { row, id, before: true });
            }
        }
        drop(database);
        let created = self.create_now(client, user).await;
        let database = self.tables.pool().get().await?;
        match &created {
            Ok(created) => requests::done(&database, key, &created.id).await?,
            Err(Error::Api(error)) if error.is_rejection() => {
                requests::forget(&database, key).await?;
            }
            // Nobody knows whether the provider did it.
            Err(_) => {}
        }
        created
    }

    async fn create_now(&self, client: &Client, user: &NewUser) -> Result<Created, Error> {
        let reading = client.create(user).await?;
        let id = reading.change.entity_id().to_owned();
        Readings::new(&self.tables).accept(&[reading]).await?;
        Ok(Created { row: self.row(&id).await?, id, before: false })
    }
}

fn fingerprint(client: &Client, NewUser { email, name }: &NewUser) -> String {
    let text = format!("{}\0{email}\0{}", client.source(), name.as_deref().unwrap_or_default());
    hex::encode(digest(&SHA256, text.as_bytes()))
}
