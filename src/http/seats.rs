//! Places for connections. When all are taken, whoever has kept us waiting longest makes room for the next.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// As many as there may be connections.
pub(super) struct Seats {
    capacity: usize,
    /// For so long nobody has to make room.
    patience: Duration,
    taken: Mutex<Taken>,
    freed: Notify,
}

#[derive(Default)]
struct Taken {
    next: u64,
    seats: HashMap<u64, Arc<Seat>>,
}

/// One connection, and since when it waits for its client.
pub(super) struct Seat {
    epoch: Instant,
    /// Microseconds after the epoch, and one; 0 while it is we who are busy.
    waits_since: AtomicU64,
    leave: Notify,
}

/// The place of a connection, free again when this is dropped.
pub(super) struct Place {
    seats: Arc<Seats>,
    number: u64,
    pub(super) seat: Arc<Seat>,
}

impl Seats {
    pub(super) fn new(capacity: usize, patience: Duration) -> Arc<Self> {
        Arc::new(Self { capacity, patience, taken: Mutex::default(), freed: Notify::new() })
    }

    /// A place, as soon as there is one; called by one task only.
    pub(super) async fn take(self: &Arc<Self>) -> Place {
        loop {
            let wait = match self.room() {
                Ok(()) => return self.add(),
                Err(wait) => wait,
            };
            let _or_nobody_left = tokio::time::timeout(wait, self.freed.notified()).await;
        }
    }

    /// A place above the limit.
    pub(super) fn add(self: &Arc<Self>) -> Place {
        let seat = Arc::new(Seat {
            epoch: Instant::now(),
            waits_since: AtomicU64::new(0),
            leave: Notify::new(),
        });
        seat.waits();
        let mut taken = self.taken();
        taken.next += 1;
        let number = taken.next;
        taken.seats.insert(number, seat.clone());
        Place { seats: self.clone(), number, seat }
    }

    /// Whether there is room; else somebody is asked to leave, and the answer is how long to wait before asking again.
    fn room(&self) -> Result<(), Duration> {
        let taken = self.taken();
        if taken.seats.len() < self.capacity {
            return Ok(());
        }
        let waits = |seat: &Arc<Seat>| Some((seat.waited()?, seat.clone()));
        let longest = taken.seats.values().filter_map(waits).max_by_key(|(waited, _)| *waited);
        match longest {
            Some((waited, seat)) if waited >= self.patience => {
                seat.works();
                seat.leave.notify_one();
                Err(self.patience)
            }
            Some((waited, _)) => Err(self.patience.saturating_sub(waited)),
            None => Err(self.patience),
        }
    }

    /// Asks everybody to leave who has kept us waiting for so long.
    pub(super) fn dismiss(&self, patience: Duration) {
        let taken = self.taken();
        let waits = |seat: &&Arc<Seat>| seat.waited().is_some_and(|waited| waited >= patience);
        taken.seats.values().filter(waits).for_each(|seat| seat.leave.notify_one());
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// From now on the client has to do something.
    pub(super) fn waits(&self) {
        let now = u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX - 1);
        self.waits_since.store(now + 1, Ordering::Relaxed);
    }

    /// From now on we have to do something.
    pub(super) fn works(&self) {
        self.waits_since.store(0, Ordering::Relaxed);
    }

    fn waited(&self) -> Option<Duration> {
        let since = self.waits_since.load(Ordering::Relaxed).checked_sub(1)?;
        Some(self.epoch.elapsed().saturating_sub(Duration::from_micros(since)))
    }

    /// Returns when the place is needed for another connection.
    pub(super) async fn is_needed(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.seats.taken().seats.remove(&self.number);
        self.seats.freed.notify_one();
    }
}
