//! Which database is meant: the one that is named, or one of our own where none is.

use std::path::PathBuf;

use users_sync_conninfo::Conninfo;
use users_sync_embedded::Settings;

use super::parser::Parser;
use super::{Database, PROGRAM};
use crate::embedded;

/// Of libpq's variables those that say which database; the others only say how to reach it.
const SAY_WHERE: [&str; 3] = ["PGHOST", "PGHOSTADDR", "PGDATABASE"];

/// Of libpq's variables those that are set for one database, but do not say which.
const SAY_HOW: [&str; 3] = ["PGPORT", "PGUSER", "PGPASSWORD"];

/// Of libpq's variables those that ask for a protection that we do not give, and what to do about it.
const UNKEPT: [(&str, &str); 6] = [
    ("PGGSSENCMODE", "asks for GSSAPI, which is not spoken: unset it, or set it to disable"),
    (
        "PGREQUIREAUTH",
        "cannot be checked: unset it; PGCHANNELBINDING=require is the stronger promise",
    ),
    ("PGREQUIREPEER", "cannot be checked: unset it"),
    ("PGREQUIRESSL", "is not read: set PGSSLMODE=require"),
    ("PGSSLCRL", "names a revocation list, and those are not read: unset it"),
    ("PGSSLCRLDIR", "names revocation lists, and those are not read: unset it"),
];

/// Where other programs and platforms have a database's URL.
const OTHER_NAMES: [&str; 23] = [
    "DATABASE_CONNECTION_STRING",
    "DATABASE_DSN",
    "DATABASE_PRIVATE_URL",
    "DATABASE_PUBLIC_URL",
    "DATABASE_URI",
    "DATABASE_URL_UNPOOLED",
    "DB_URI",
    "DB_URL",
    "DIRECT_DATABASE_URL",
    "DIRECT_URL",
    "NEON_DATABASE_URL",
    "PG_CONNECTION_STRING",
    "PG_URL",
    "POSTGRESQL_URI",
    "POSTGRESQL_URL",
    "POSTGRES_CONNECTION_STRING",
    "POSTGRES_DSN",
    "POSTGRES_PRISMA_URL",
    "POSTGRES_URI",
    "POSTGRES_URL",
    "POSTGRES_URL_NON_POOLING",
    "POSTGRES_URL_NO_SSL",
    "SUPABASE_DB_URL",
];

impl Parser<'_> {
    /// A database that the variables hint at is used or refused: rows that are committed to another one are lost to the operator.
    pub(super) fn database(&mut self) -> Option<Database> {
        if self.environment.is_broken("DATABASE_URL") {
            return None;
        }
        if self.is_set("DATABASE_URL") {
            let url = self.secret("DATABASE_URL")?;
            if !url.is_empty() {
                return self.server("DATABASE_URL", &url);
            }
        }
        if self.environment.hints_at("PGSERVICE", |value| !value.is_empty()) {
            let problem = "is set, but service files are not read: set DATABASE_URL (or unset it)";
            self.mistake("PGSERVICE", problem);
            return None;
        }
        if let Some(variable) = SAY_WHERE.into_iter().find(|name| self.value(name).is_some()) {
            return self.server(variable, "");
        }
        for variable in ["DATABASE_URL", "DATABASE_URL_FILE"] {
            if self.environment.has(variable) {
                let problem = "is set but empty: set it to the URL of your database, or unset it and users-sync starts a Postgres of its own";
                self.mistake(variable, problem);
                return None;
            }
        }
        if self.means_another_database() {
            return None;
        }
        self.embedded().map(Database::Embedded)
    }

    pub(super) fn names_a_server(&self) -> bool {
        self.is_set("DATABASE_URL") || SAY_WHERE.into_iter().any(|name| self.value(name).is_some())
    }

    fn server(&mut self, variable: &str, url: &str) -> Option<Database> {
        for (name, problem) in UNKEPT {
            if self.environment.hints_at(name, asks_for_something) {
                self.mistake(name, problem);
            }
        }
        match Conninfo::parse(url, PROGRAM, &|name| self.environment.get(name)) {
            Ok(conninfo) => Some(Database::Server(conninfo)),
            Err(error) => {
                self.mistake(variable, crate::error_chain(&error));
                None
            }
        }
    }

    /// Notes down what says that there is a database, where nothing says which.
    fn means_another_database(&mut self) -> bool {
        let urls = OTHER_NAMES.into_iter().filter(|name| self.environment.hints_at(name, is_a_url));
        let urls = urls.map(|name| {
            (name, "is the URL of a database, but users-sync reads DATABASE_URL: set that one")
        });
        let users = SAY_HOW.into_iter().filter(|name| self.value(name).is_some());
        let users = users.map(|name| (name, "is set, but nothing says which database: set DATABASE_URL, or PGHOST and PGDATABASE"));
        let hints: Vec<_> = urls.chain(users).collect();
        for (name, problem) in &hints {
            self.mistake(
                name,
                format_args!("{problem} (or unset it for a Postgres of users-sync's own)"),
            );
        }
        !hints.is_empty()
    }

    fn embedded(&mut self) -> Option<Settings> {
        let Some(data_dir) = self.data_dir() else {
            let problem = "is needed for the embedded Postgres, because there is no home directory; or set DATABASE_URL";
            self.mistake("USERS_SYNC_DATA_DIR", problem);
            return None;
        };
        Some(Settings {
            data_dir,
            database: embedded::NAME.to_owned(),
            bin_dir: self.value("PG_BIN_DIR").map(PathBuf::from),
            path: self.environment.search_path(),
            guard: self.environment.executable().to_owned(),
        })
    }

    /// Not asked for where there is another database.
    pub(super) fn named_data_dir(&self, in_production: bool) -> Option<PathBuf> {
        let named = if in_production { None } else { self.value("USERS_SYNC_DATA_DIR") };
        named.map(PathBuf::from)
    }

    pub(super) fn data_dir(&self) -> Option<PathBuf> {
        let path = |name| self.value(name).map(PathBuf::from);
        path("USERS_SYNC_DATA_DIR").or_else(|| {
            let is_root = self.environment.is_root();
            embedded::default_data_dir(is_root, path("XDG_DATA_HOME"), path("HOME"))
        })
    }
}

/// Whether it is not one of the words by which libpq's variables ask for nothing.
fn asks_for_something(value: &str) -> bool {
    !matches!(value, "" | "0" | "disable" | "prefer")
}

fn is_a_url(value: &str) -> bool {
    let value = value.trim_start_matches(['"', '\'']);
    value.starts_with("postgres://") || value.starts_with("postgresql://")
}
