//! Users that the list did not have: asked for one by one, and guarded.

use jiff::Timestamp;

use super::pass::Pass;
use super::{Drift, Error};
use crate::api::{Found, Walk};
use crate::db::{readings, users};
use crate::law::too_early;
use crate::model::Reading;
use crate::sync::guard;

/// Rows that are looked at together.
const STEP: i64 = 1000;

impl Pass<'_> {
    /// Deletes what the provider confirms not to have, of the users that a whole walk did not meet; `known` were in the
    /// table before it.
    pub(super) async fn gone(&mut self, walk: &Walk, known: u64) -> Result<(), Error> {
        let unlisted = self.unlisted(walk).await?;
        let missing = u64::try_from(unlisted.len()).unwrap_or(u64::MAX);
        guard::deletions(self.client, missing, known, self.settings.allow_deletes)?;
        let (mut gone, mut shown) = (Vec::new(), Vec::new());
        for id in unlisted {
            let Some(found) = self.ask(&id).await? else { continue };
            match found {
                Found::Missing(at) => gone.push((id, at)),
                Found::Shown { reading, .. } => shown.push(reading),
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

    /// The deletions of those who were not heard of lately; of the others the next pass knows more.
    async fn settled(&self, missing: Vec<(String, Timestamp)>) -> Result<Vec<Reading>, Error> {
        let ids: Vec<_> = missing.iter().map(|(id, _)| id.as_str()).collect();
        let database = self.pool.get().await?;
        let heard = users::heard(&database, &ids).await?;
        let now = Timestamp::now();
        let settled = missing
            .iter()
            .filter(|(id, fence)| too_early(heard.get(id).copied(), *fence, now).is_none());
        Ok(settled.map(|(id, fence)| self.client.gone(id, *fence)).collect())
    }

    /// What the list did not have, and ought to have had.
    async fn unlisted(&self, walk: &Walk) -> Result<Vec<String>, Error> {
        let database = self.pool.get().await?;
        let (mut unlisted, mut after) = (Vec::new(), String::new());
        loop {
            let (source, sole) = (self.client.source(), self.settings.sole);
            let ids = readings::unlisted(&database, source, &after, STEP, sole).await?;
            let Some(last) = ids.last() else { return Ok(unlisted) };
            last.clone_into(&mut after);
            unlisted.extend(ids.into_iter().filter(|id| !walk.met(id)));
        }
    }
}
