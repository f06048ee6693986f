//! `users-sync serve`

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use deadpool_postgres::Pool;
use jiff::SignedDuration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Failure;
use super::banner;
use super::open::Open;
use super::work;
use crate::api::Client;
use crate::config::{Config, Database, Environment, Purpose, Repair, api_variables};
use crate::db::migrations;
use crate::development::{self, Development};
use crate::http::strangers::Strangers;
use crate::http::{self, App};
use crate::sync::pull::{self, Pull};
use crate::sync::reconcile::{self, Schedule};
use crate::sync::{Tables, Users, refetch};
use crate::traces::Exporter;
use crate::webhook::Source;
use crate::{shutdown, sync};

/// After the drain: a restart must not wait for a database that hangs.
const LAST_COMMITS: Duration = Duration::from_secs(2);

#[derive(Args)]
#[command(
    after_help = "Examples:\n  users-sync serve\n  users-sync serve --listen-addr 127.0.0.1:9000 --no-migrate"
)]
pub(super) struct Arguments {
    /// Do not start where a migration is pending, rather than apply it; grant nothing
    #[arg(long)]
    no_migrate: bool,
    /// Read every user from the provider's API so often, for development without a public address
    #[arg(long, value_name = "TIME", value_parser = length_of_time)]
    poll: Option<Duration>,
}

fn length_of_time(text: &str) -> Result<Duration, String> {
    let time = text.parse::<SignedDuration>().ok().and_then(|time| Duration::try_from(time).ok());
    time.filter(|time| !time.is_zero()).ok_or_else(|| "such as 5s or 1m".into())
}

pub(super) async fn run(arguments: &Arguments, environment: &Environment) -> Result<(), Failure> {
    let config = Config::parse(environment, Purpose::Serve)?;
    let exporter = observe(&config);
    http::server::raise_open_files_limit();
    let requested = shutdown::listen().map_err(Failure::of)?;
    let listener = listen(&config).await?;
    let open = tokio::select! {
        open = Open::owning(&config.database) => open?,
        () = requested.cancelled() => return Ok(()),
    };
    let served = tokio::select! {
        prepared = prepare(arguments, config, &open) => match prepared {
            Ok(prepared) => serve(prepared, listener, &open, requested).await,
            Err(failure) => Err(failure),
        },
        () = requested.cancelled() => Ok(()),
    };
    let closed = open.close().await;
    if let Some(exporter) = exporter {
        exporter.finish().await;
    }
    closed.and(served)
}

/// Starts the logs, and the export of spans if it is configured.
fn observe(config: &Config) -> Option<Exporter> {
    let started = config.traces.as_ref().map(Exporter::start);
    let (exporter, problem) = match started {
        Some(Ok((exporter, spans))) => {
            config.logging.start_with(spans);
            return Some(exporter);
        }
        Some(Err(error)) => (None, Some(error)),
        None => (None, None),
    };
    config.logging.start();
    if let Some(error) = problem {
        tracing::warn!(error = crate::error_chain(&error), "no traces are exported");
    }
    exporter
}

async fn listen(config: &Config) -> Result<TcpListener, Failure> {
    let listen = config.listen;
    TcpListener::bind(listen).await.map_err(|error| {
        Failure::Failed(format!(
            "cannot listen on {listen}: {error}. Is another users-sync running? Choose another address with LISTEN_ADDR or PORT"
        ))
    })
}

/// The state before the first request: a current schema, and the sources.
async fn prepare(
    arguments: &Arguments,
    mut config: Config,
    open: &Open,
) -> Result<Prepared, Failure> {
    work::rights_to_serve(&open.connect().await?).await?;
    migrate(arguments, &config, open).await?;
    let development = match &config.database {
        Database::Embedded(settings) if config.sources.is_empty() => {
            Some(development::load_or_create(&settings.data_dir).map_err(Failure::of)?)
        }
        Database::Embedded(_) | Database::Server(_) => None,
    };
    if let Some(development) = &development {
        config.sources.clone_from(&development.sources);
    }
    if arguments.poll.is_some() {
        if config.repair.apis.is_empty() {
            let variables = api_variables(&config.sources);
            return Err(Failure::Misused(format!(
                "--poll: no provider can be asked: set {variables}"
            )));
        }
        config.repair.every = arguments.poll;
    }
    Ok(Prepared { config, development })
}

struct Prepared {
    config: Config,
    /// The origin of the secrets if they are not configured.
    development: Option<Development>,
}

async fn serve(
    Prepared { config, development }: Prepared,
    listener: TcpListener,
    open: &Open,
    requested: CancellationToken,
) -> Result<(), Failure> {
    let tables = work::tables(&config, open)?;
    let (pool, clients) = (tables.pool().clone(), work::clients(&config.repair)?);
    let users = Users::new(tables.clone(), clients.clone());
    let (sync, mut writers) = sync::start(tables.clone(), sync::Limits::default());
    let sync = Arc::new(sync);
    let mut background = repair(&config.repair, clients, &users, &sync, tables);
    background.spawn(sync::prune(pool.clone(), config.journal_retention));
    background.spawn(sync::purge::run(pool.clone(), config.delete_policy));

    let address = listener.local_addr().map_err(Failure::of)?;
    open.announce(address)?;
    tracing::info!(%address, "listening");
    banner::print(address, &config, open, development.as_ref());
    let mut reason = Ok(());
    let ended = async {
        tokio::select! {
            () = requested.cancelled() => {}
            () = writers.ended() => {
                reason = Err(Failure::Failed("a writer ended: this is a defect".into()));
            }
        }
    };
    http::server::serve(listener, app(&config, sync, pool, users), ended).await;
    background.shutdown().await;
    if tokio::time::timeout(LAST_COMMITS, writers.finish()).await.is_err() {
        tracing::warn!("the last commits take too long; what they hold was not answered");
    }
    reason
}

/// Starts what reads the providers' APIs.
fn repair(
    repair: &Repair,
    clients: Vec<Arc<Client>>,
    users: &Users,
    sync: &Arc<sync::Sync>,
    tables: Tables,
) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    if clients.is_empty() {
        return tasks;
    }
    tasks.spawn(refetch::keep(users.clone()));
    for (source, every) in &repair.pull {
        let mut clients = clients.iter().filter(|client| client.source() == source);
        let Some(client) = clients.next().cloned() else { continue };
        tasks.spawn(pull::keep(sync.clone(), Pull { client, every: *every }));
    }
    if let Some(every) = repair.every {
        tasks.spawn(reconcile::keep(tables, clients, Schedule { every }));
    }
    tasks
}

async fn migrate(arguments: &Arguments, config: &Config, open: &Open) -> Result<(), Failure> {
    if arguments.no_migrate {
        return work::current_schema(open).await;
    }
    let mut client = open.connect().await?;
    for step in migrations::apply(&mut client).await.map_err(Failure::of)? {
        tracing::info!(migration = step.name(), "applied");
    }
    for statement in super::migrate::grant(&mut client, &config.grant_select_to).await? {
        tracing::info!(statement, "granted");
    }
    Ok(())
}

fn app(config: &Config, sync: Arc<sync::Sync>, pool: Pool, users: Users) -> Arc<App> {
    let limits = http::Limits { body: config.max_body_bytes, ..http::Limits::default() };
    let by_name = |source: &Source| (source.name.to_string(), source.clone());
    Arc::new(App {
        sources: config.sources.iter().map(by_name).collect(),
        sync,
        pool,
        users,
        admin_token: config.admin_token.clone(),
        limits,
        strangers: Strangers::new(&limits),
        draining: CancellationToken::new(),
    })
}
