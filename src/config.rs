//! Parses every variable once into types. All mistakes are reported together, each with its remedy.

mod database;
mod env_file;
mod environment;
mod file;
mod listen;
mod operate;
mod parser;
mod pull;
mod repair;
mod sources;
mod token;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use jiff::SignedDuration;
use secrecy::SecretString;
use users_sync_conninfo::Conninfo;

use crate::logging::Logging;
use crate::model::DeletePolicy;
use crate::traces;
use crate::webhook::Source;

pub use environment::Environment;
use parser::Parser;
pub use parser::length_of_time;
pub use repair::{Repair, api_variables, variables_of};
pub use sources::{keys_variable, secret_variable};

/// The application name of our sessions in Postgres, unless the operator sets another.
pub const PROGRAM: &str = "users-sync";

#[derive(Debug)]
pub struct Config {
    pub listen: SocketAddr,
    pub database: Database,
    /// The data directory if the operator names it, because other commands then need the same setting.
    pub named_data_dir: Option<PathBuf>,
    /// The greatest number of connections to the database.
    pub pool_size: usize,
    pub sources: Vec<Source>,
    pub max_body_bytes: usize,
    pub journal_retention: SignedDuration,
    pub journal_bodies: Bodies,
    pub delete_policy: DeletePolicy,
    pub repair: Repair,
    /// Roles that may read the mirror.
    pub grant_select_to: Vec<String>,
    /// The token that gives access to `/api` and `/admin`.
    pub admin_token: Option<SecretString>,
    pub logging: Logging,
    /// Where spans are sent; `None` if tracing is off.
    pub traces: Option<traces::Settings>,
}

#[derive(Debug)]
pub enum Database {
    /// A server that we start ourselves, because no variable names a database.
    Embedded(users_sync_embedded::Settings),
    Server(Conninfo),
}

impl Database {
    fn is_a_server(&self) -> bool {
        matches!(self, Self::Server(_))
    }
}

/// Which bodies the journal keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bodies {
    Quarantined,
    All,
}

/// Where the embedded server and the development secrets are, for commands that look for a running service.
pub struct Place {
    /// `None` if the user has no home directory and names no data directory.
    pub data_dir: Option<PathBuf>,
    pub listen: SocketAddr,
    /// Whether an address or a database is set, so that the data directory does not lead to the service.
    pub is_elsewhere: bool,
    pub sources: Vec<Source>,
}

/// One variable that cannot be used, why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    pub variable: String,
    pub problem: String,
}

/// Every mistake that was found.
#[derive(Debug, Default, PartialEq, Eq, thiserror::Error)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration cannot be used:")?;
        for Mistake { variable, problem } in &self.0 {
            write!(f, "\n  {variable}: {problem}")?;
        }
        Ok(())
    }
}

/// What a command needs from the configuration.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The sources to receive from.
    Serve,
    /// As [`Self::Serve`], but a weak secret is accepted so that the command can report it.
    Examine,
    /// Only the database.
    Maintain,
}

/// Bodies wait in memory for their commit, so the operator's limit is itself limited.
const LARGEST_BODY_LIMIT: usize = 16 << 20;

impl Config {
    pub fn parse(environment: &Environment, purpose: Purpose) -> Result<Self, Mistakes> {
        let mut parser = Parser::new(environment);
        let bindings = parser.bindings();
        let database = parser.database();
        let is_named = parser.is_set("DATABASE_URL");
        let in_production = database.as_ref().map_or(is_named, Database::is_a_server);
        if purpose != Purpose::Maintain && in_production {
            parser.has_a_source(&bindings);
        }
        let (listen, sources) = (parser.listen(in_production), parser.sources(&bindings));
        let is_public = in_production || !listen.ip().is_loopback();
        if purpose == Purpose::Serve && is_public {
            parser.has_no_weak_secret(&bindings, &sources);
        }
        let config = Self {
            listen,
            sources,
            named_data_dir: parser.named_data_dir(in_production),
            pool_size: parser.number("DATABASE_POOL_SIZE", 10, 4, 1000),
            max_body_bytes: parser.number("MAX_BODY_BYTES", 1 << 20, 1024, LARGEST_BODY_LIMIT),
            journal_retention: parser.duration("JOURNAL_RETENTION", "30d"),
            journal_bodies: parser.choice(
                "JOURNAL_BODIES",
                &[("quarantined", Bodies::Quarantined), ("all", Bodies::All)],
            ),
            delete_policy: parser.delete_policy(),
            repair: parser.repair(&bindings),
            grant_select_to: parser.grant_select_to(),
            admin_token: parser.admin_token(),
            logging: parser.logging(purpose),
            traces: parser.traces(),
            database: match database {
                Some(database) => database,
                None => return Err(parser.all_mistakes()),
            },
        };
        parser.finish(config)
    }
}

impl Place {
    pub fn parse(environment: &Environment) -> Result<Self, Mistakes> {
        let mut parser = Parser::new(environment);
        let bindings = parser.bindings();
        let place = Self {
            data_dir: parser.data_dir(),
            listen: parser.listen(false),
            is_elsewhere: parser.says_where_to_listen() || parser.names_a_server(),
            sources: parser.sources(&bindings),
        };
        parser.finish(place)
    }
}
