//! `users-sync reconcile`

use std::process::ExitCode;

use clap::Args;
use comfy_table::{Table, presets};
use serde_json::{Value, json};

use super::Failure;
use super::examples::examples;
use super::open::Open;
use super::table::print_json;
use super::work::{Troubles, Work, maintain};
use crate::config::{Config, Environment};
use crate::sync::reconcile::{Error, Finding, Report, Settings, reconcile};

#[derive(Args)]
#[command(
    after_help = examples("Examples:\n  users-sync reconcile --dry-run      exits 0 if nothing differs, 1 if something does, 2 if it cannot tell\n  users-sync reconcile\n  users-sync reconcile --source {provider} --allow-deletes 500")
)]
pub(super) struct Arguments {
    /// Only this source's users
    #[arg(long)]
    source: Option<String>,
    /// Only show what differs
    #[arg(long)]
    dry_run: bool,
    /// Mark so many users as deleted that the provider no longer has [default: 100, or 5 % of them, but not most of them]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    allow_deletes: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(
    arguments: &Arguments,
    environment: &Environment,
) -> Result<ExitCode, Failure> {
    let work = async |config: &Config, open: &Open| every_source(arguments, config, open).await;
    let differs = match maintain(environment, work).await {
        Ok(drift) => arguments.dry_run && drift > 0,
        // As with diff, 1 says that something differs, and trouble is 2.
        Err(Failure::Failed(text)) if arguments.dry_run => return Err(Failure::Unclear(text)),
        Err(failure) => return Err(failure),
    };
    Ok(if differs { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn every_source(arguments: &Arguments, config: &Config, open: &Open) -> Result<i64, Failure> {
    let work = Work::begin(config, open, arguments.source.as_deref()).await?;
    let settings = Settings {
        dry_run: arguments.dry_run,
        allow_deletes: arguments.allow_deletes,
        sole: config.repair.apis.len() == 1,
    };
    let (mut drift, mut told, mut troubles) = (0, Vec::new(), Troubles::default());
    for client in &work.clients {
        let result = reconcile(&work.tables, client, settings).await;
        if let Ok(report) = &result {
            drift += report.counts.drift();
            if !arguments.json {
                print(client.source(), report);
            }
        }
        let problem = problem(&result);
        if let Some(problem) = &problem {
            troubles.add(client, problem, matches!(result, Err(Error::Incomplete(_))));
        }
        told.push(as_json(client.source(), result.ok(), problem));
    }
    if arguments.json {
        print_json(&json!({ "dry_run": arguments.dry_run, "sources": told }))?;
    }
    troubles.end()?;
    Ok(drift)
}

/// Why a source is not known to be as the table has it.
fn problem(result: &Result<Report, Error>) -> Option<String> {
    match result {
        Ok(Report { skipped, .. }) => (skipped.total() > 0).then(|| skipped.to_string()),
        Err(error) => Some(crate::error_chain(error)),
    }
}

/// Without counts where the run did not come to its end.
fn as_json(source: &str, report: Option<Report>, problem: Option<String>) -> Value {
    let Some(Report { counts, findings, .. }) = report else {
        return json!({ "source": source, "problem": problem });
    };
    let finding = |Finding { id, drift, changed_at }: &Finding| {
        let is = drift.to_string();
        json!({ "user": id, "is": is, "changed": changed_at })
    };
    let findings: Vec<_> = findings.iter().map(finding).collect();
    json!({ "source": source, "counts": counts, "findings": findings, "problem": problem })
}

fn print(source: &str, Report { counts, findings, .. }: &Report) {
    if !findings.is_empty() {
        println!("{}", table(findings));
    }
    let more = counts.drift() - i64::try_from(findings.len()).unwrap_or(i64::MAX);
    if more > 0 {
        println!("… and {more} more");
    }
    println!(
        "{source}: {} users; {} missing, {} stale, {} alive but deleted here, {} gone",
        counts.seen, counts.missing, counts.stale, counts.restored, counts.gone
    );
    if let Some(silence) = counts.silence() {
        println!("{silence}");
    }
}

fn table(findings: &[Finding]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY).set_header(["user", "is", "changed"]);
    for Finding { id, drift, changed_at } in findings {
        let changed = changed_at.map(|at| format!("{at:.0}")).unwrap_or_default();
        table.add_row([id.clone(), drift.to_string(), changed]);
    }
    table
}
