//! `README.md`, `docs/` and `.env.example` say what the program does.

mod env_example;
mod links;
mod lists;
mod pages;
mod snippets;

use std::collections::BTreeSet;

use users_sync::config::{Config, Environment, Purpose};

use crate::harness::SECRET;

/// The program reads them, but the system sets them: no page explains them.
const OF_THE_SYSTEM: [&str; 4] = ["HOME", "PATH", "USER", "XDG_DATA_HOME"];

fn environment(variables: &[(&str, &str)]) -> Environment {
    let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Environment::of(owned.collect())
}

/// Every variable that the program reads, with an embedded database and with a given one.
fn variables() -> BTreeSet<String> {
    let embedded = environment(&[("USERS_SYNC_DATA_DIR", "/nowhere")]);
    Config::parse(&embedded, Purpose::Serve).expect("no variable is required");
    let given = environment(&[("DATABASE_URL", "postgres://"), ("CLERK_WEBHOOK_SECRET", SECRET)]);
    Config::parse(&given, Purpose::Serve).expect("a URL and a secret are enough");

    let mut read: BTreeSet<_> = embedded.asked().union(&given.asked()).cloned().collect();
    for name in OF_THE_SYSTEM {
        read.remove(name);
    }
    read
}
