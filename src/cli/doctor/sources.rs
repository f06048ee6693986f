//! The sources: their secrets, and when they were last heard.

use jiff::Timestamp;
use tokio_postgres::{Client, Error};

use super::check::Checks;
use crate::api;
use crate::config::{keys_variable, secret_variable};
use crate::db::status::SILENCE;
use crate::db::{findings, runs, status};
use crate::model::Kind;
use crate::signature::Secret;
use crate::webhook::Source;

pub(super) fn secrets(checks: &mut Checks, sources: &[Source]) {
    for (place, source) in sources.iter().enumerate() {
        let name = format!("secret of {}", source.name);
        let variable = secret_variable(&source.name);
        let mut weaknesses = source.secrets.iter().map(Secret::weakness).enumerate();
        let shared = sources[..place].iter().find(|other| share_a_secret(source, other));
        if let Some((place, weakness)) = weaknesses.find_map(|(at, found)| Some((at + 1, found?))) {
            let advice = format!(
                "`serve` refuses it: is all of it in {variable}? Copy the signing secret{} again, whole",
                source.provider.scheme.secrets().example()
            );
            checks.fail(&name, format!("secret {place} {weakness}"), advice);
        } else if let Some(other) = shared {
            let advice = format!(
                "each endpoint has a signing secret of its own: copy that of this one to {variable}"
            );
            checks.warn(&name, format!("is that of {} too", other.name), advice);
        } else if source.secrets.is_empty() {
            checks.ok(&name, "none: the provider publishes its keys");
        } else {
            let count = source.secrets.len();
            let rotating = if count > 1 { ", rotating" } else { "" };
            checks.ok(&name, format!("{count} of a plausible length{rotating}"));
        }
    }
}

fn share_a_secret(one: &Source, other: &Source) -> bool {
    one.secrets.iter().any(|a| other.secrets.iter().any(|b| a.expose() == b.expose()))
}

/// What the signature of each source proves.
pub(super) fn signatures(checks: &mut Checks, sources: &[Source]) {
    for source in sources {
        let scheme = source.provider.scheme;
        let (name, found) = (format!("signature of {}", source.name), scheme.explanation());
        if scheme.covers_the_body() {
            checks.ok(&name, found);
            continue;
        }
        let advice = "it does not cover the body, so anyone who sees one request can send others: give the provider an address with https, and let no proxy log headers";
        checks.warn(&name, found, advice);
    }
}

/// Fetches the keys that the providers publish.
pub(super) async fn keys(checks: &mut Checks, sources: &[Source]) {
    for source in sources {
        let Some(set) = &source.published else { continue };
        let name = format!("keys of {}", source.name);
        match api::update(set).await {
            Ok(()) => checks.ok(&name, format!("{} published", set.known().len())),
            Err(error) => {
                let advice = format!(
                    "check the address in {}, and that this machine reaches it: until then every delivery is answered by 503",
                    keys_variable(&source.name)
                );
                checks.fail(&name, crate::error_chain(&error), advice);
            }
        }
    }
}

pub(super) async fn deliveries(checks: &mut Checks, client: &Client, sources: &[Source]) {
    if let Err(error) = look(checks, client, sources).await {
        checks.fail("deliveries", crate::error_chain(&error), "the journal could not be read");
    }
}

async fn look(checks: &mut Checks, client: &Client, sources: &[Source]) -> Result<(), Error> {
    let names: Vec<_> = sources.iter().map(|source| &*source.name).collect();
    let last = status::last_deliveries(client, &names).await?;
    for (source, last) in sources.iter().zip(last) {
        heard(checks, source, last);
    }
    for run in runs::silences(client, &names, Kind::User).await? {
        if let Some(silence) = run.counts.silence() {
            let advice = "look at the endpoint in the provider's dashboard; this ends with a reconcile that finds none";
            checks.warn(&format!("silence of {}", run.source), silence.to_string(), advice);
        }
    }
    for reason in status::quarantine(client, None, None).await? {
        let found = format!("{} of {}: {}", reason.deliveries, reason.source, reason.reason);
        let advice = "look at one (`GET /api/deliveries?outcome=quarantined`); after a fix or an upgrade `users-sync replay --quarantined`";
        checks.warn("quarantine", found, advice);
    }
    for finding in findings::newest(client).await? {
        let found = format!("{} {}", finding.subject, finding.id);
        checks.warn("finding", found, finding.detail);
    }
    Ok(())
}

fn heard(checks: &mut Checks, source: &Source, last: Option<Timestamp>) {
    let name = format!("deliveries of {}", source.name);
    let title = source.provider.title;
    let Some(last) = last else {
        let advice = format!(
            "in the dashboard of {title} add an endpoint with the path /webhooks/{} and the events {}; `users-sync send` plays one meanwhile",
            source.name,
            source.provider.subscriptions()
        );
        return checks.warn(&name, "none that the journal remembers", advice);
    };
    let ago = Timestamp::now().duration_since(last);
    let found = format!("the last one at {last:.0}");
    if ago > SILENCE {
        let advice = format!(
            "look at the endpoint in the dashboard of {title}: is it enabled, and do its attempts fail?"
        );
        checks.warn(&name, format!("{found}, {} days ago", ago.as_hours() / 24), advice);
    } else {
        checks.ok(&name, found);
    }
}
