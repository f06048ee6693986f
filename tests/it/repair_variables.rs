//! The variables of the providers' APIs.

use std::collections::HashMap;
use std::time::Duration;

use users_sync::config::{Config, Environment, Mistakes, Purpose};

fn parse(values: &[(&str, &str)]) -> Result<Config, Mistakes> {
    let url = ("DATABASE_URL", "postgres://app@db.example.com/app");
    let values = values.iter().chain([&url]);
    let values: HashMap<_, _> =
        values.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Config::parse(&Environment::of(values), Purpose::Serve)
}

fn mistakes(values: &[(&str, &str)]) -> String {
    parse(values).expect_err("a mistake").to_string()
}

const CLERK: (&str, &str) = ("CLERK_SECRET_KEY", "sk_test_the_secret");
const STACK: [(&str, &str); 2] =
    [("STACK_PROJECT_ID", "a-project"), ("STACK_SECRET_SERVER_KEY", "ssk_the_secret")];

#[test]
fn a_key_alone_is_enough_to_serve() {
    let config = parse(&[CLERK]).expect("a configuration");

    assert_eq!(config.repair.apis.len(), 1);
    assert_eq!(config.repair.apis[0].url, "https://api.clerk.com/v1");
    assert_eq!(config.repair.every, Some(Duration::from_secs(3600)));
    assert!(config.sources.is_empty() && config.repair.refetch.is_empty());
}

#[test]
fn half_of_the_credentials_are_a_mistake_that_names_the_other() {
    let reported = mistakes(&[STACK[0], CLERK]);

    assert!(
        reported.contains("STACK_SECRET_SERVER_KEY: is missing: a secret server key"),
        "{reported}"
    );
}

#[test]
fn refetch_is_the_default_for_stack_with_a_key_and_optional_for_clerk() {
    let of = |values: &[(&str, &str)]| {
        let refetch = parse(values).expect("a configuration").repair.refetch;
        let mut names: Vec<_> = refetch.iter().map(|name| name.to_string()).collect();
        names.sort();
        names
    };
    let [project, key] = STACK;

    assert_eq!(of(&[project, key, CLERK]), ["stack"]);
    assert_eq!(of(&[project, key, ("STACK_TRUST", "payload")]), Vec::<String>::new());
    assert_eq!(of(&[CLERK, ("CLERK_TRUST", "refetch")]), ["clerk"]);
    let reported = mistakes(&[CLERK, ("STACK_TRUST", "refetch")]);
    assert!(
        reported.contains("STACK_TRUST: is refetch, so STACK_SECRET_SERVER_KEY is needed"),
        "{reported}"
    );
}

#[test]
fn reconciling_can_be_switched_off() {
    let config = parse(&[CLERK, ("RECONCILE_INTERVAL", "off")]).expect("a configuration");

    assert_eq!(config.repair.every, None);
    let reported = mistakes(&[CLERK, ("RECONCILE_INTERVAL", "often")]);
    assert!(reported.contains("RECONCILE_INTERVAL: is not a length of time"), "{reported}");
}

#[test]
fn unusable_values_are_reported() {
    let long = "c".repeat(64);
    let reported = mistakes(&[
        CLERK,
        ("CLERK_API_URL", "api.clerk.com"),
        ("ADMIN_TOKEN", "short"),
        ("NOTIFY_CHANNEL", &long),
    ]);

    assert!(reported.contains("CLERK_API_URL: is not an address"), "{reported}");
    assert!(reported.contains("ADMIN_TOKEN: is shorter than 16 characters"), "{reported}");
    assert!(reported.contains("NOTIFY_CHANNEL: is longer than 63 bytes"), "{reported}");
    assert!(!reported.contains("short\n"), "{reported}");
}

#[test]
fn debug_output_contains_no_secret() {
    let [project, key] = STACK;
    let config = parse(&[project, key, CLERK, ("ADMIN_TOKEN", "the token of an operator")]);

    let shown = format!("{:?}", config.expect("a configuration"));

    for secret in ["sk_test_the_secret", "ssk_the_secret", "the token of an operator"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
