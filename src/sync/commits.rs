//! Who waits for a commit, and is woken by it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::db::apply::Entity;

/// What the writers of this process have committed, for whoever waits for it.
#[derive(Clone, Default)]
pub(super) struct Commits {
    users: Arc<Mutex<HashMap<String, Arc<Notify>>>>,
    marks: Arc<Notify>,
    /// Whether the last batch could not be written, for a reason that is no delivery's.
    failing: Arc<AtomicBool>,
}

impl Commits {
    pub(super) fn succeeded(&self) {
        self.failing.store(false, Ordering::Relaxed);
    }

    pub(super) fn failed(&self) {
        self.failing.store(true, Ordering::Relaxed);
    }

    pub(super) fn are_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    /// Called after every commit. Where nobody waits, this is one look at an empty map.
    pub(super) fn announce(&self, entities: &[Entity<'_>]) {
        if entities.iter().any(|entity| entity.marked) {
            self.marks.notify_one();
        }
        let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if users.is_empty() {
            return;
        }
        for notify in entities.iter().filter_map(|entity| users.get(entity.id)) {
            notify.notify_one();
        }
    }

    /// Another process has committed something about this user.
    pub(super) fn announce_elsewhere(&self, id: &str) {
        let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(notify) = users.get(id) {
            notify.notify_one();
        }
    }

    /// Wakes whoever fetches what is marked.
    pub(super) async fn marked(&self) {
        self.marks.notified().await;
    }

    /// Commits about one user from now on; for one who waits on behalf of all.
    pub(super) fn of(&self, id: &str) -> Awaited {
        let notify = Arc::new(Notify::new());
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        users.insert(id.to_owned(), notify.clone());
        Awaited { commits: self.clone(), id: id.to_owned(), notify }
    }
}

pub(super) struct Awaited {
    commits: Commits,
    id: String,
    notify: Arc<Notify>,
}

impl Awaited {
    pub(super) async fn committed(&self) {
        self.notify.notified().await;
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        let mut users = self.commits.users.lock().unwrap_or_else(PoisonError::into_inner);
        if users.get(&self.id).is_some_and(|notify| Arc::ptr_eq(notify, &self.notify)) {
            users.remove(&self.id);
        }
    }
}
