//! `users-sync purge`

use clap::Args;
use serde_json::json;

use super::Failure;
use super::open::Open;
use super::progress::Progress;
use super::table::{print_json, print_table};
use super::work::{current_schema, maintain};
use crate::config::{Config, Environment};
use crate::db::findings;
use crate::db::mirror::{self, Mirror};
use crate::model::DeletePolicy;
use crate::sync::purge::{self, Round};

/// Applies DELETE_POLICY once; the service does it every hour.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  DELETE_POLICY=hard:30d users-sync purge --dry-run\n  DELETE_POLICY=scrub:7d users-sync purge"
)]
pub(super) struct Arguments {
    /// Try it and take everything back
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &Arguments, environment: &Environment) -> Result<(), Failure> {
    let work = async |config: &Config, open: &Open| purge(arguments, config, open).await;
    report(arguments, &maintain(environment, work).await?)
}

async fn purge(arguments: &Arguments, config: &Config, open: &Open) -> Result<Round, Failure> {
    if config.delete_policy == DeletePolicy::Soft {
        eprintln!("users-sync: DELETE_POLICY is soft: the rows of what was deleted stay");
    }
    current_schema(open).await?;
    let mut client = open.connect().await?;
    let mut bar = Progress::new("rows".into(), None);
    let progress = |round: &Round| bar.at(round.purged.total().cast_unsigned());
    let policy = config.delete_policy;
    let round = purge::apply(&mut client, policy, arguments.dry_run, progress).await;
    bar.finish();
    round.map_err(Failure::of)
}

/// A blocked row stays, and that is a failure, because an operator has to act.
fn report(arguments: &Arguments, round: &Round) -> Result<(), Failure> {
    let Round { purged, blocked } = round;
    if arguments.json {
        let blocked: Vec<_> =
            blocked.iter().map(|(key, reason)| json!({ "kind": key.kind.as_str(), "id": key.id, "reason": reason })).collect();
        let mut reported = json!({
            "dry_run": arguments.dry_run,
            "emptied": purged.emptied,
            "removed": purged.removed,
            "journal_bodies": purged.bodies,
            "quarantined": purged.quarantined,
            "blocked": blocked,
        });
        for kind in mirror::purged().map(|mirror| mirror.kind) {
            reported[kind.plural()] = json!(purged.of(kind));
        }
        print_json(&reported)?;
    } else {
        let rows = [
            ("rows emptied", purged.emptied),
            ("rows removed", purged.removed),
            ("bodies removed from the journal", purged.bodies + purged.quarantined),
        ];
        let head = if arguments.dry_run { "would be purged" } else { "purged" };
        let kinds = mirror::purged().map(|Mirror { kind, .. }| (kind.plural(), purged.of(*kind)));
        print_table(
            [head, ""],
            kinds.chain(rows).map(|(what, count)| [what.to_owned(), count.to_string()]),
        );
        for (key, reason) in blocked {
            println!("{} stays: {reason}", findings::name_of(key));
        }
    }
    match blocked.len() {
        0 => Ok(()),
        stay => Err(Failure::Failed(format!("{stay} rows could not be purged"))),
    }
}
