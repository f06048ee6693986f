//! Backfills and reconciles: their progress and their results.

mod recorded;

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row};

use super::values::optional_time;
use crate::model::Kind;

pub use recorded::{Recorded, Repairs, last, recent, repairs, silences};

/// Whether a run fills the tables or compares them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunKind {
    Backfill,
    Reconcile,
}

impl RunKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Backfill => "backfill",
            Self::Reconcile => "reconcile",
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunOutcome {
    Done,
    /// The run left some entities out.
    Partial,
    Failed,
    /// The list does not seem to be that of the entities in the table.
    Refused,
}

/// A run and its results so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    pub id: i64,
    pub cursor: Option<String>,
    pub counts: Counts,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub seen: i64,
    pub missing: i64,
    pub stale: i64,
    pub restored: i64,
    pub gone: i64,
    /// Entities that the run left out, for any reason.
    pub unreadable: i64,
    /// Changes that no delivery had announced after some minutes.
    pub unannounced: i64,
    pub unannounced_since: Option<Timestamp>,
}

impl Counts {
    /// The number of entities that differed from the provider's.
    pub fn drift(&self) -> i64 {
        let found = [self.missing, self.stale, self.restored, self.gone];
        found.into_iter().fold(0, i64::saturating_add)
    }

    pub fn silence(&self) -> Option<Silence> {
        self.unannounced_since.map(|since| Silence { changes: self.unannounced, since })
    }
}

/// Changes that no delivery announced although one should have; the text is a sentence for an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    pub changes: i64,
    /// When the oldest of them was made.
    pub since: Timestamp,
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { changes, since } = self;
        let noun = if *changes == 1 { "change" } else { "changes" };
        let since = since.strftime("%Y-%m-%d %H:%M UTC");
        write!(
            f,
            "{changes} {noun} since {since} arrived by no webhook: is the endpoint enabled and subscribed to user.created and user.updated?"
        )
    }
}

/// The start of the last runs over a source that met every entity.
#[derive(Clone, Copy, Debug)]
pub struct Previous {
    pub of_any_kind: Option<Timestamp>,
    pub of_this_kind: Option<Timestamp>,
}

/// The entities of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope<'a> {
    pub source: &'a str,
    /// The kind of its entities.
    pub entity: Kind,
}

impl Scope<'_> {
    /// The name in findings: the source, and the kind unless it is that of users.
    pub fn name(&self) -> String {
        match self.entity {
            Kind::User => self.source.to_owned(),
            kind => format!("{} {}", self.source, kind.plural()),
        }
    }
}

pub async fn begin(client: &Client, kind: RunKind, scope: Scope<'_>) -> Result<Run, Error> {
    let Scope { source, entity } = scope;
    let params: [(&(dyn ToSql + Sync), Type); 3] =
        [(&kind.as_str(), Type::TEXT), (&source, Type::TEXT), (&entity.as_str(), Type::TEXT)];
    let row = client.query_typed_one(include_str!("../../sql/runs/begin.sql"), &params).await?;
    Ok(Run { id: row.try_get("id")?, ..Run::default() })
}

/// The last run, if it was interrupted and can be continued.
pub async fn resumable(
    client: &Client,
    kind: RunKind,
    Scope { source, entity }: Scope<'_>,
) -> Result<Option<Run>, Error> {
    let params: [(&(dyn ToSql + Sync), Type); 3] =
        [(&kind.as_str(), Type::TEXT), (&source, Type::TEXT), (&entity.as_str(), Type::TEXT)];
    let statement = include_str!("../../sql/runs/resumable.sql");
    let row = client.query_typed_opt(statement, &params).await?;
    let run = |row: Row| {
        let counts = Counts {
            seen: row.try_get("seen")?,
            missing: row.try_get("missing")?,
            stale: row.try_get("stale")?,
            unreadable: row.try_get("unreadable")?,
            ..Counts::default()
        };
        Ok(Run { id: row.try_get("id")?, cursor: row.try_get("cursor")?, counts })
    };
    row.map(run).transpose()
}

pub async fn progress(client: &Client, run: &Run) -> Result<(), Error> {
    let Run { id, cursor, counts } = run;
    let Counts { seen, missing, stale, restored, gone, .. } = counts;
    let Counts { unreadable, unannounced, unannounced_since, .. } = counts;
    let params: [(&(dyn ToSql + Sync), Type); 10] = [
        (id, Type::INT8),
        (cursor, Type::TEXT),
        (seen, Type::INT8),
        (missing, Type::INT8),
        (stale, Type::INT8),
        (restored, Type::INT8),
        (gone, Type::INT8),
        (unreadable, Type::INT8),
        (unannounced, Type::INT8),
        (unannounced_since, Type::TIMESTAMPTZ),
    ];
    client.execute_typed(include_str!("../../sql/runs/progress.sql"), &params).await?;
    Ok(())
}

pub async fn finish(
    client: &Client,
    run: &Run,
    outcome: RunOutcome,
    reason: Option<&str>,
    instance: Option<&str>,
) -> Result<(), Error> {
    let outcome = match outcome {
        RunOutcome::Done => "done",
        RunOutcome::Partial => "partial",
        RunOutcome::Failed => "failed",
        RunOutcome::Refused => "refused",
    };
    let params: [(&(dyn ToSql + Sync), Type); 4] = [
        (&run.id, Type::INT8),
        (&outcome, Type::TEXT),
        (&reason, Type::TEXT),
        (&instance, Type::TEXT),
    ];
    client.execute_typed(include_str!("../../sql/runs/finish.sql"), &params).await?;
    Ok(())
}

/// The instance that the last whole run over a source used, if the configuration named it.
pub async fn instance(client: &Client, source: &str) -> Result<Option<String>, Error> {
    let statement = include_str!("../../sql/runs/instance.sql");
    let row = client.query_typed_opt(statement, &[(&source, Type::TEXT)]).await?;
    row.map(|row| row.try_get("instance")).transpose()
}

pub async fn previous(
    client: &Client,
    kind: RunKind,
    Scope { source, entity }: Scope<'_>,
) -> Result<Previous, Error> {
    let params: [(&(dyn ToSql + Sync), Type); 3] =
        [(&source, Type::TEXT), (&kind.as_str(), Type::TEXT), (&entity.as_str(), Type::TEXT)];
    let statement = include_str!("../../sql/runs/previous.sql");
    let row = client.query_typed_one(statement, &params).await?;
    Ok(Previous {
        of_any_kind: optional_time(&row, "any_began")?,
        of_this_kind: optional_time(&row, "kind_began")?,
    })
}
