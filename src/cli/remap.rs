//! `users-sync remap`

use clap::Args;
use serde_json::json;

use super::Failure;
use super::open::Open;
use super::progress::Progress;
use super::table::{print_json, print_table};
use super::work::{current_schema, maintain};
use super::writing::source_named;
use crate::config::{Config, Environment};
use crate::sync::remap::{self, Remapped};

#[derive(Args)]
#[command(after_help = "Examples:\n  users-sync remap --dry-run\n  users-sync remap")]
pub(super) struct Arguments {
    /// Only say how many rows would change
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &Arguments, environment: &Environment) -> Result<(), Failure> {
    let work = async |config: &Config, open: &Open| remap(arguments, config, open).await;
    report(arguments, &maintain(environment, work).await?)
}

async fn remap(arguments: &Arguments, config: &Config, open: &Open) -> Result<Remapped, Failure> {
    current_schema(open).await?;
    let mut client = open.connect().await?;
    let mut bar = Progress::new("rows".into(), None);
    let source = |name: &str| source_named(&config.sources, name);
    let progress = |so_far: &Remapped| bar.at(so_far.looked_at);
    let remapped = remap::remap(&mut client, source, arguments.dry_run, progress).await;
    bar.finish();
    remapped.map_err(Failure::of)
}

fn report(arguments: &Arguments, remapped: &Remapped) -> Result<(), Failure> {
    let &Remapped { looked_at, changed, unreadable, refused } = remapped;
    if arguments.json {
        let dry_run = arguments.dry_run;
        return print_json(&json!({
            "dry_run": dry_run, "looked_at": looked_at, "changed": changed, "unreadable": unreadable,
            "refused": refused,
        }));
    }
    let verb = if arguments.dry_run { "would change" } else { "changed" };
    let rows = [
        ("looked at", looked_at),
        (verb, changed),
        ("not readable", unreadable),
        ("refused by the database", refused),
    ];
    print_table(["rows", ""], rows.map(|(word, count)| [word.to_owned(), count.to_string()]));
    Ok(())
}
