//! How a run ended: its row says so, and a finding stands until a later run is whole.

use std::fmt;

use tokio_postgres::Error;

use crate::api::Client;
use crate::db::findings;
use crate::db::runs::{self, Run, RunKind, RunOutcome, Scope};
use crate::model::{Kind, Subject};

/// Entities that a run left unchanged, by reason; the text is a sentence for an operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// The API's data about them is unreadable.
    pub unreadable: u64,
    /// They belong to another source.
    pub foreign: u64,
    /// Postgres refuses their rows, or another transaction holds them.
    pub refused: u64,
    /// The API did not answer the request for them.
    pub unanswered: u64,
}

impl Skipped {
    pub fn total(&self) -> u64 {
        let Self { unreadable, foreign, refused, unanswered } = self;
        unreadable + foreign + refused + unanswered
    }

    /// Logs one line if there are any.
    pub(super) fn log(&self, client: &Client, kind: Kind) {
        let Self { unreadable, foreign, refused, unanswered } = self;
        if self.total() > 0 {
            let source = client.source();
            let kinds = kind.plural();
            tracing::warn!(%source, unreadable, foreign, refused, unanswered, "{kinds} were left as they are");
        }
    }

    /// The total as [`runs::Counts`] holds it.
    pub(super) fn counted(&self) -> i64 {
        i64::try_from(self.total()).unwrap_or(i64::MAX)
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { unreadable, foreign, refused, unanswered } = self;
        let parts = [
            (unreadable, "cannot be read"),
            (foreign, "belong to another source"),
            (refused, "could not be written"),
            (unanswered, "could not be asked for"),
        ];
        let reported = parts.iter().filter(|(count, _)| **count > 0);
        let reported: Vec<_> = reported.map(|(count, why)| format!("{count} {why}")).collect();
        let reported = reported.join(", ");
        write!(
            f,
            "some were left as they are ({reported}); all others are as the provider has them. The log says more about each"
        )
    }
}

/// How a run ended, and why it is not whole.
pub(super) struct Ending {
    outcome: RunOutcome,
    reason: Option<String>,
    /// Whether an operator should know.
    is_finding: bool,
}

impl Ending {
    pub(super) fn whole(skipped: &Skipped) -> Self {
        if skipped.total() == 0 {
            return Self { outcome: RunOutcome::Done, reason: None, is_finding: false };
        }
        let reason = Some(skipped.to_string());
        Self { outcome: RunOutcome::Partial, reason, is_finding: true }
    }

    pub(super) fn refused(error: &(dyn std::error::Error + 'static)) -> Self {
        let reason = Some(crate::error_chain(error));
        Self { outcome: RunOutcome::Refused, reason, is_finding: true }
    }

    /// The provider is in the way.
    pub(super) fn failed(error: &(dyn std::error::Error + 'static)) -> Self {
        Self { outcome: RunOutcome::Failed, ..Self::refused(error) }
    }

    /// Our own database, or another run, is in the way: the next run shows more.
    pub(super) fn interrupted(error: &(dyn std::error::Error + 'static)) -> Self {
        Self { is_finding: false, ..Self::failed(error) }
    }

    pub(super) async fn record(
        &self,
        database: &tokio_postgres::Client,
        kind: RunKind,
        (client, entity): (&Client, Kind),
        run: &Run,
    ) -> Result<(), Error> {
        let subject = subject(kind);
        let scope = Scope { source: client.source(), entity }.name();
        let Self { outcome, reason, is_finding } = self;
        match (outcome, reason) {
            (RunOutcome::Done, _) => findings::clear(database, subject, &scope).await?,
            (_, Some(reason)) if *is_finding => {
                findings::set(database, subject, &scope, reason).await?;
            }
            _ => {}
        }
        let instance = client.instance().map(|instance| instance.name.as_str());
        runs::finish(database, run, *outcome, reason.as_deref(), instance).await
    }
}

fn subject(kind: RunKind) -> Subject {
    match kind {
        RunKind::Backfill => Subject::Backfill,
        RunKind::Reconcile => Subject::Reconcile,
    }
}
