//! `users-sync migrate`

use clap::Args;

use super::Failure;
use super::open::Open;
use crate::config::{Config, Environment, Purpose};
use crate::db::migrations::{self, Migration};

#[derive(Args)]
#[command(after_help = "Examples:\n  users-sync migrate --dry-run\n  users-sync migrate")]
pub(super) struct Arguments {
    /// Only say what would be applied
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(arguments: &Arguments, environment: &Environment) -> Result<(), Failure> {
    let config = Config::parse(environment, Purpose::Maintain)?;
    config.logging.start();
    let open = Open::sharing(&config.database).await?;
    let done = migrate(arguments, &open).await;
    open.close().await?;
    done
}

async fn migrate(arguments: &Arguments, open: &Open) -> Result<(), Failure> {
    let mut client = open.connect().await?;
    if arguments.dry_run {
        let pending = migrations::pending(&client).await.map_err(Failure::of)?;
        report("pending", &pending);
    } else {
        let applied = migrations::apply(&mut client).await.map_err(Failure::of)?;
        report("applied", &applied);
    }
    Ok(())
}

fn report(verb: &str, migrations: &[&Migration]) {
    for migration in migrations {
        println!("{verb} {}", migration.name);
    }
    if migrations.is_empty() {
        println!("the schema is up to date");
    }
}
