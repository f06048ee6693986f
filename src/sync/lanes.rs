//! Deliveries whose row another transaction holds: each key waits in its own lane, and all other deliveries commit.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;

use super::queue::Job;
use crate::model::{DeliveryId, Key};

/// How long the server waits for a held row, shared among the lanes that wait in turn.
const WAIT: Duration = Duration::from_secs(1);
/// A minimum, so that hundreds of held rows do not delay the lanes whose rows are free again.
const SHORTEST_WAIT: Duration = Duration::from_millis(2);
/// The greatest number of lanes in one trial.
const ABREAST: usize = 256;

/// The subject of a lane: an entity, or the delivery itself if it is about no entity.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Subject {
    Entity(Key),
    Delivery(Arc<str>, DeliveryId),
}

impl Subject {
    /// Each subject of the job; another transaction may hold any of them.
    fn all_of(job: &Job) -> Vec<Self> {
        let changes = job.decoded.verdict.changes();
        if changes.is_empty() {
            return vec![Self::Delivery(job.decoded.source.clone(), job.decoded.id.clone())];
        }
        changes.iter().map(|change| Self::Entity(change.key().clone())).collect()
    }
}

/// Every lane, shared by the writers that fill them and the one that empties them.
#[derive(Default)]
pub(super) struct Lanes {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// The waiting deliveries by subject; a lane that is on trial has an entry, too.
    held: HashMap<Subject, Vec<Job>>,
    /// The lanes of deliveries about several entities, by the further entities.
    also: HashMap<Subject, Subject>,
    /// The lanes in the order in which they are tried.
    turns: VecDeque<Subject>,
    /// Successful trials in a row: a lock of a whole table fills hundreds of lanes, which all become free at once.
    free: u32,
    closed: bool,
}

/// The deliveries of some lanes, on trial; later ones for the same keys join the lanes meanwhile.
pub(super) struct Trial {
    lanes: Vec<Subject>,
    pub(super) jobs: Vec<Job>,
    /// How long the server may wait for a row.
    pub(super) wait: Duration,
}

impl Lanes {
    /// Puts a delivery into the existing lane of one of its entities, or else into a new lane.
    pub(super) fn hold(&self, job: Job) {
        let mut state = self.state();
        let subjects = Subject::all_of(&job);
        let lane = state.lane_of(&subjects).unwrap_or_else(|| {
            let lane = subjects[0].clone();
            state.turns.push_back(lane.clone());
            lane
        });
        state.held.entry(lane.clone()).or_default().push(job);
        for further in subjects.into_iter().filter(|subject| *subject != lane) {
            state.also.entry(further).or_insert_with(|| lane.clone());
        }
        self.changed.notify_one();
    }

    /// Puts the deliveries about an entity of a held delivery behind the others in its lane, and returns the rest.
    pub(super) fn pass(&self, jobs: Vec<Job>) -> Vec<Job> {
        let mut state = self.state();
        if state.held.is_empty() {
            return jobs;
        }
        let mut free = Vec::with_capacity(jobs.len());
        for job in jobs {
            let lane = state.lane_of(&Subject::all_of(&job));
            match lane.and_then(|lane| state.held.get_mut(&lane)) {
                Some(lane) => lane.push(job),
                None => free.push(job),
            }
        }
        free
    }

    /// The next lanes to try; `None` if there are none and none can come.
    pub(super) async fn next(&self) -> Option<Trial> {
        loop {
            let changed = self.changed.notified();
            {
                let mut state = self.state();
                if let Some(trial) = state.next() {
                    return Some(trial);
                }
                if state.closed {
                    return None;
                }
            }
            changed.await;
        }
    }

    /// Ends a trial: deliveries that the writer put back keep waiting, and an empty lane is removed.
    pub(super) fn end(&self, trial: Trial, was_free: bool) {
        let mut state = self.state();
        state.free = if was_free { state.free.saturating_add(1) } else { 0 };
        for lane in trial.lanes {
            if state.held.get(&lane).is_some_and(Vec::is_empty) {
                state.remove(&lane);
            } else {
                state.turns.push_back(lane);
            }
        }
    }

    /// Deliveries that wait for a row.
    pub(super) fn waiting(&self) -> usize {
        self.state().held.values().map(Vec::len).sum()
    }

    /// No writer adds deliveries any more; those that wait are still tried.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no code panics while it holds the lanes")
    }
}

impl State {
    /// The lane in which a delivery about any of these subjects waits.
    fn lane_of(&self, subjects: &[Subject]) -> Option<Subject> {
        subjects.iter().find_map(|subject| match self.held.get_key_value(subject) {
            Some((lane, _)) => Some(lane.clone()),
            None => self.also.get(subject).cloned(),
        })
    }

    fn remove(&mut self, lane: &Subject) {
        self.held.remove(lane);
        self.also.retain(|_, of| of != lane);
    }

    /// One lane at a time while rows are held; twice as many after every successful trial.
    fn next(&mut self) -> Option<Trial> {
        let lanes = u32::try_from(self.held.len()).unwrap_or(u32::MAX).max(1);
        let abreast = 2_usize.saturating_pow(self.free).min(ABREAST);
        let wait = (WAIT / lanes).max(SHORTEST_WAIT);
        let mut trial = Trial { lanes: Vec::new(), jobs: Vec::new(), wait };
        while trial.lanes.len() < abreast
            && let Some(lane) = self.turns.pop_front()
        {
            let mut jobs = self.held.get_mut(&lane).map(std::mem::take).unwrap_or_default();
            // A sender that stopped waiting got a 503, and sends the delivery again.
            jobs.retain(|job| !job.answer.is_closed());
            if jobs.is_empty() {
                self.remove(&lane);
                continue;
            }
            trial.lanes.push(lane);
            trial.jobs.extend(jobs);
        }
        (!trial.lanes.is_empty()).then_some(trial)
    }
}
