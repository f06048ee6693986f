//! What every provider has to bring, held against the list of all: a new one that forgets a part fails here.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use users_sync::provider::{self, Provider, Sample};

use crate::harness::{Front, Signed};

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The variable without which no delivery of a provider can be verified.
fn variable(provider: &Provider) -> String {
    let name = provider.name.to_ascii_uppercase();
    match provider.scheme.secrets() {
        users_sync::signature::Form::Public => format!("{name}_JWKS_URL"),
        _ => format!("{name}_WEBHOOK_SECRET"),
    }
}

#[test]
fn every_provider_has_a_page_with_its_endpoint_and_its_variable() {
    for provider in provider::ALL {
        let page = read(&format!("docs/providers/{}.md", provider.name));

        assert!(page.starts_with(&format!("# {}\n", provider.title)), "{}", provider.name);
        assert!(page.contains(&format!("/webhooks/{}`", provider.name)), "{}", provider.name);
        assert!(page.contains(&format!("`{}`", variable(provider))), "{}", provider.name);
    }
}

#[test]
fn every_provider_has_a_paragraph_in_the_example_of_an_environment() {
    let example = read(".env.example");

    for provider in provider::ALL {
        let line = format!("\n#{}=", variable(provider));
        assert!(example.contains(&line), "{} is missing", line.trim());
    }
}

#[tokio::test]
async fn a_sample_of_every_event_is_understood() {
    let front = Front::new().await;
    for provider in provider::ALL {
        // The first source that names an entity owns it.
        front.forget().await;
        for (event, kind) in provider.events {
            let (id, user_id) = ("sample_1", "sample_2");
            let (organization_id, email) = ("sample_3", "ada@example.com");
            let now = Timestamp::now();
            let sample = Sample { event_type: event, id, user_id, organization_id, email, now };
            let body = (provider.sample)(&sample).to_string();
            let decoded = Signed::new(provider.name, body.clone()).decoded();

            assert_eq!(decoded.event_type.as_deref(), Some(*event), "{}", provider.name);
            let keys = decoded.verdict.changes().iter().map(|change| change.key());
            let mut keys = keys.chain(&decoded.named);
            assert!(
                keys.any(|key| key.kind == *kind),
                "{} {event}: {:?}",
                provider.name,
                decoded.verdict
            );
            let outcome = front.receive(&Signed::new(provider.name, body)).await;
            assert!(["applied", "stale", "ignored"].contains(&&*outcome), "{event}: {outcome}");
        }
    }
}
