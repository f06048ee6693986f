//! `users-sync backfill`

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use super::Failure;
use super::examples::examples;
use super::open::Open;
use super::progress::Progress;
use super::table::print_json;
use super::work::{Summary, Troubles, Work, kind, kinds_of, maintain};
use crate::api::Client;
use crate::config::{Config, Environment};
use crate::db::runs::Counts;
use crate::model::Kind;
use crate::shutdown;
use crate::sync::backfill::{self, Error};
use crate::sync::{Tables, lease};

#[derive(Args)]
#[command(
    after_help = examples("Examples:\n  users-sync backfill\n  users-sync backfill --source {provider} --from-start --json\n  users-sync backfill --kind organization")
)]
pub(super) struct Arguments {
    /// Only this source's entities
    #[arg(long)]
    source: Option<String>,
    /// Only these: user, organization, role, membership or grant [default: all of them]
    #[arg(long, value_parser = kind)]
    kind: Option<Kind>,
    /// Start from the beginning, even if a backfill was interrupted
    #[arg(long)]
    from_start: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The lease of a process that was killed ends within this time.
const PATIENCE: Duration = Duration::from_secs(40);

pub(super) async fn run(arguments: &Arguments, environment: &Environment) -> Result<(), Failure> {
    let interrupted = shutdown::listen().map_err(Failure::of)?;
    let work = async |config: &Config, open: &Open| {
        tokio::select! {
            done = every_source(arguments, config, open) => done,
            () = interrupted.cancelled() => {
                Err(Failure::Failed("interrupted: the same command goes on where it stood".into()))
            }
        }
    };
    maintain(environment, work).await
}

async fn every_source(arguments: &Arguments, config: &Config, open: &Open) -> Result<(), Failure> {
    let work = Work::begin(config, open, arguments.source.as_deref()).await?;
    let (mut sources, mut troubles) = (Vec::new(), Troubles::default());
    for client in &work.clients {
        sources.push(every_kind(arguments, &work.tables, client, &mut troubles).await);
    }
    if arguments.json {
        print_json(&sources)?;
    }
    troubles.end()
}

/// One kind after the other, until something is in the way of all. Answers the JSON of the source.
async fn every_kind(
    arguments: &Arguments,
    tables: &Tables,
    client: &Client,
    troubles: &mut Troubles,
) -> Value {
    let mut summary = Summary::new(client.source());
    for kind in kinds_of(client, arguments.kind) {
        // Only for the time that is left.
        let mut bar = Progress::new(label(client, kind), client.total(kind).await);
        let result = patiently(tables, client, kind, arguments.from_start, &mut bar).await;
        bar.finish();
        if result.as_ref().is_ok_and(|done| done.is_off) {
            continue;
        }
        if let (Ok(done), false) = (&result, arguments.json) {
            print(client, kind, done.counts);
        }
        let problem = problem(&result);
        if let Some(problem) = &problem {
            troubles.add(client, kind, problem, matches!(result, Err(Error::Incomplete(_))));
        }
        let goes_on = result.as_ref().err().is_none_or(|error| error.is_of(kind));
        summary.add(kind, counted(result.ok()), problem);
        if !goes_on {
            break;
        }
    }
    summary.end()
}

/// Why not every entity of a kind is in the table.
fn problem(result: &Result<backfill::Progress, Error>) -> Option<String> {
    match result {
        Ok(done) => (done.skipped.total() > 0).then(|| done.skipped.to_string()),
        Err(error) => Some(crate::error_chain(error)),
    }
}

fn label(client: &Client, kind: Kind) -> String {
    match kind {
        Kind::User => client.source().to_string(),
        kind => format!("{} {}", client.source(), kind.plural()),
    }
}

fn print(client: &Client, kind: Kind, Counts { seen, missing, stale, unreadable, .. }: Counts) {
    let (source, title, kinds) = (client.source(), client.provider().title, kind.plural());
    println!(
        "{source}: {seen} {kinds} at {title}; {missing} were missing, {stale} were stale, {unreadable} unreadable"
    );
}

/// Without counts if the run did not finish.
fn counted(done: Option<backfill::Progress>) -> Value {
    let Some(backfill::Progress { counts, .. }) = done else { return json!({}) };
    let Counts { seen, missing, stale, unreadable, .. } = counts;
    json!({ "seen": seen, "missing": missing, "stale": stale, "unreadable": unreadable })
}

/// Waits for another one to end, or for the lease of one that was killed to run out.
async fn patiently(
    tables: &Tables,
    client: &Client,
    kind: Kind,
    from_start: bool,
    bar: &mut Progress,
) -> Result<backfill::Progress, Error> {
    let began = Instant::now();
    loop {
        let report = |progress: backfill::Progress| {
            bar.at(u64::try_from(progress.counts.seen).unwrap_or_default());
        };
        match backfill::backfill(tables, client, kind, from_start, report).await {
            Err(Error::Lease(lease::Error::Busy)) if began.elapsed() < PATIENCE => {
                tracing::warn!("another backfill or reconcile is at work, or was killed: waiting");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            result => return result,
        }
    }
}
