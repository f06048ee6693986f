//! Read-your-writes: one watch for each id, for any number of waiting requests.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use super::{Error, Users, Watch};
use crate::db::users::{self, UserRow};
use crate::model::Key;

/// How often the table is read for all waiting requests: another replica may have written the row.
const LOOK_EVERY: Duration = Duration::from_millis(250);

impl Users {
    /// The user's row as soon as it exists; `None` if it does not appear in this time.
    pub async fn wait(&self, id: &str, time: Duration) -> Result<Option<Arc<UserRow>>, Error> {
        // A request that does not wait reads the table, even if others wait.
        let mut receiver = match self.joined(id).filter(|_| !time.is_zero()) {
            Some(receiver) => receiver,
            None => match self.row(id).await? {
                Some(row) => return Ok(Some(Arc::new(row))),
                None if time.is_zero() => return Ok(None),
                None => self.join(id),
            },
        };
        let there = async { receiver.wait_for(Option::is_some).await.map(|row| row.clone()) };
        match tokio::time::timeout(time, there).await {
            Ok(Ok(row)) => Ok(row),
            // The watch ended without a row: read the table.
            Ok(Err(_)) => Ok(self.row(id).await?.map(Arc::new)),
            Err(_) => Ok(None),
        }
    }

    /// The watch of another request that waits already.
    fn joined(&self, id: &str) -> Option<watch::Receiver<Option<Arc<UserRow>>>> {
        let awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        awaited.get(id).map(|watch| watch.subscribe())
    }

    /// A watch, which begins now if no other request waits.
    fn join(&self, id: &str) -> watch::Receiver<Option<Arc<UserRow>>> {
        let mut awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(watch) = awaited.get(id) {
            return watch.subscribe();
        }
        let watch: Watch = Arc::new(watch::channel(None).0);
        let receiver = watch.subscribe();
        if awaited.is_empty() {
            tokio::spawn(self.clone().look());
        }
        awaited.insert(id.to_owned(), watch.clone());
        let entry = Entry { users: self.clone(), id: id.to_owned(), watch };
        tokio::spawn(self.clone().watch(entry));
        receiver
    }

    /// Looks until the row exists or no request waits any more.
    async fn watch(self, entry: Entry) {
        let Entry { id, watch, .. } = &entry;
        // From before the first look: no commit falls between the two.
        let commits = self.tables.commits.of(&Key::user(id));
        let _asking = AbortOnDropHandle::new(tokio::spawn(self.clone().ask(id.clone())));
        loop {
            match self.row(id).await {
                Ok(Some(row)) => {
                    watch.send_replace(Some(Arc::new(row)));
                }
                Ok(None) => {}
                Err(error) => {
                    let error = crate::error_chain(&error);
                    tracing::warn!(error, "the table could not be read for waiting requests");
                }
            }
            if self.left(id, watch) {
                return;
            }
            tokio::select! {
                () = commits.committed() => {}
                () = watch.closed() => {}
            }
        }
    }

    /// Looks for rows that other replicas wrote, with one query for all, while any request waits.
    async fn look(self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            // In its own task, so that the loop survives a panic.
            let _or_panicked = tokio::spawn(self.clone().look_once()).await;
            if self.awaited.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
                return;
            }
        }
    }

    async fn look_once(self) {
        let ids: Vec<_> = {
            let awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
            awaited.keys().cloned().collect()
        };
        let found = async {
            let database = self.tables.pool().get().await.ok()?;
            users::present(&database, &ids).await.ok()
        };
        for id in found.await.unwrap_or_default() {
            self.tables.commits.announce_elsewhere(&Key::user(id));
        }
    }

    /// Ends the watch if it has announced its row, or if no request waits.
    fn left(&self, id: &str, watch: &Watch) -> bool {
        let mut awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        let over = watch.borrow().is_some() || watch.receiver_count() == 0;
        if over {
            awaited.remove(id);
        }
        over
    }

    /// Fetches the user once for all waiting requests; the commit of the row wakes them.
    async fn ask(self, id: String) {
        if let Err(error) = self.fetch(None, &Key::user(&id)).await {
            let error = crate::error_chain(&error);
            tracing::warn!(user = id, error, "the provider could not be asked for a user");
        }
    }
}

/// A watch that others may join, for as long as its task lives: after that, the next waiting request begins a new one.
struct Entry {
    users: Users,
    id: String,
    watch: Watch,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut awaited = self.users.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        if awaited.get(&self.id).is_some_and(|watch| Arc::ptr_eq(watch, &self.watch)) {
            awaited.remove(&self.id);
        }
    }
}
