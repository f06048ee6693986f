//! `.env.example` explains every variable, and a copy of it is a valid `.env`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use users_sync::config::{Config, Environment, Purpose, secret_variable};
use users_sync::provider;
use users_sync::signature::{Form, Secret};

use super::{environment, variables};
use crate::harness::SECRET;

const ENV_EXAMPLE: &str = include_str!("../../../.env.example");

/// The commented-out variables of `.env.example`, with their examples.
fn examples() -> BTreeMap<&'static str, &'static str> {
    let example = |line: &'static str| {
        let (name, value) = line.strip_prefix('#')?.split_once('=')?;
        let is_name =
            name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        is_name.then_some((name, value))
    };
    ENV_EXAMPLE.lines().filter_map(example).collect()
}

#[test]
fn env_example_has_every_variable_and_no_others() {
    let described: BTreeSet<_> = examples().into_keys().map(str::to_owned).collect();

    assert_eq!(described, variables());
}

#[test]
fn env_example_can_be_copied_as_it_is() {
    let set: Vec<_> =
        ENV_EXAMPLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();

    assert_eq!(set, Vec::<&str>::new());
}

/// The examples that are not paths of files.
fn example_values() -> HashMap<String, String> {
    let files = ["USERS_SYNC_CONFIG", "PGPASSFILE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY"];
    let is_file = |name: &str| name.ends_with("_FILE") || files.contains(&name);
    examples()
        .into_iter()
        .filter(|(name, _)| !is_file(name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// They give access to the service, and every reader of the repository knows their examples.
fn gives_access(name: &str) -> bool {
    let ends = ["_WEBHOOK_SECRET", "_WEBHOOK_SIGNING_SECRET", "ADMIN_TOKEN"];
    ends.iter().any(|end| name.ends_with(end))
}

#[test]
fn the_program_accepts_every_example_of_env_example() {
    let mut values = example_values();
    for (name, value) in values.iter_mut().filter(|(name, _)| gives_access(name)) {
        let mut providers = provider::ALL.into_iter();
        let of_provider = providers.find(|provider| secret_variable(provider.name) == *name);
        *value = match of_provider.map(|provider| provider.scheme.secrets()) {
            Some(Form::Public) => Secret::random(Form::Public).to_text(),
            _ => SECRET.to_owned(),
        };
    }

    let config = Config::parse(&Environment::of(values), Purpose::Serve);

    assert!(config.is_ok(), "{}", config.expect_err("an error"));
}

#[test]
fn an_example_secret_in_env_example_gives_no_access() {
    for (name, value) in example_values().iter().filter(|(name, _)| gives_access(name)) {
        let url = ("DATABASE_URL", "postgres://");
        let example = environment(&[url, ("CLERK_SECRET_KEY", "sk"), (name, value)]);

        let refused = Config::parse(&example, Purpose::Serve).expect_err(name).to_string();

        assert!(refused.contains(&format!("  {name}: ")), "{refused}");
        assert!(!refused.contains(value), "{refused}");
    }
}
