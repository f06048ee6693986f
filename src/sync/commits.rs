//! Requests that wait for a commit, and are woken by it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::law::Claim;
use crate::model::Key;

/// The commits of this process's writers, for tasks that wait for them.
#[derive(Clone, Default)]
pub(super) struct Commits {
    awaited: Arc<Mutex<HashMap<Key, Arc<Notify>>>>,
    marks: Arc<Notify>,
    /// Whether the last batch could not be written, for a reason that no delivery caused.
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

    /// Called after every commit. If no request waits, this costs one look at an empty map.
    pub(super) fn announce(&self, claims: &[Claim<'_>]) {
        if claims.iter().any(|claim| claim.marked) {
            self.announce_marks();
        }
        let awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        if awaited.is_empty() {
            return;
        }
        for notify in claims.iter().filter_map(|claim| awaited.get(claim.key)) {
            notify.notify_one();
        }
    }

    /// Announces a new mark.
    pub(super) fn announce_marks(&self) {
        self.marks.notify_one();
    }

    /// Announces that another process committed a change of this entity.
    pub(super) fn announce_elsewhere(&self, key: &Key) {
        let awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(notify) = awaited.get(key) {
            notify.notify_one();
        }
    }

    /// Wakes the task that fetches marked entities.
    pub(super) async fn marked(&self) {
        self.marks.notified().await;
    }

    /// Subscribes to commits about one entity; one task subscribes on behalf of all that wait.
    pub(super) fn of(&self, key: &Key) -> Awaited {
        let notify = Arc::new(Notify::new());
        let mut awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        awaited.insert(key.clone(), notify.clone());
        Awaited { commits: self.clone(), key: key.clone(), notify }
    }
}

pub(super) struct Awaited {
    commits: Commits,
    key: Key,
    notify: Arc<Notify>,
}

impl Awaited {
    pub(super) async fn committed(&self) {
        self.notify.notified().await;
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        let mut awaited = self.commits.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        if awaited.get(&self.key).is_some_and(|notify| Arc::ptr_eq(notify, &self.notify)) {
            awaited.remove(&self.key);
        }
    }
}
