//! Tests of the variables of providers that none of ours is like: each tenant has its own address, or there is no API.

use std::collections::HashMap;

use crate::api::Settings;
use crate::config::file::Binding;
use crate::config::parser::Parser;
use crate::config::{Environment, Mistakes};
use crate::provider::api::{Address, Api, Credential};
use crate::provider::{ALL, Provider};

const CREDENTIALS: &[Credential] = &[
    Credential { variable: "ACME_ID", expected: "the id", names_instance: false },
    Credential { variable: "ACME_SECRET", expected: "the secret", names_instance: false },
];

/// A provider like our first one, at the address of each tenant.
fn acme(api: Option<Api>) -> &'static Provider {
    let api = api.map(|api| Api {
        address: Address::OfTenant("https://TENANT.acme.example/api"),
        credentials: CREDENTIALS,
        ..api
    });
    Box::leak(Box::new(Provider { name: "acme", title: "Acme", api, ..*ALL[0] }))
}

/// Its settings, and whether it is refetched.
fn parse(
    provider: &'static Provider,
    values: &[(&str, &str)],
) -> Result<(Option<Settings>, bool), Mistakes> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let environment = Environment::of(values.iter().map(own).collect::<HashMap<_, _>>());
    let mut parser = Parser::new(&environment);
    let settings = parser.api(&Binding::of(provider));
    let refetch = parser.refetch(&Binding::of(provider), settings.as_ref()).is_some();
    parser.finish((settings, refetch))
}

const KEYS: [(&str, &str); 2] = [("ACME_ID", "an-id"), ("ACME_SECRET", "a-secret")];
const URL: (&str, &str) = ("ACME_API_URL", "https://one.acme.example/api");

#[test]
fn the_address_of_a_tenant_is_required_with_its_credentials() {
    let provider = acme(ALL[0].api);
    let [id, secret] = KEYS;

    let refused = parse(provider, &KEYS).expect_err("no address").to_string();
    let (settings, _) = parse(provider, &[id, secret, URL]).expect("whole settings");
    let (nothing, _) = parse(provider, &[]).expect("nothing is required");

    let expected = "ACME_API_URL: is missing: the address of your own API, such as https://TENANT.acme.example/api";
    assert!(refused.contains(expected), "{refused}");
    assert_eq!(settings.expect("settings").url, URL.1);
    assert!(nothing.is_none());
    let named = super::variables_of(provider);
    assert_eq!(named.as_deref(), Some("ACME_ID and ACME_SECRET and ACME_API_URL"));
}

#[test]
fn a_provider_without_an_api_has_no_variables_of_one() {
    let provider = acme(None);
    let [id, secret] = KEYS;

    let (settings, refetch) = parse(provider, &[id, secret, URL]).expect("they are not read");
    let refused = parse(provider, &[("ACME_TRUST", "refetch")]).expect_err("no API").to_string();

    assert!(settings.is_none() && !refetch);
    assert!(refused.contains("ACME_TRUST: is set, but Acme has no API to ask: unset it"));
    assert_eq!(super::variables_of(provider), None);
}
