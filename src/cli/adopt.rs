//! `users-sync adopt`

use std::io::{BufRead, Write};

use clap::Args;
use jiff::Timestamp;
use serde_json::json;
use tokio_postgres::Client;

use super::Failure;
use super::examples::examples;
use super::open::Open;
use super::progress::Progress;
use super::table::print_json;
use super::work::maintain;
use super::writing::source_named;
use crate::config::{Config, Environment};
use crate::db::adopt::{self, Plan};
use crate::model::{DeliveryId, Kind, Version};
use crate::provider;
use crate::sync::adopt::{Adopted, adopt as take_over};

/// Turns the table neon_auth.users_sync that Neon Auth made (generated columns), or a Drizzle or Prisma project, into ours:
/// in place, in one transaction, for which applications wait: seconds for 100,000 rows. Rows, keys, grants and foreign keys
/// stay, and who is disabled by raw_json is so from the start. It prints the plan and asks.
#[derive(Args)]
#[command(
    after_help = examples("Examples:\n  users-sync adopt --dry-run\n  users-sync adopt\n  users-sync adopt --yes --source {other}")
)]
pub(super) struct Arguments {
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Only print the plan
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// The source that the rows come from [default: recognised by raw_json]
    #[arg(long)]
    source: Option<String>,
    /// Print JSON; needs --yes or --dry-run, since it does not ask
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &Arguments, environment: &Environment) -> Result<(), Failure> {
    if arguments.json && !arguments.yes && !arguments.dry_run {
        return Err(Failure::Misused("--json needs --yes or --dry-run".into()));
    }
    maintain(environment, async |config, open| adopt(arguments, config, open).await).await
}

async fn adopt(arguments: &Arguments, config: &Config, open: &Open) -> Result<(), Failure> {
    let mut client = open.connect().await?;
    let plan = adopt::plan(&client).await.map_err(Failure::of)?;
    let source = match &arguments.source {
        Some(source) => source.clone(),
        None => recognised(&client).await?,
    };
    if arguments.json {
        print_json(&as_json(&plan, &source))?;
    } else {
        print_plan(&plan, &source);
    }
    if arguments.dry_run || !(arguments.yes || agreed()?) {
        return Ok(());
    }
    let configured = source_named(&config.sources, &source);
    let mut bar = Progress::new("rows".into(), None);
    let progress = |so_far: &Adopted| bar.at(so_far.ledgered);
    let adopted = take_over(&mut client, &source, configured.as_ref(), progress).await;
    bar.finish();
    let adopted = adopted.map_err(Failure::of)?;
    if !arguments.json {
        print_adopted(&adopted);
    }
    Ok(())
}

fn print_adopted(adopted: &Adopted) {
    let Adopted { ledgered, disabled, filled, unreadable } = adopted;
    println!(
        "Adopted: {ledgered} rows entered the ledger; {disabled} of their users are disabled."
    );
    println!("In {filled} rows empty columns were filled from raw_json.");
    if *unreadable > 0 {
        println!(
            "{unreadable} rows do not hold what the provider sends, and count as not disabled: `users-sync backfill` brings the truth."
        );
    }
}

/// Whose objects the table holds: the first provider that can read most of them.
async fn recognised(client: &Client) -> Result<String, Failure> {
    let samples = adopt::samples(client).await.map_err(Failure::of)?;
    let delivery = DeliveryId::new("adopted").expect("it is short and readable");
    let version = Version { at: Timestamp::UNIX_EPOCH, delivery };
    let reads = |provider: &&&provider::Provider| {
        let read =
            samples.iter().filter(|raw| provider.reread(Kind::User, raw, &version).is_ok()).count();
        read * 2 > samples.len()
    };
    let found = provider::ALL.iter().find(reads).map(|provider| provider.name.to_owned());
    found.ok_or_else(|| {
        let names = provider::ALL.map(|provider| provider.name).join(", ");
        Failure::Misused(format!("raw_json is no known provider's: add --source, such as {names}"))
    })
}

fn as_json(plan: &Plan, source: &str) -> serde_json::Value {
    let steps: Vec<_> =
        plan.steps.iter().map(|step| json!({ "why": step.why, "sql": step.sql })).collect();
    let migrations: Vec<_> = plan.migrations.iter().map(|step| step.name()).collect();
    json!({
        "rows": plan.rows,
        "foreign_keys": plan.foreign_keys,
        "steps": steps,
        "migrations": migrations,
        "source": source,
    })
}

fn print_plan(plan: &Plan, source: &str) {
    let Plan { rows, foreign_keys, steps, migrations } = plan;
    println!(
        "neon_auth.users_sync: {rows} rows, {foreign_keys} foreign keys on it. In one transaction:"
    );
    for step in steps {
        println!("  {}\n      {}", step.why, step.sql);
    }
    if steps.is_empty() {
        println!("  the table is as it should be");
    }
    for migration in migrations {
        println!("  migration {}", migration.name());
    }
    println!(
        "  rows that the ledger does not know enter it as those of {source}, older than any delivery; raw_json fills
  empty columns and says which users are disabled"
    );
}

/// Nothing but a clear yes is one.
fn agreed() -> Result<bool, Failure> {
    print!("Do it? [y/N] ");
    std::io::stdout().flush().map_err(Failure::of)?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(Failure::of)?;
    let agreed = ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str());
    if !agreed {
        println!("Nothing was changed.");
    }
    Ok(agreed)
}
