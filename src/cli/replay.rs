//! `users-sync replay`

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use super::Failure;
use super::examples::examples;
use super::open::Open;
use super::progress::Progress;
use super::table::{print_json, print_table};
use super::work::maintain;
use super::writing::{Writing, source_named};
use crate::api;
use crate::capture::Capture;
use crate::config::{Config, Environment, length_of_time};
use crate::db::journal::search::Filter;
use crate::model::{Key, Kind, Outcome};
use crate::sync::look_at_quarantine;
use crate::sync::replay::{self, Doing, Replayed};
use crate::webhook::{Delivery, Source};

#[derive(Args)]
#[command(
    after_help = examples("Examples:\n  users-sync replay --quarantined --dry-run\n  users-sync replay --quarantined\n  users-sync replay --source {provider} --since 2h\n  users-sync replay --user {user}\n  users-sync replay --file captured.http --as {provider}\n  users-sync replay --quarantined --until 90d --discard")
)]
pub(super) struct Arguments {
    /// Only deliveries in quarantine
    #[arg(long)]
    quarantined: bool,
    /// Only deliveries of this source
    #[arg(long)]
    source: Option<String>,
    /// Only deliveries of this event type
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// Only deliveries that were quarantined or ignored for this reason, as the journal gives it
    #[arg(long)]
    reason: Option<String>,
    /// Only deliveries that name this user
    #[arg(long, value_name = "ID")]
    user: Option<String>,
    /// Only deliveries that name the entity of this kind: user, organization, membership, role or grant; needs --entity
    #[arg(long, value_parser = kind, requires = "entity", conflicts_with = "user")]
    kind: Option<Kind>,
    /// Only deliveries that name the entity with this id; needs --kind
    #[arg(long, value_name = "ID", requires = "kind")]
    entity: Option<String>,
    /// Only deliveries that arrived since then: 2026-01-31T12:00:00Z, or 2h for two hours ago
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// Only deliveries that arrived before then
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
    /// Everything whose bytes the journal has
    #[arg(long)]
    all: bool,
    /// Captured requests (head, blank line, body; separated by ###) instead of the journal; may be repeated
    #[arg(long = "file", value_name = "PATH", conflicts_with_all = ["quarantined", "source", "event_type", "reason", "user", "kind", "entity", "since", "until", "all"])]
    files: Vec<PathBuf>,
    /// The source of captured requests whose first line does not name it
    #[arg(long = "as", value_name = "SOURCE", requires = "files")]
    sent_to: Option<String>,
    /// Discard the deliveries in quarantine instead: their bytes are removed, and nothing is written to the table
    #[arg(long, requires = "quarantined")]
    discard: bool,
    /// Only show the outcomes: replay them, and roll back
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A point in time, or how long ago.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    let absolute = text.parse::<Timestamp>().ok();
    let ago = || Timestamp::now().checked_sub(length_of_time(text)?).ok();
    absolute
        .or_else(ago)
        .ok_or_else(|| "a time such as 2026-01-31T12:00:00Z or 2h is expected".into())
}

fn kind(text: &str) -> Result<Kind, String> {
    let words = || Kind::ALL.map(Kind::as_str).join(", ");
    Kind::parse(text).ok_or_else(|| format!("one of {} is expected", words()))
}

impl Arguments {
    fn entity(&self) -> Option<Key> {
        let user = self.user.clone().map(Key::user);
        user.or_else(|| Some(Key::new(self.kind?, self.entity.clone()?)))
    }

    /// Deliveries that arrive during the replay need none.
    fn filter(&self) -> Result<Filter, Failure> {
        let filter = Filter {
            source: self.source.clone(),
            outcome: self.quarantined.then_some(Outcome::Quarantined),
            entity: self.entity(),
            event_type: self.event_type.clone(),
            reason: self.reason.clone(),
            since: self.since,
            until: self.until.or_else(|| Some(Timestamp::now())),
        };
        let Filter { source, outcome, entity, event_type, reason, since, until: _ } = &filter;
        let some = source.is_some()
            || outcome.is_some()
            || entity.is_some()
            || event_type.is_some()
            || reason.is_some()
            || since.is_some()
            || self.until.is_some();
        if some || self.all {
            return Ok(filter);
        }
        let problem = "say what to replay: --quarantined, --source, --type, --reason, --user, --kind with --entity, --since, --until, --file or --all";
        Err(Failure::Misused(problem.into()))
    }
}

pub(super) async fn run(arguments: &Arguments, environment: &Environment) -> Result<(), Failure> {
    let filter = if arguments.files.is_empty() { arguments.filter()? } else { Filter::default() };
    let work = async |config: &Config, open: &Open| {
        let writing = Writing::begin(config, open).await?;
        let mut replayed = replay(arguments, config, &writing, &filter).await;
        if replayed.is_ok() && !arguments.dry_run {
            replayed = settle(&writing).await.and(replayed);
        }
        writing.finish().await;
        replayed
    };
    report(arguments, &maintain(environment, work).await?)
}

/// Clears the findings of the deliveries that left the quarantine.
async fn settle(writing: &Writing) -> Result<(), Failure> {
    let client = writing.pool.get().await.map_err(Failure::of)?;
    look_at_quarantine(&client).await.map_err(Failure::of)
}

async fn replay(
    arguments: &Arguments,
    config: &Config,
    work: &Writing,
    filter: &Filter,
) -> Result<Replayed, Failure> {
    let doing = match arguments.dry_run {
        true => Doing::Rehearse(&work.tables),
        false => Doing::Write(&work.sync),
    };
    let mut bar = Progress::new("deliveries".into(), None);
    let replayed = if arguments.discard {
        let progress = |so_far: &Replayed| bar.at(so_far.total());
        replay::discard(&work.pool, filter, arguments.dry_run, progress).await.map_err(Failure::of)
    } else if arguments.files.is_empty() {
        let source = |name: &str| source_named(&config.sources, name);
        let progress = |so_far: &Replayed| bar.at(so_far.total());
        replay::replay(&work.pool, doing, filter, source, progress).await.map_err(Failure::of)
    } else {
        let deliveries = captured(arguments, &config.sources).await?;
        replay::all(doing, deliveries).await.map_err(Failure::of)
    };
    bar.finish();
    replayed
}

/// Verified as they were when they came: by their own clock.
async fn captured(arguments: &Arguments, sources: &[Source]) -> Result<Vec<Delivery>, Failure> {
    let mut deliveries = Vec::new();
    for path in &arguments.files {
        let failed = |problem: String| Failure::Failed(format!("{}: {problem}", path.display()));
        let captures = read(path)?;
        for (place, capture) in captures.into_iter().enumerate() {
            let number = place + 1;
            let name = capture.source.as_ref().or(arguments.sent_to.as_ref()).ok_or_else(|| {
                failed(format!("request {number} does not say which source it was for: add --as"))
            })?;
            let configured = sources.iter().find(|source| *source.name == **name);
            let source = configured.ok_or_else(|| {
                failed(format!(
                    "request {number}: no secret of {name} is configured to verify it with"
                ))
            })?;
            if let Some(set) = source.published.as_ref().filter(|set| set.known().is_empty()) {
                api::update(set).await.map_err(Failure::of)?;
            }
            let sent_at = source.provider.scheme.sent_at(&capture.headers, &capture.body);
            let now = sent_at.unwrap_or_else(Timestamp::now);
            let verified = source.verify(&capture.headers, capture.body, now);
            deliveries.push(verified.map_err(|rejection| {
                failed(format!(
                    "request {number}: {rejection}; `users-sync doctor --file` explains it"
                ))
            })?);
        }
    }
    Ok(deliveries)
}

pub(super) fn read(path: &Path) -> Result<Vec<Capture>, Failure> {
    let misused = |problem| Failure::Misused(format!("--file: {}: {problem}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| misused(error.to_string()))?;
    Capture::parse_all(&bytes).map_err(|error| misused(error.to_string()))
}

fn report(arguments: &Arguments, replayed: &Replayed) -> Result<(), Failure> {
    let Replayed { outcomes, without_body, without_source } = replayed;
    if arguments.json {
        return print_json(&json!({
            "dry_run": arguments.dry_run,
            "outcomes": outcomes,
            "without_body": without_body,
            "without_source": without_source,
        }));
    }
    let skipped = [
        ("skipped: its bytes were not kept (JOURNAL_BODIES=all keeps them)", *without_body),
        ("skipped: its source is not configured", *without_source),
    ];
    let outcomes = outcomes.iter().map(|(word, count)| (*word, *count));
    let rows = outcomes.chain(skipped.into_iter().filter(|(_, count)| *count > 0));
    let head = if arguments.dry_run { "would be" } else { "outcome" };
    print_table(
        [head, "deliveries"],
        rows.map(|(word, count)| [word.to_owned(), count.to_string()]),
    );
    Ok(())
}
