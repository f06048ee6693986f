//! Entities that the list lacks: requested one by one, and guarded.
//!
//! Two answers of the API have to agree before a row is deleted: the whole list, which did not show the entity, and the
//! answer to a question for this one. A user and an organization have an address to ask at. A membership or a grant has
//! none: there the second answer is a later list, narrowed to its user, that was read to its end. A role is asked for by
//! reading the whole list again. If the user or the organization of a membership or a grant is deleted already, that is the
//! second answer. Nothing that was heard of within the settling time is deleted by any of them.

use jiff::Timestamp;

use super::pass::Pass;
use super::{Drift, Error};
use crate::api::{Found, Walk};
use crate::db::readings::{self, Listed, Unlisted};
use crate::law::too_early;
use crate::model::{Key, Reading};
use crate::sync::guard;

/// The number of rows in one step.
const STEP: i64 = 1000;

impl Pass<'_> {
    /// Deletes the entities that a whole walk did not meet and whose absence the provider confirms; `known` entities were in the
    /// table before it.
    pub(super) async fn gone(&mut self, walk: &Walk, known: u64) -> Result<(), Error> {
        // A list that is switched off proves nothing about missing entities.
        if walk.is_off() {
            return Ok(());
        }
        let (orphans, unlisted): (Vec<_>, Vec<_>) =
            self.unlisted(walk).await?.into_iter().partition(|unlisted| unlisted.is_orphan);
        let missing = u64::try_from(unlisted.len()).unwrap_or(u64::MAX);
        let Self { client, settings, .. } = *self;
        guard::deletions(client, settings.kind, missing, known, settings.allow_deletes)?;
        let (mut gone, mut shown) = (Vec::new(), Vec::new());
        let fence = walk.fence().unwrap_or_else(Timestamp::now).min(Timestamp::now());
        gone.extend(orphans.into_iter().map(|orphan| (orphan.sought.key, fence)));
        for Unlisted { sought, .. } in unlisted {
            match self.ask(&sought).await? {
                Some(Found::Missing(at)) => gone.push((sought.key, at)),
                Some(Found::Shown { reading, .. }) => shown.push(reading),
                None => {}
            }
        }
        let gone = self.settled(gone).await?.into_iter();
        self.write(gone.map(|reading| (reading, Some((Drift::Gone, None)))).collect()).await?;
        if !self.settings.dry_run {
            self.writer.accept_news(shown).await?;
        }
        self.skip(|_| {});
        Ok(())
    }

    /// The deletions, without entities that were heard of lately: the next pass checks those again.
    async fn settled(&self, missing: Vec<(Key, Timestamp)>) -> Result<Vec<Reading>, Error> {
        let ids: Vec<_> = missing.iter().map(|(key, _)| key.id.as_str()).collect();
        let database = self.pool.get().await?;
        let heard = readings::heard(&database, self.settings.kind, &ids).await?;
        let now = Timestamp::now();
        let is_settled = |(key, fence): &(Key, Timestamp)| {
            too_early(heard.get(&key.id).copied(), *fence, now).is_none()
        };
        let settled = missing.into_iter().filter(is_settled);
        Ok(settled.map(|(key, fence)| self.client.gone(key, fence)).collect())
    }

    /// The entities that the list should have contained and did not.
    async fn unlisted(&self, walk: &Walk) -> Result<Vec<Unlisted>, Error> {
        let database = self.pool.get().await?;
        let (mut unlisted, mut after) = (Vec::new(), String::new());
        let source = &**self.client.source();
        let listed = Listed { kind: self.settings.kind, source, sole: self.settings.sole };
        loop {
            let step = readings::unlisted(&database, listed, &after, STEP).await?;
            let Some(last) = step.last() else { return Ok(unlisted) };
            last.sought.key.id.clone_into(&mut after);
            unlisted.extend(step.into_iter().filter(|one| !walk.met(&one.sought.key.id)));
        }
    }
}
