//! `users-sync migrate`

use clap::Args;
use serde_json::json;
use tokio_postgres::Client;

use super::Failure;
use super::open::Open;
use super::table::print_json;
use super::work::maintain;
use crate::config::{Config, Environment, Purpose};
use crate::db::{grants, migrations, rights, server};
use crate::model::DeletePolicy;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  users-sync migrate --dry-run\n  users-sync migrate\n  GRANT_SELECT_TO=web,reports users-sync migrate\n  users-sync migrate --print-grants --to webhooks | psql"
)]
pub(super) struct Arguments {
    /// Only say what would be applied
    #[arg(long)]
    dry_run: bool,
    /// Only print the SQL by which the owner of the tables lets another role serve; connects to nothing
    #[arg(long, conflicts_with = "dry_run")]
    print_grants: bool,
    /// The role that is to serve
    #[arg(long, value_name = "ROLE", requires = "print_grants", default_value = "users_sync")]
    to: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &Arguments, environment: &Environment) -> Result<(), Failure> {
    if arguments.print_grants {
        let policy = Config::parse(environment, Purpose::Maintain)?.delete_policy;
        return print_grants(arguments, policy);
    }
    maintain(environment, async |config, open| migrate(arguments, config, open).await).await
}

/// Includes rights that DELETE_POLICY does not need, because `users erase --hard` needs them.
fn print_grants(arguments: &Arguments, policy: DeletePolicy) -> Result<(), Failure> {
    let &Arguments { ref to, json, .. } = arguments;
    if to.is_empty() || to == "public" || to.contains(char::is_control) {
        return Err(Failure::Misused("--to: the name of one role is needed".into()));
    }
    let needed = rights::grants(to, policy);
    if json {
        return print_json(&json!({ "grants": needed }));
    }
    println!("-- What users-sync needs to serve as {to:?} with `--no-migrate`.");
    println!(
        "-- The owner of the tables runs it after `users-sync migrate`, and again after each upgrade."
    );
    for statement in &needed {
        println!("{statement};");
    }
    for right in rights::all().into_iter().filter(|right| !needed.contains(&right.grant(to))) {
        println!("-- {}: {};", right.purpose, right.grant(to));
    }
    Ok(())
}

async fn migrate(arguments: &Arguments, config: &Config, open: &Open) -> Result<(), Failure> {
    let mut client = open.connect().await?;
    server::check(&client).await.map_err(Failure::of)?;
    let roles = &config.grant_select_to;
    let (migrations, grants) = if arguments.dry_run {
        let pending = migrations::pending(&client).await.map_err(Failure::of)?;
        (pending, grants::lacking(&client, roles).await.map_err(refused)?)
    } else {
        let applied = migrations::apply(&mut client).await.map_err(Failure::of)?;
        (applied, grant(&mut client, roles).await?)
    };
    let names: Vec<_> = migrations.iter().map(|step| step.name()).collect();
    report(arguments, &names, &grants)
}

/// Lets the roles of GRANT_SELECT_TO read, and returns the new grants.
pub(super) async fn grant(client: &mut Client, roles: &[String]) -> Result<Vec<String>, Failure> {
    if roles.is_empty() {
        return Ok(Vec::new());
    }
    grants::grant(client, roles).await.map_err(refused)
}

fn refused(error: grants::Error) -> Failure {
    Failure::Failed(format!("GRANT_SELECT_TO: {}", crate::error_chain(&error)))
}

fn report(arguments: &Arguments, migrations: &[&str], grants: &[String]) -> Result<(), Failure> {
    let &Arguments { dry_run, json, .. } = arguments;
    if json {
        let reported = json!({ "dry_run": dry_run, "migrations": migrations, "grants": grants });
        return print_json(&reported);
    }
    let verb = if dry_run { "pending" } else { "applied" };
    for name in migrations {
        println!("{verb} {name}");
    }
    for grant in grants {
        println!("{verb} {grant}");
    }
    if migrations.is_empty() && grants.is_empty() {
        println!("the schema is up to date");
    }
    Ok(())
}
