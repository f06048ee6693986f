//! Users that the list did not have: asked for one by one, and guarded.

use jiff::Timestamp;

use super::pass::Pass;
use super::{Drift, Error};
use crate::api::Found;
use crate::db::{readings, users};
use crate::model::Reading;
use crate::sync::settling::too_early;

/// Rows that are looked at together.
const STEP: i64 = 1000;
/// So many may always be deleted; of a larger table, a twentieth.
const FEW: u64 = 100;

impl Pass<'_> {
    /// Deletes what the provider confirms not to have, all or nothing.
    pub(super) async fn gone(&mut self) -> Result<(), Error> {
        let (unlisted, known) = self.unlisted().await?;
        self.guard(u64::try_from(unlisted.len()).unwrap_or(u64::MAX), known)?;
        let (mut gone, mut shown) = (Vec::new(), Vec::new());
        for id in unlisted {
            match self.client.user(&id).await? {
                Found::Missing(at) => gone.push((id, at)),
                Found::Shown { reading, .. } => shown.push(reading),
            }
        }
        let gone = self.settled(gone).await?;
        for reading in &gone {
            self.note(&reading.change, Drift::Gone, None);
        }
        if !self.settings.dry_run {
            self.writer.accept(&gone).await?;
            self.writer.accept_news(shown).await?;
        }
        Ok(())
    }

    /// The deletions of those who were not heard of lately; of the others the next pass knows more.
    async fn settled(&self, missing: Vec<(String, Timestamp)>) -> Result<Vec<Reading>, Error> {
        let ids: Vec<_> = missing.iter().map(|(id, _)| id.as_str()).collect();
        let database = self.pool.get().await?;
        let heard = users::heard(&database, &ids).await?;
        let settled = missing
            .iter()
            .filter(|(id, fence)| too_early(heard.get(id).copied(), *fence).is_none());
        Ok(settled.map(|(id, fence)| self.client.gone(id, *fence)).collect())
    }

    /// What the list did not have, and how many it ought to have had.
    async fn unlisted(&self) -> Result<(Vec<String>, u64), Error> {
        let database = self.pool.get().await?;
        let (mut unlisted, mut known, mut after) = (Vec::new(), 0, String::new());
        loop {
            let (source, sole) = (self.client.source(), self.settings.sole);
            let ids = readings::unlisted(&database, source, &after, STEP, sole).await?;
            let Some(last) = ids.last() else { return Ok((unlisted, known)) };
            last.clone_into(&mut after);
            known += u64::try_from(ids.len()).unwrap_or(u64::MAX);
            unlisted.extend(ids.into_iter().filter(|id| !self.listed.has(id)));
        }
    }

    /// A short list, or the list of another instance, must not empty the table.
    fn guard(&self, missing: u64, known: u64) -> Result<(), Error> {
        let allowed = FEW.max(known / 20).max(self.settings.allow_deletes);
        if missing > allowed {
            return Err(Error::TooManyGone { missing, known, allowed });
        }
        Ok(())
    }
}
