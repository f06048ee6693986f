//! A walk over all entities of a kind, page by page, that survives the loss of its cursor and knows whether it met them all.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use jiff::Timestamp;

use super::{Client, Error, Page};
use crate::model::Kind;

/// The limit of pages in a row without a new id, if each has an excuse.
const MOST_FRUITLESS: u8 = 10;

/// The progress of a walk.
#[derive(Debug)]
pub struct Walk {
    kind: Kind,
    /// If set, the walk covers only what belongs to this organization.
    organization: Option<String>,
    /// The cursors that were followed; the last leads to the next page.
    cursors: Vec<String>,
    ended: bool,
    met: Met,
    /// Entries without an id that can be read.
    nameless: u64,
    /// Entities that another page had shown already.
    repeats: u64,
    /// Pages in a row without a new id.
    fruitless: u8,
    /// Why the walk stopped early.
    stuck: Option<Incomplete>,
    /// The number of entities according to the last page.
    total: Option<u64>,
    /// Whether the instance lacks one of the lists.
    is_off: bool,
    /// The fence of the earliest page.
    fence: Option<Timestamp>,
}

/// Why a walk cannot have met every entity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    #[error(
        "the provider's list is not whole: after {met} entries its cursor leads back to where it was; does a proxy drop the query of a request, or is the address that of another API?"
    )]
    Circle { met: u64 },
    #[error(
        "the provider's list is not whole: after {met} entries a page brings no new one and says that there are more; does a proxy drop the query of a request, or is the address that of another API?"
    )]
    Standstill { met: u64 },
    #[error(
        "the provider's list is not whole: it shows {repeats} entries more than once, so others may be left out; does a proxy answer old pages?"
    )]
    Repeats { repeats: u64 },
    #[error(
        "the provider's list is not whole: it shows {met} users, and the provider counts {total}; does a proxy shorten it, or change the query of a request?"
    )]
    Short { met: u64, total: u64 },
    #[error(
        "the provider's list is not whole: it shows {met} {}, and says that there are {total}; does a proxy change the query of a request?", kind.plural()
    )]
    Fewer { kind: Kind, met: u64, total: u64 },
}

/// Ids as hashes: a few bytes for each entity. A collision hides a missing entity until the next walk, which hashes with another seed.
#[derive(Debug, Default)]
struct Met {
    hashes: HashSet<u64>,
    state: RandomState,
}

impl Met {
    /// Whether it is new.
    fn add(&mut self, id: &str) -> bool {
        self.hashes.insert(self.state.hash_one(id))
    }

    fn has(&self, id: &str) -> bool {
        self.hashes.contains(&self.state.hash_one(id))
    }
}

impl Walk {
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            organization: None,
            cursors: Vec::new(),
            ended: false,
            met: Met::default(),
            nameless: 0,
            repeats: 0,
            fruitless: 0,
            stuck: None,
            total: None,
            is_off: false,
            fence: None,
        }
    }

    /// A walk over the entities that belong to an organization.
    pub fn of(kind: Kind, organization: &str) -> Self {
        Self { organization: Some(organization.to_owned()), ..Self::new(kind) }
    }

    /// A walk that continues at the cursor of an earlier one.
    pub fn resume(kind: Kind, cursor: Option<String>) -> Self {
        Self { cursors: cursor.into_iter().collect(), ..Self::new(kind) }
    }

    /// Whether the instance lacks one of the lists: an entity that was not met may exist all the same.
    pub fn is_off(&self) -> bool {
        self.is_off
    }

    /// A moment before which every change is in the pages; `None` if there was no page.
    pub fn fence(&self) -> Option<Timestamp> {
        self.fence
    }

    /// The cursor of the next page; `None` before the first.
    pub fn cursor(&self) -> Option<&str> {
        self.cursors.last().map(String::as_str)
    }

    /// Whether a page had this entity, readable or not.
    pub fn met(&self, id: &str) -> bool {
        self.met.has(id)
    }

    /// The next page, without the entities of the pages before it; `None` after the last.
    pub async fn next(&mut self, client: &Client) -> Result<Option<Page>, Error> {
        if self.ended {
            return Ok(None);
        }
        let (mut page, asked_again) = match self.page(client).await {
            Ok(page) if page.is_off => (page, false),
            Ok(page) if page.is_empty() => self.step_back(client, Ok(page)).await?,
            Err(error) if error.is_rejection() => self.step_back(client, Err(error)).await?,
            page => (page?, false),
        };
        self.meet(&mut page, asked_again);
        self.advance(&page, asked_again);
        Ok(Some(page))
    }

    async fn page(&self, client: &Client) -> Result<Page, Error> {
        client.page(self.kind, self.organization.as_deref(), self.cursor()).await
    }

    /// Whether the walk met every entity; call it after the last page. `earlier` counts the entities before the walk's start.
    pub async fn finish(&self, client: &Client, earlier: u64) -> Result<(), Incomplete> {
        if let Some(stuck) = &self.stuck {
            return Err(stuck.clone());
        }
        let met = earlier + self.count();
        if let Some(total) = self.total {
            let (kind, met) = (self.kind, earlier + self.count());
            let is_short = met + tolerance(total) < total;
            return if is_short { Err(Incomplete::Fewer { kind, met, total }) } else { Ok(()) };
        }
        let total = match &self.organization {
            None => client.total(self.kind).await,
            Some(_) => None,
        };
        match total {
            Some(total) if met + tolerance(total) < total => Err(Incomplete::Short { met, total }),
            // The count shows that the list is whole.
            Some(_) => Ok(()),
            None if self.repeats > tolerance(met) => {
                Err(Incomplete::Repeats { repeats: self.repeats })
            }
            None => Ok(()),
        }
    }

    /// Like [`Self::finish`]; for a walk that goes on, whether every page made progress.
    pub async fn so_far(&self, client: &Client) -> Result<(), Incomplete> {
        match &self.stuck {
            None if !self.ended => Ok(()),
            _ => self.finish(client, 0).await,
        }
    }

    /// A cursor may be an entity's id. Where that one is deleted meanwhile, the API answers with an empty page or an error as if
    /// the walk was over, so the page before it is asked for a new cursor. Answers whether it was.
    async fn step_back(
        &mut self,
        client: &Client,
        lost: Result<Page, Error>,
    ) -> Result<(Page, bool), Error> {
        while let Some(cursor) = self.cursors.pop() {
            match self.page(client).await {
                // Nothing was lost: the walk is over, or the API is at fault.
                Ok(page) if page.next.as_ref() == Some(&cursor) => {
                    self.cursors.push(cursor);
                    break;
                }
                Ok(page)
                    if page.readings.is_empty()
                        && page.left_out.is_empty()
                        && !self.cursors.is_empty() => {}
                Err(error) if error.is_rejection() && !self.cursors.is_empty() => {}
                page => return page.map(|page| (page, true)),
            }
        }
        lost.map(|page| (page, false))
    }

    /// Remembers the entities of a page, and takes those out that were met before.
    fn meet(&mut self, page: &mut Page, asked_again: bool) {
        self.total = page.total.or(self.total);
        self.is_off |= page.is_off;
        self.fence = self.fence.into_iter().chain([page.fence]).min();
        let shown = page.readings.len() + page.unreadable_ids.len() + page.left_out.len();
        let named_before = page.unreadable_ids.len();
        page.readings.retain(|reading| self.met.add(&reading.change.key().id));
        page.unreadable_ids.retain(|id| self.met.add(id));
        let named = page.unreadable_ids.len();
        self.nameless += count(page.unreadable - named_before);
        page.unreadable -= named_before - named;
        page.left_out.retain(|id| self.met.add(id));
        let news = page.readings.len() + named + page.left_out.len();
        // A page that is asked for again shows most of its users again.
        if !asked_again {
            self.repeats += count(shown - news);
        }
        self.fruitless = if news > 0 { 0 } else { self.fruitless.saturating_add(1) };
    }

    fn advance(&mut self, page: &Page, asked_again: bool) {
        let Some(next) = &page.next else {
            self.ended = true;
            return;
        };
        let excused = asked_again || page.unreadable > 0 || page.ends_list;
        let met = self.count();
        self.stuck = if self.cursors.contains(next) {
            Some(Incomplete::Circle { met })
        } else if self.fruitless > 0 && (!excused || self.fruitless > MOST_FRUITLESS) {
            Some(Incomplete::Standstill { met })
        } else {
            self.cursors.push(next.clone());
            None
        };
        self.ended = self.stuck.is_some();
    }

    fn count(&self) -> u64 {
        count(self.met.hashes.len()) + self.nameless
    }
}

/// Entities come and go between a list and its count.
fn tolerance(total: u64) -> u64 {
    2 + total / 50
}

fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
