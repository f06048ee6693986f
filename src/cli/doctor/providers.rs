//! The providers' APIs: real questions to each that there is a key for.

use std::time::Duration;

use super::check::Checks;
use crate::api::{Client, Error, Obstacle, Patience, Settings, Walk};
use crate::cli::open::Open;
use crate::config::Config;
use crate::model::Kind;
use crate::sync::guard::{self, Refusal, Wanted};
use crate::sync::reconcile;

/// The operator waits for the answer, so no request is repeated.
const PATIENCE: Patience = Patience {
    connect: Duration::from_secs(5),
    answer: Duration::from_secs(8),
    tries: 1,
    least_delay: Duration::ZERO,
    most_delay: Duration::ZERO,
};

pub(super) async fn check(checks: &mut Checks, config: &Config, open: Option<&Open>) {
    let apis = &config.repair.apis;
    let silent = config.sources.iter().filter(|source| source.provider.api.is_none());
    for source in silent.clone() {
        let title = source.provider.title;
        let why =
            format!("{title} has no API that users-sync can ask: only webhooks fill the table");
        checks.skip(&format!("api of {}", source.name), &why);
    }
    if apis.is_empty() && silent.count() == 0 {
        checks.skip("api", "no key to a provider's API is set");
    }
    for settings in apis {
        let name = format!("api of {}", settings.source);
        match ask(settings, open, apis.len() == 1).await {
            Ok(Answer::Whole(found)) => checks.ok(&name, found),
            Ok(Answer::Broken(found, advice)) => checks.fail(&name, found, advice),
            Err(error) => refused(checks, &name, &error),
        }
    }
}

enum Answer {
    Whole(String),
    /// The fault, and the advice.
    Broken(String, &'static str),
}

/// The first pages of users, as a backfill asks for them, and one of the users in the table.
async fn ask(settings: &Settings, open: Option<&Open>, sole: bool) -> Result<Answer, Error> {
    let client = Client::new(settings, PATIENCE)?;
    let mut walk = Walk::new(Kind::User);
    let first = walk.next(&client).await?;
    let (listed, unreadable) = first.map_or((0, 0), |page| (page.readings.len(), page.unreadable));
    let goes_on = walk.cursor().is_some();
    // Only a second page shows whether the first was left behind.
    walk.next(&client).await?;
    if let Err(incomplete) = walk.so_far(&client).await {
        let advice =
            "until this is repaired no reconcile can find missing users, and no user is deleted";
        return Ok(Answer::Broken(incomplete.to_string(), advice));
    }
    if let Some(refusal) = of_others(&client, open, sole).await {
        let advice =
            "copy the key again from the dashboard of the instance that sends the webhooks";
        return Ok(Answer::Broken(refusal.to_string(), advice));
    }
    let of_all = match (goes_on, if goes_on { client.total(Kind::User).await } else { None }) {
        (false, _) => "all of them".to_owned(),
        (true, Some(total)) => format!("of {total}"),
        (true, None) => "and there are more".to_owned(),
    };
    let unreadable = match unreadable {
        0 => String::new(),
        some => format!("; {some} more cannot be read"),
    };
    let title = client.provider().title;
    Ok(Answer::Whole(format!(
        "{title} takes the key and lists {listed} users, {of_all}{unreadable}"
    )))
}

/// The refusal if the users in the table are not this API's. Other checks report other obstacles.
async fn of_others(client: &Client, open: Option<&Open>, sole: bool) -> Option<Refusal> {
    let pool = open?.conninfo.pool(1).ok()?;
    let wanted = Wanted { kind: Kind::User, sole, allow_deletes: 0 };
    match guard::known::<reconcile::Error>(&pool, client, wanted).await {
        Err(reconcile::Error::Refused(refusal)) => Some(refusal),
        _ => None,
    }
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
        Obstacle::Timeout => {
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
