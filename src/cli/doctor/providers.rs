//! The providers' APIs: one real question to each that there is a key for.

use std::time::Duration;

use super::check::Checks;
use crate::api::{Client, Error, Obstacle, Page, Patience, Settings};

/// Somebody waits for the answer, so nothing is tried again.
const PATIENCE: Patience = Patience {
    connect: Duration::from_secs(5),
    answer: Duration::from_secs(8),
    tries: 1,
    least_delay: Duration::ZERO,
    most_delay: Duration::ZERO,
};

pub(super) async fn check(checks: &mut Checks, apis: &[Settings]) {
    if apis.is_empty() {
        checks.skip("api", "no key to a provider's API is set");
    }
    for settings in apis {
        let name = format!("api of {}", settings.source);
        match ask(settings).await {
            Ok(found) => checks.ok(&name, found),
            Err(error) => refused(checks, &name, &error),
        }
    }
}

/// The first page of users, as a backfill asks for it.
async fn ask(settings: &Settings) -> Result<String, Error> {
    let client = Client::new(settings, PATIENCE)?;
    let Page { users, unreadable, next, .. } = client.page(None).await?;
    let (listed, title) = (users.len(), client.provider().title);
    let total = if next.is_some() { client.count().await? } else { None };
    let of_all = match (next, total) {
        (None, _) => "all of them".to_owned(),
        (Some(_), Some(total)) => format!("of {total}"),
        (Some(_), None) => "and there are more".to_owned(),
    };
    let unreadable = match unreadable {
        0 => String::new(),
        some => format!("; {some} more cannot be read"),
    };
    Ok(format!("{title} takes the key and lists {listed} users, {of_all}{unreadable}"))
}

fn refused(checks: &mut Checks, name: &str, error: &Error) {
    let found = crate::error_chain(error);
    let advice = match error.obstacle() {
        Obstacle::Key => {
            "copy the key again from the dashboard of this very instance or project: the table does not repair itself without it"
        }
        Obstacle::Rate => {
            return checks.warn(
                name,
                found,
                "try again in a minute; if it stays, something else uses the same key",
            );
        }
        Obstacle::Outage => {
            return checks.warn(name, found, "look at the provider's status page, and try again");
        }
        Obstacle::Name => {
            "the name is not known here: check the address, and the DNS of this machine"
        }
        Obstacle::Tls => {
            "no trusted TLS: check the address, the clock, and whether a proxy between needs an authority of its own"
        }
        Obstacle::Silence => {
            "nothing answers in time: let this machine reach it by HTTPS, or set HTTPS_PROXY"
        }
        Obstacle::Connection => {
            "nothing listens there: check the address, and that a firewall lets this machine out"
        }
        Obstacle::Address => "check the address of the API and the ids beside the key",
        Obstacle::Answer => "what answers may not be the provider's API: check the address",
    };
    checks.fail(name, found, advice);
}
