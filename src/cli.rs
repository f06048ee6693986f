//! The command line: a command is a file with its arguments and `run`.

mod adopt;
mod backfill;
mod banner;
mod completions;
mod doctor;
mod erase;
mod examples;
mod healthcheck;
mod migrate;
mod open;
mod progress;
mod purge;
mod reconcile;
mod remap;
mod replay;
mod schema;
mod send;
mod serve;
mod table;
#[cfg(test)]
mod tests;
mod transfer;
mod users;
mod work;
mod writing;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::config::{Environment, Mistakes};
use examples::examples;

/// Your auth provider's users, as a Postgres table.
///
/// Receives signed webhooks on POST /webhooks/{source} and keeps neon_auth.users_sync true. Without a command it serves.
#[derive(Parser)]
#[command(name = "users-sync", version, max_term_width = 100, after_help = examples(EXAMPLES))]
struct Cli {
    #[command(flatten)]
    flags: Flags,
    #[command(flatten)]
    serve: serve::Arguments,
    #[command(subcommand)]
    command: Option<Command>,
}

const EXAMPLES: &str = "\
Examples:
  users-sync                                    serve, with a Postgres of its own
  DATABASE_URL=postgres://… users-sync          serve into your Postgres
  users-sync send --provider {provider}              post a signed user.created to it";

/// Variables that can be given on the command line too.
#[derive(Args)]
struct Flags {
    /// Where to keep the users; unset: a Postgres that users-sync starts itself [env: DATABASE_URL]
    #[arg(long, global = true, value_name = "URL", hide_default_value = true)]
    database_url: Option<String>,
    /// Address and port to listen on [env: LISTEN_ADDR] [default: 127.0.0.1:8080]
    #[arg(long, global = true, value_name = "ADDR")]
    listen_addr: Option<String>,
    /// Where the embedded Postgres lives [env: USERS_SYNC_DATA_DIR]
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<String>,
    /// Log lines: text or json [env: LOG_FORMAT]
    #[arg(long, global = true, value_name = "FORMAT")]
    log_format: Option<String>,
}

impl Flags {
    fn into_variables(self) -> Vec<(&'static str, String)> {
        let Self { database_url, listen_addr, data_dir, log_format } = self;
        let given = [
            ("DATABASE_URL", database_url),
            ("LISTEN_ADDR", listen_addr),
            ("USERS_SYNC_DATA_DIR", data_dir),
            ("LOG_FORMAT", log_format),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

#[derive(Subcommand)]
enum Command {
    /// Receive webhooks (the default command)
    Serve(serve::Arguments),
    /// Bring the database's schema up to date
    Migrate(migrate::Arguments),
    /// Bring everything that the provider has into the tables
    Backfill(backfill::Arguments),
    /// Compare the tables with the provider's lists, and repair the differences
    Reconcile(reconcile::Arguments),
    /// Show, fetch, create, delete or erase one user
    Users(users::Arguments),
    /// Sign and post a delivery, or print the curl command that does
    Send(send::Arguments),
    /// Process deliveries of the journal, or captured requests, again
    Replay(replay::Arguments),
    /// Derive names, addresses and times from raw_json again, after an upgrade corrected a mapping
    Remap(remap::Arguments),
    /// Empty or remove the rows of deleted entities, as DELETE_POLICY says
    Purge(purge::Arguments),
    /// Check everything that can be wrong, and say what to do
    Doctor(doctor::Arguments),
    /// Turn the table that Neon Auth or an ORM made into ours, in place
    Adopt(adopt::Arguments),
    /// Print the definitions of the tables for an application: for SQL, Drizzle, Prisma or TypeScript
    Schema(schema::Arguments),
    /// Exit 0 if the service on this machine answers, 1 if not
    #[command(after_help = healthcheck::EXAMPLES)]
    Healthcheck,
    /// Print a script that completes commands and flags in your shell
    Completions(completions::Arguments),
    #[command(hide = true)]
    Man(completions::Man),
    #[command(name = users_sync_embedded::GUARD, hide = true)]
    EmbeddedGuard {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

/// Why a command ends with 1 or 2.
#[derive(Debug)]
enum Failure {
    /// It was asked for in a way that cannot be: exit code 2.
    Misused(String),
    /// It could not be done: exit code 1.
    Failed(String),
    /// The comparison failed: exit code 2, as with diff.
    Unclear(String),
}

impl Failure {
    fn of(error: impl std::error::Error + 'static) -> Self {
        Self::Failed(crate::error_chain(&error))
    }
}

impl From<Mistakes> for Failure {
    fn from(mistakes: Mistakes) -> Self {
        Self::Misused(mistakes.to_string())
    }
}

/// Runs the command of the process's arguments.
pub fn main() -> ExitCode {
    let Cli { flags, serve, command } = Cli::parse();
    if let Some(Command::EmbeddedGuard { arguments }) = command {
        return users_sync_embedded::guard(arguments);
    }
    match run(flags, command.unwrap_or(Command::Serve(serve))) {
        Ok(code) => code,
        Err(failure) => {
            let (code, text) = match failure {
                Failure::Failed(text) => (1, text),
                Failure::Misused(text) | Failure::Unclear(text) => (2, text),
            };
            eprintln!("users-sync: {text}");
            ExitCode::from(code)
        }
    }
}

fn run(flags: Flags, command: Command) -> Result<ExitCode, Failure> {
    let environment = Environment::load(flags.into_variables())?;
    let runtime = tokio::runtime::Runtime::new().map_err(Failure::of)?;
    runtime.block_on(async {
        match command {
            Command::Reconcile(arguments) => {
                return reconcile::run(&arguments, &environment).await;
            }
            Command::Serve(arguments) => serve::run(&arguments, &environment).await,
            Command::Migrate(arguments) => migrate::run(&arguments, &environment).await,
            Command::Users(arguments) => users::run(&arguments, &environment).await,
            Command::Backfill(arguments) => backfill::run(&arguments, &environment).await,
            Command::Send(arguments) => send::run(&arguments, &environment).await,
            Command::Replay(arguments) => replay::run(&arguments, &environment).await,
            Command::Remap(arguments) => remap::run(&arguments, &environment).await,
            Command::Purge(arguments) => purge::run(&arguments, &environment).await,
            Command::Doctor(arguments) => doctor::run(&arguments, &environment).await,
            Command::Adopt(arguments) => adopt::run(&arguments, &environment).await,
            Command::Schema(arguments) => schema::run(&arguments),
            Command::Completions(arguments) => completions::run(&arguments, Cli::command()),
            Command::Man(arguments) => completions::man(&arguments, Cli::command()),
            Command::Healthcheck => healthcheck::run(&environment).await,
            Command::EmbeddedGuard { .. } => unreachable!("dispatched before there is a runtime"),
        }?;
        Ok(ExitCode::SUCCESS)
    })
}
