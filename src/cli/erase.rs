//! `users-sync users erase`

use clap::Args;
use serde_json::json;

use super::Failure;
use super::examples::examples;
use super::open::Open;
use super::table::print_json;
use super::work::{current_schema, maintain};
use crate::config::{Config, Environment};
use crate::json::MAX_ID_LEN;
use crate::model::{DeletePolicy, Kind};
use crate::sync::purge::{self, Erased};

/// Erases what is kept of one user: name, address and raw_json in the mirror, the user's memberships and grants, bodies in the
/// journal. What stays are ids and tombstones, so that no late webhook brings the user back. With DELETE_POLICY=hard:… the rows
/// are removed.
#[derive(Args)]
#[command(
    after_help = examples("Examples:\n  users-sync users erase {user}\n  users-sync users erase {user} --hard")
)]
pub(super) struct Arguments {
    /// The user's id
    id: String,
    /// Remove the rows, so that ON DELETE of the application's foreign keys fires
    #[arg(long)]
    hard: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &Arguments, environment: &Environment) -> Result<(), Failure> {
    let id = &arguments.id;
    if id.trim().is_empty() || id.len() > MAX_ID_LEN || id.contains('\0') {
        return Err(Failure::Misused(format!("an id has 1 to {MAX_ID_LEN} bytes")));
    }
    let work = async |config: &Config, open: &Open| erase(arguments, config, open).await;
    report(arguments, &maintain(environment, work).await?)
}

async fn erase(arguments: &Arguments, config: &Config, open: &Open) -> Result<Erased, Failure> {
    current_schema(open).await?;
    let mut client = open.connect().await?;
    let hard = arguments.hard || matches!(config.delete_policy, DeletePolicy::Hard(_));
    purge::erase(&mut client, &arguments.id, hard).await.map_err(Failure::of)
}

fn report(arguments: &Arguments, erased: &Erased) -> Result<(), Failure> {
    let Erased { shown, purged, blocked } = erased;
    let row = row(erased);
    let shown_fields = shown.map_or(vec![], |shown| {
        let fields = [("name", shown.name), ("email", shown.email), ("raw_json", true)];
        fields.into_iter().filter(|(_, there)| *there).map(|(field, _)| field).collect()
    });
    if arguments.json {
        return print_json(&json!({
            "id": arguments.id,
            "row": row,
            "erased": shown_fields,
            "raw_json_bytes": shown.map_or(0, |shown| shown.raw_json_bytes),
            "journal_bodies": purged.bodies,
            "quarantined": purged.quarantined,
            "memberships": purged.of(Kind::Membership),
            "grants": purged.of(Kind::Grant),
            "not_removed_because": blocked,
        }));
    }
    println!("{}", arguments.id);
    match shown {
        Some(_) => println!("  row {row}: {}", shown_fields.join(", ")),
        None => println!("  there was no row"),
    }
    print_rest(erased);
    Ok(())
}

/// What became of the user's row.
fn row(Erased { shown, purged, .. }: &Erased) -> &'static str {
    match (shown, purged.removed) {
        (None, _) => "none",
        (Some(_), 1..) => "removed",
        (Some(_), _) => "emptied",
    }
}

/// What was taken along, and what stays.
fn print_rest(Erased { shown, purged, blocked }: &Erased) {
    let done = if purged.removed > 0 { "removed" } else { "emptied" };
    for kind in [Kind::Membership, Kind::Grant].into_iter().filter(|kind| purged.of(*kind) > 0) {
        println!("  {} {done}: {}", kind.plural(), purged.of(kind));
    }
    println!("  bodies removed from the journal: {}", purged.bodies + purged.quarantined);
    println!(
        "  what stays: the id, and a tombstone that keeps webhooks from bringing the user back"
    );
    // Where there was no row, there was nothing to remove.
    if let (Some(reason), Some(_)) = (blocked, shown) {
        println!("  the row was emptied, not removed: {reason}");
    }
    println!("If the provider still has this user, delete it there too.");
}
