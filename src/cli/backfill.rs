//! `users-sync backfill`

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use super::Failure;
use super::examples::examples;
use super::open::Open;
use super::progress::Progress;
use super::table::print_json;
use super::work::{Troubles, Work, maintain};
use crate::api::Client;
use crate::config::{Config, Environment};
use crate::db::runs::Counts;
use crate::shutdown;
use crate::sync::backfill::{self, Error};
use crate::sync::{Tables, lease};

#[derive(Args)]
#[command(
    after_help = examples("Examples:\n  users-sync backfill\n  users-sync backfill --source {provider} --from-start --json")
)]
pub(super) struct Arguments {
    /// Only this source's users
    #[arg(long)]
    source: Option<String>,
    /// Do not go on where an interrupted backfill stood
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
    let (mut told, mut troubles) = (Vec::new(), Troubles::default());
    for client in &work.clients {
        // Only for the time that is left.
        let mut bar = Progress::new(client.source().to_string(), client.total().await);
        let result = patiently(&work.tables, client, arguments.from_start, &mut bar).await;
        bar.finish();
        if let (Ok(done), false) = (&result, arguments.json) {
            print(client, done.counts);
        }
        let problem = problem(&result);
        if let Some(problem) = &problem {
            troubles.add(client, problem, matches!(result, Err(Error::Incomplete(_))));
        }
        told.push(as_json(client, result.ok(), problem));
    }
    if arguments.json {
        print_json(&told)?;
    }
    troubles.end()
}

/// Why not every user of a source is in the table.
fn problem(result: &Result<backfill::Progress, Error>) -> Option<String> {
    match result {
        Ok(done) => (done.skipped.total() > 0).then(|| done.skipped.to_string()),
        Err(error) => Some(crate::error_chain(error)),
    }
}

fn print(client: &Client, Counts { seen, missing, stale, unreadable, .. }: Counts) {
    let (source, title) = (client.source(), client.provider().title);
    println!(
        "{source}: {seen} users at {title}; {missing} were missing, {stale} were stale, {unreadable} unreadable"
    );
}

/// Without counts where the run did not come to its end.
fn as_json(client: &Client, done: Option<backfill::Progress>, problem: Option<String>) -> Value {
    let source = &**client.source();
    let Some(backfill::Progress { counts, .. }) = done else {
        return json!({ "source": source, "problem": problem });
    };
    let Counts { seen, missing, stale, unreadable, .. } = counts;
    json!({
        "source": source, "seen": seen, "missing": missing, "stale": stale, "unreadable": unreadable,
        "problem": problem,
    })
}

/// Waits for another one to end, or for the lease of one that was killed to run out.
async fn patiently(
    tables: &Tables,
    client: &Client,
    from_start: bool,
    bar: &mut Progress,
) -> Result<backfill::Progress, Error> {
    let began = Instant::now();
    loop {
        let report = |progress: backfill::Progress| {
            bar.at(u64::try_from(progress.counts.seen).unwrap_or_default());
        };
        match backfill::backfill(tables, client, from_start, report).await {
            Err(Error::Lease(lease::Error::Busy)) if began.elapsed() < PATIENCE => {
                tracing::warn!("another backfill or reconcile is at work, or was killed: waiting");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            result => return result,
        }
    }
}
