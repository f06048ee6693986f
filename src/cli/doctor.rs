//! `users-sync doctor`: checks everything that can be wrong, in the order of dependence, and changes nothing.

mod check;
mod database;
mod file;
mod mirror;
mod pooler;
mod providers;
mod proxy;
mod readers;
mod sources;

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use super::Failure;
use super::examples::examples;
use super::open::Open;
use super::table::print_json;
use crate::config::{Config, Database, Environment, Mistakes, Place, Purpose};
use crate::development;
use crate::traces;
use crate::webhook::Source;
use check::Checks;

#[derive(Args)]
#[command(
    after_help = examples("Examples:\n  users-sync doctor\n  users-sync doctor --public-url https://hooks.example.com\n  users-sync doctor --file request.http --as {provider}")
)]
pub(super) struct Arguments {
    /// Where the sender reaches the service: a request is made through it
    #[arg(long, value_name = "URL", value_parser = proxy::address)]
    public_url: Option<String>,
    /// Explain why this captured request (head, blank line, body) is refused
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// The source that the captured request was for, where its first line does not name it
    #[arg(long = "as", value_name = "SOURCE", requires = "file")]
    sent_to: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The checks that are skipped if the configuration or the database fails.
const OF_DATABASE: [&str; 7] =
    ["version", "encoding", "transport", "clock", "schema", "rights", "mirror"];

pub(super) async fn run(arguments: &Arguments, environment: &Environment) -> Result<(), Failure> {
    let mut checks = Checks::default();
    match &arguments.file {
        Some(path) => {
            let sources = sources_to_explain_with(environment)?;
            let captures = super::replay::read(path)?;
            sources::keys(&mut checks, &sources).await;
            file::explain(&mut checks, &captures, arguments.sent_to.as_deref(), &sources);
        }
        None => examine(arguments, environment, &mut checks).await?,
    }
    if arguments.json {
        print_json(&checks.0)?;
    } else {
        checks.print();
    }
    match checks.failed() {
        0 => Ok(()),
        1 => Err(Failure::Failed("1 check failed".into())),
        failed => Err(Failure::Failed(format!("{failed} checks failed"))),
    }
}

fn sources_to_explain_with(environment: &Environment) -> Result<Vec<Source>, Failure> {
    let place = Place::parse(environment)?;
    if !place.sources.is_empty() {
        return Ok(place.sources);
    }
    let Some(data_dir) = &place.data_dir else { return Ok(Vec::new()) };
    let development = development::load(data_dir).map_err(Failure::of)?;
    Ok(development.map(|development| development.sources).unwrap_or_default())
}

async fn examine(
    arguments: &Arguments,
    environment: &Environment,
    checks: &mut Checks,
) -> Result<(), Failure> {
    let config = match Config::parse(environment, Purpose::Examine) {
        Ok(config) => config,
        Err(mistakes) => {
            refused(checks, &mistakes);
            return Ok(());
        }
    };
    config.logging.start();
    configuration(checks, &config);
    let sources = configured_or_development(&config);
    let open = match Open::sharing(&config.database).await {
        Ok(open) => {
            in_database(checks, &config, &sources, &open).await;
            Some(open)
        }
        Err(Failure::Failed(error) | Failure::Misused(error) | Failure::Unclear(error)) => {
            checks.fail("database", error, "the embedded Postgres does not start: see above");
            skip_database(checks);
            None
        }
    };
    sources::secrets(checks, &sources);
    sources::signatures(checks, &sources);
    sources::keys(checks, &sources).await;
    providers::check(checks, &config, open.as_ref()).await;
    if let Some(open) = open {
        open.close().await?;
    }
    match &arguments.public_url {
        Some(url) => proxy::check(checks, url, &sources).await,
        None => checks.skip("proxy", "give --public-url to send a request through it"),
    }
    Ok(())
}

fn refused(checks: &mut Checks, mistakes: &Mistakes) {
    for mistake in &mistakes.0 {
        checks.fail("configuration", mistake.variable.clone(), mistake.problem.clone());
    }
    checks.skip("database", "the configuration cannot be used");
    skip_database(checks);
}

fn skip_database(checks: &mut Checks) {
    for name in OF_DATABASE {
        checks.skip(name, "the database was not reached");
    }
}

fn configuration(checks: &mut Checks, config: &Config) {
    let count = config.sources.len();
    checks.ok("configuration", format!("every variable can be read; {count} sources configured"));
    if config.traces.is_some() && !traces::AVAILABLE {
        let advice = "build users-sync with `--features otlp`, or unset it";
        let found = "OTEL_EXPORTER_OTLP_ENDPOINT is set, and this build has no OTLP";
        checks.warn("traces", found, advice);
    }
    if config.admin_token.is_none() {
        let advice =
            "set it to at least 16 characters, such as the output of `openssl rand -hex 32`";
        checks.warn("admin token", "ADMIN_TOKEN is not set, so /api and /admin are closed", advice);
    }
}

fn configured_or_development(config: &Config) -> Vec<Source> {
    match &config.database {
        Database::Embedded(settings) if config.sources.is_empty() => {
            let development = development::load(&settings.data_dir).ok().flatten();
            development.map(|development| development.sources).unwrap_or_default()
        }
        Database::Embedded(_) | Database::Server(_) => config.sources.clone(),
    }
}

async fn in_database(checks: &mut Checks, config: &Config, sources: &[Source], open: &Open) {
    let began = std::time::Instant::now();
    let client = match open.conninfo.connect().await {
        Ok(client) => client,
        Err(error) => {
            let place = open.conninfo.describe();
            let advice = database::advice(&error);
            checks.fail("database", format!("{place}: {}", crate::error_chain(&error)), advice);
            skip_database(checks);
            return;
        }
    };
    checks.ok("database", open.conninfo.describe());
    let connected_for = began.elapsed().as_secs_f64();
    let (now, policy) = (Timestamp::now(), config.delete_policy);
    let current = database::check(checks, &client, connected_for, now, policy).await;
    pooler::check(checks, &client, &open.conninfo, config.repair.channel.as_deref()).await;
    readers::check(checks, &client, &config.grant_select_to).await;
    mirror::check(checks, &client, config.delete_policy).await;
    if current {
        mirror::rows(checks, &client).await;
        sources::deliveries(checks, &client, sources).await;
    } else {
        checks.skip("deliveries", "the schema is not current");
    }
}
