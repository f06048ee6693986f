//! Read-your-writes: one watch for each id, however many wait for it.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use super::{Error, Users, Watch};
use crate::db::users::{self, UserRow};
use crate::model::Key;

/// How often the table is looked at for all who wait: another replica may have written the row.
const LOOK_EVERY: Duration = Duration::from_millis(250);

impl Users {
    /// The user's row as soon as it is there; `None` where it does not come in this time.
    pub async fn wait(&self, id: &str, time: Duration) -> Result<Option<Arc<UserRow>>, Error> {
        // Who does not wait is answered from the table, whoever else waits.
        let mut told = match self.joined(id).filter(|_| !time.is_zero()) {
            Some(told) => told,
            None => match self.row(id).await? {
                Some(row) => return Ok(Some(Arc::new(row))),
                None if time.is_zero() => return Ok(None),
                None => self.join(id),
            },
        };
        let there = async { told.wait_for(Option::is_some).await.map(|row| row.clone()) };
        match tokio::time::timeout(time, there).await {
            Ok(Ok(row)) => Ok(row),
            // Its watch ended without a word: the table itself is asked.
            Ok(Err(_)) => Ok(self.row(id).await?.map(Arc::new)),
            Err(_) => Ok(None),
        }
    }

    /// The watch of another who waits already.
    fn joined(&self, id: &str) -> Option<watch::Receiver<Option<Arc<UserRow>>>> {
        let awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        awaited.get(id).map(|watch| watch.subscribe())
    }

    /// A watch, begun now if nobody else has.
    fn join(&self, id: &str) -> watch::Receiver<Option<Arc<UserRow>>> {
        let mut awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(watch) = awaited.get(id) {
            return watch.subscribe();
        }
        let watch: Watch = Arc::new(watch::channel(None).0);
        let told = watch.subscribe();
        if awaited.is_empty() {
            tokio::spawn(self.clone().look());
        }
        awaited.insert(id.to_owned(), watch.clone());
        let entry = Entry { users: self.clone(), id: id.to_owned(), watch };
        tokio::spawn(self.clone().watch(entry));
        told
    }

    /// Looks until the row is there or nobody waits any more.
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
                    tracing::warn!(error, "the table could not be read for those who wait");
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

    /// Looks for what other replicas have written, in one question for all, while anybody waits.
    async fn look(self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            // A task of its own: one look that fails in whatever way is not the last one.
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

    /// Ends the watch when it has told its row, or nobody listens.
    fn left(&self, id: &str, watch: &Watch) -> bool {
        let mut awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        let over = watch.borrow().is_some() || watch.receiver_count() == 0;
        if over {
            awaited.remove(id);
        }
        over
    }

    /// Once for all who wait; what it finds is written, and the commit wakes them.
    async fn ask(self, id: String) {
        if let Err(error) = self.fetch(None, &Key::user(&id)).await {
            let error = crate::error_chain(&error);
            tracing::warn!(user = id, error, "the provider could not be asked for a user");
        }
    }
}

/// A watch that others may join, for as long as its task lives: however that ends, the next one who waits begins anew.
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
