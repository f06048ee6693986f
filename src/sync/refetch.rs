//! The truth about users whose deliveries are not the last word: fetched soon after, once for a burst.

use std::time::Duration;

use tokio::task::JoinSet;

use super::users::{Error, Users};
use crate::db::marks::{self, Mark};

/// What is marked meanwhile is fetched together.
const GATHER: Duration = Duration::from_millis(250);
/// Marks of other replicas, of applications and of before a crash are found within this time.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// After this, somebody else tries.
const TERM: Duration = Duration::from_secs(60);
/// Fetches at once.
const ABREAST: u8 = 8;

/// Fetches what is marked; never returns.
pub async fn keep(users: Users) {
    loop {
        tokio::select! {
            () = users.tables().commits.marked() => tokio::time::sleep(GATHER).await,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        if let Err(error) = fetch_due(&users).await {
            let error = crate::error_chain(&error);
            tracing::warn!(error, "what is marked could not be fetched");
        }
    }
}

/// Fetches every mark that is due; what fails is due again later.
pub async fn fetch_due(users: &Users) -> Result<(), Error> {
    let mut sources = users.sources();
    sources.push("");
    loop {
        let database = users.tables().pool().get().await?;
        let taken = marks::take(&database, ABREAST.into(), TERM.as_secs_f64(), &sources).await?;
        drop(database);
        if taken.is_empty() {
            return Ok(());
        }
        let mut fetches = JoinSet::new();
        for mark in taken {
            fetches.spawn(fetch(users.clone(), mark));
        }
        while let Some(fetched) = fetches.join_next().await {
            if let Ok(Err((id, error))) = fetched {
                let error = crate::error_chain(&error);
                tracing::warn!(user = id, error, "a user could not be fetched; it is tried again");
            }
        }
    }
}

/// A user that the provider does not show is left to its own delivery: it may be too new for the API.
async fn fetch(users: Users, mark: Mark) -> Result<(), (String, Error)> {
    let source = Some(mark.source.as_str()).filter(|source| !source.is_empty());
    let fetched = async {
        users.fetch(source, &mark.id).await?;
        let database = users.tables().pool().get().await?;
        // After the commit: a crash in between fetches once more.
        Ok(marks::done(&database, &mark).await?)
    };
    fetched.await.map_err(|error| (mark.id.clone(), error))
}
