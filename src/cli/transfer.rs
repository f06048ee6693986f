//! `users-sync users transfer`

use clap::Args;
use serde_json::json;

use super::Failure;
use super::examples::examples;
use super::open::Open;
use super::table::print_json;
use super::work::{current_schema, maintain};
use super::writing::source_named;
use crate::config::{Config, Environment};
use crate::db::users;

/// Makes another source the owner of a user. What the old one says of it is quarantined from then on; what the new one says
/// next replaces the row. Deliveries of the new one that are in quarantine: `users-sync replay --quarantined`.
#[derive(Args)]
#[command(after_help = examples("Examples:\n  users-sync users transfer {user} --to {other}"))]
pub(super) struct Arguments {
    /// The user's id
    id: String,
    /// The source that owns the user from now on
    #[arg(long, value_name = "SOURCE")]
    to: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &Arguments, environment: &Environment) -> Result<(), Failure> {
    let work = async |config: &Config, open: &Open| transfer(arguments, config, open).await;
    let from = maintain(environment, work).await?;
    let Arguments { id, to, json } = arguments;
    if *json {
        return print_json(&json!({ "id": id, "from": from, "to": to }));
    }
    if from == *to {
        println!("{id} belongs to {to} already");
    } else {
        println!("{id} belonged to {from}, and belongs to {to} now");
    }
    Ok(())
}

async fn transfer(
    Arguments { id, to, .. }: &Arguments,
    config: &Config,
    open: &Open,
) -> Result<String, Failure> {
    if source_named(&config.sources, to).is_none() {
        return Err(Failure::Misused(format!("--to: there is no source {to}")));
    }
    current_schema(open).await?;
    let mut client = open.connect().await?;
    let from = users::transfer(&mut client, id, to).await.map_err(Failure::of)?;
    from.ok_or_else(|| Failure::Failed("there is no such user".into()))
}
