//! The basis of commands that call the providers: a current schema, the tables, and clients.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Failure;
use super::open::Open;
use crate::api::{Client, Patience};
use crate::config::{Bodies, Config, Environment, Purpose, Repair, api_variables};
use crate::db::runs::Scope;
use crate::db::{migrations, rights, server};
use crate::model::{DeletePolicy, Kind};
use crate::sync::naming::Naming;
use crate::sync::{Options, Tables};

/// Runs a command that maintains the database: reads its configuration, and closes the database even if the work failed.
pub(super) async fn maintain<T>(
    environment: &Environment,
    work: impl AsyncFnOnce(&Config, &Open) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let config = Config::parse(environment, Purpose::Maintain)?;
    config.logging.start();
    let open = Open::sharing(&config.database).await?;
    let done = work(&config, &open).await;
    open.close().await?;
    done
}

pub(super) struct Work {
    pub(super) tables: Tables,
    pub(super) clients: Vec<Arc<Client>>,
}

impl Work {
    /// With the clients of all sources, or of the one that is named.
    pub(super) async fn begin(
        config: &Config,
        open: &Open,
        source: Option<&str>,
    ) -> Result<Self, Failure> {
        let clients = clients(&config.repair)?;
        if clients.is_empty() {
            let variables = api_variables(&config.sources);
            return Err(Failure::Misused(format!("no provider can be asked: set {variables}")));
        }
        let known = clients.iter().map(|client| client.source().to_string()).collect::<Vec<_>>();
        let is_meant = |client: &Arc<Client>| source.is_none_or(|name| **client.source() == *name);
        let clients: Vec<_> = clients.into_iter().filter(is_meant).collect();
        if clients.is_empty() {
            let problem =
                format!("--source: the sources that can be asked are {}", known.join(", "));
            return Err(Failure::Misused(problem));
        }
        current_schema(open).await?;
        Ok(Self { tables: tables(config, open)?, clients })
    }
}

/// The problems of each source, so that none stops the others.
#[derive(Default)]
pub(super) struct Troubles {
    problems: Vec<String>,
    /// Whether a comparison failed, so that the state is unknown.
    are_unclear: bool,
}

impl Troubles {
    pub(super) fn add(&mut self, client: &Client, kind: Kind, problem: &str, is_unclear: bool) {
        let scope = Scope { source: client.source(), entity: kind };
        self.problems.push(format!("{}: {problem}", scope.name()));
        self.are_unclear |= is_unclear;
    }

    /// Fails if there are any.
    pub(super) fn end(self) -> Result<(), Failure> {
        let Self { problems, are_unclear } = self;
        match (problems.is_empty(), are_unclear) {
            (true, _) => Ok(()),
            (false, true) => Err(Failure::Unclear(problems.join("\n"))),
            (false, false) => Err(Failure::Failed(problems.join("\n"))),
        }
    }
}

/// The JSON of one source: the fields of its users come first, for compatibility with earlier versions.
pub(super) struct Summary {
    of_source: Map<String, Value>,
    of_kinds: Vec<Value>,
}

impl Summary {
    pub(super) fn new(source: &str) -> Self {
        let of_source = Map::from_iter([("source".to_owned(), json!(source))]);
        Self { of_source, of_kinds: Vec::new() }
    }

    /// Adds the result of one kind as the fields of an object.
    pub(super) fn add(&mut self, kind: Kind, found: Value, problem: Option<String>) {
        let fields = found.as_object().cloned().unwrap_or_default().into_iter();
        let fields = fields.chain([("problem".to_owned(), json!(problem))]);
        if kind == Kind::User {
            self.of_source.extend(fields);
        } else {
            let named = Map::from_iter([("kind".to_owned(), json!(kind.as_str()))]);
            self.of_kinds.push(named.into_iter().chain(fields).collect());
        }
    }

    pub(super) fn end(mut self) -> Value {
        if !self.of_kinds.is_empty() {
            self.of_source.insert("kinds".to_owned(), self.of_kinds.into());
        }
        Value::Object(self.of_source)
    }
}

/// Parses the value of `--kind`.
pub(super) fn kind(text: &str) -> Result<Kind, String> {
    let known = Kind::ALL.map(Kind::as_str).join(", ");
    Kind::parse(text).ok_or_else(|| format!("the kinds are {known}"))
}

/// The kinds that a provider lists, or the one of them that is meant.
pub(super) fn kinds_of(client: &Client, only: Option<Kind>) -> Vec<Kind> {
    let mut kinds = client.kinds();
    kinds.retain(|kind| only.is_none_or(|only| only == *kind));
    kinds
}

pub(super) fn clients(repair: &Repair) -> Result<Vec<Arc<Client>>, Failure> {
    let client = |settings| Client::new(settings, Patience::default()).map(Arc::new);
    repair.apis.iter().map(client).collect::<Result<_, _>>().map_err(Failure::of)
}

pub(super) fn tables(config: &Config, open: &Open) -> Result<Tables, Failure> {
    let pool = open.conninfo.pool(config.pool_size).map_err(Failure::of)?;
    let options = Options {
        keep_bodies: config.journal_bodies == Bodies::All,
        channel: config.repair.channel.clone(),
        refetch: config.repair.refetch.clone(),
        asked: config.repair.apis.iter().map(|api| api.source.clone()).collect(),
        naming: naming(config),
        metrics: Arc::default(),
    };
    Ok(Tables::new(open.conninfo.clone(), pool, options))
}

/// The sources that name their entities by external ids, whether they send deliveries or have an API.
fn naming(config: &Config) -> Naming {
    let sending = config.sources.iter().map(|it| (it.name.clone(), (it.provider, &it.rules)));
    let asked = config.repair.apis.iter().map(|it| (it.source.clone(), (it.provider, &it.rules)));
    let all = sending.chain(asked).filter(|(_, (_, rules))| rules.has_external_ids());
    all.map(|(name, (provider, rules))| (name, (provider, rules.clone()))).collect()
}

pub(super) async fn current_schema(open: &Open) -> Result<(), Failure> {
    let client = open.connect().await?;
    server::check(&client).await.map_err(Failure::of)?;
    let pending = match migrations::pending(&client).await {
        Ok(pending) => pending,
        Err(error) => {
            rights_to_serve(&client).await?;
            return Err(Failure::of(error));
        }
    };
    if pending.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = pending.iter().map(|step| step.name()).collect();
    let names = names.join(", ");
    Err(Failure::Failed(format!(
        "migrations are pending ({names}): run `users-sync migrate` first"
    )))
}

/// Refuses to go on without a right that serving needs; one that only a delete policy needs is a finding later.
pub(super) async fn rights_to_serve(client: &tokio_postgres::Client) -> Result<(), Failure> {
    let missing = rights::missing(client, DeletePolicy::Soft).await.map_err(Failure::of)?;
    if missing.is_empty() {
        return Ok(());
    }
    let missing = missing.join(", ");
    Err(Failure::Failed(format!(
        "the role of DATABASE_URL lacks {missing}: as the owner of the tables run what `users-sync migrate --print-grants --to ROLE` prints"
    )))
}
