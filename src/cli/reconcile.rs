//! `users-sync reconcile`

use std::process::ExitCode;

use clap::Args;
use comfy_table::{Table, presets};
use serde_json::{Value, json};

use super::Failure;
use super::examples::examples;
use super::open::Open;
use super::table::print_json;
use super::work::{Summary, Troubles, Work, kind, kinds_of, maintain};
use crate::api::Client;
use crate::config::{Config, Environment};
use crate::model::Kind;
use crate::sync::Tables;
use crate::sync::reconcile::{Error, Finding, Report, Settings, reconcile};

#[derive(Args)]
#[command(
    after_help = examples("Examples:\n  users-sync reconcile --dry-run      exits 0 if nothing differs, 1 if something does, 2 if the comparison failed\n  users-sync reconcile\n  users-sync reconcile --source {provider} --allow-deletes 500")
)]
pub(super) struct Arguments {
    /// Only this source's entities
    #[arg(long)]
    source: Option<String>,
    /// Only these: user, organization, role, membership or grant [default: all of them]
    #[arg(long, value_parser = kind)]
    kind: Option<Kind>,
    /// Only show the differences
    #[arg(long)]
    dry_run: bool,
    /// Mark so many of each kind as deleted that the provider no longer has [default: 100, or 5 % of them, but not most of them]
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
        ..Settings::default()
    };
    let (mut drift, mut sources, mut troubles) = (0, Vec::new(), Troubles::default());
    for client in &work.clients {
        let of_source = every_kind(arguments, &work.tables, client, settings, &mut troubles).await;
        drift += of_source.0;
        sources.push(of_source.1);
    }
    if arguments.json {
        print_json(&json!({ "dry_run": arguments.dry_run, "sources": sources }))?;
    }
    troubles.end()?;
    Ok(drift)
}

/// One kind after the other, until something is in the way of all. Answers how much differs, and the JSON of the source.
async fn every_kind(
    arguments: &Arguments,
    tables: &Tables,
    client: &Client,
    settings: Settings,
    troubles: &mut Troubles,
) -> (i64, Value) {
    let (mut drift, mut summary) = (0, Summary::new(client.source()));
    for kind in kinds_of(client, arguments.kind) {
        let result = reconcile(tables, client, Settings { kind, ..settings }).await;
        if result.as_ref().is_ok_and(|report| report.is_off) {
            continue;
        }
        if let Ok(report) = &result {
            drift += report.counts.drift();
            if !arguments.json {
                print(client.source(), kind, report);
            }
        }
        let problem = problem(&result);
        if let Some(problem) = &problem {
            troubles.add(client, kind, problem, matches!(result, Err(Error::Incomplete(_))));
        }
        let goes_on = result.as_ref().err().is_none_or(|error| error.is_of(kind));
        summary.add(kind, found(kind, result.ok()), problem);
        if !goes_on {
            break;
        }
    }
    (drift, summary.end())
}

/// Why a source is not known to be as the table has it.
fn problem(result: &Result<Report, Error>) -> Option<String> {
    match result {
        Ok(Report { skipped, .. }) => (skipped.total() > 0).then(|| skipped.to_string()),
        Err(error) => Some(crate::error_chain(error)),
    }
}

/// Without counts if the run did not finish.
fn found(kind: Kind, report: Option<Report>) -> Value {
    let Some(Report { counts, findings, .. }) = report else { return json!({}) };
    // Users were there before the other kinds.
    let id_field = if kind == Kind::User { "user" } else { "id" };
    let finding = |Finding { kind: _, id, drift, changed_at }: &Finding| {
        let is = drift.to_string();
        json!({ id_field: id, "is": is, "changed": changed_at })
    };
    let findings: Vec<_> = findings.iter().map(finding).collect();
    json!({ "counts": counts, "findings": findings })
}

fn print(source: &str, kind: Kind, Report { counts, findings, .. }: &Report) {
    if !findings.is_empty() {
        println!("{}", table(kind, findings));
    }
    let more = counts.drift() - i64::try_from(findings.len()).unwrap_or(i64::MAX);
    if more > 0 {
        println!("… and {more} more");
    }
    println!(
        "{source}: {} {}; {} missing, {} stale, {} alive but deleted here, {} gone",
        counts.seen,
        kind.plural(),
        counts.missing,
        counts.stale,
        counts.restored,
        counts.gone
    );
    if let Some(silence) = counts.silence() {
        println!("{silence}");
    }
}

fn table(kind: Kind, findings: &[Finding]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY).set_header([kind.as_str(), "is", "changed"]);
    for Finding { kind: _, id, drift, changed_at } in findings {
        let changed = changed_at.map(|at| format!("{at:.0}")).unwrap_or_default();
        table.add_row([id.clone(), drift.to_string(), changed]);
    }
    table
}
