//! Explains why rows may differ from the providers' data, with remedies.

use std::sync::Arc;

use jiff::Timestamp;

use super::App;
use super::times::time;
use crate::config::secret_variable;
use crate::db::runs::Silence;
use crate::db::status::SILENCE;
use crate::http::sources::{Known, Standing};
use crate::metrics::Rejected;
use crate::signature::Reason;

pub(super) struct Cause {
    /// The anchor on the first page.
    pub(super) place: String,
    pub(super) source: Arc<str>,
    pub(super) title: &'static str,
    pub(super) found: String,
    pub(super) advice: String,
    /// Whether things went well since.
    pub(super) past: bool,
}

pub(super) fn all(app: &App, standings: &[Standing]) -> Vec<Cause> {
    standings.iter().flat_map(|standing| of(app, standing)).collect()
}

fn of(app: &App, Standing { known, last_delivery_at, silence, .. }: &Standing) -> Vec<Cause> {
    let rejections = app.sync.metrics().rejections(&known.name);
    let rejected = rejections.iter().map(|rejected| refused(known, rejected, *last_delivery_at));
    let silent = silent(known, *last_delivery_at);
    let unannounced = silence.map(|silence| unannounced(known, silence));
    rejected.chain(silent).chain(unannounced).collect()
}

fn refused(known: &Known, rejected: &Rejected, last: Option<Timestamp>) -> Cause {
    let &Rejected { reason, requests, last_at } = rejected;
    let requests = if requests == 1 { "1 request".into() } else { format!("{requests} requests") };
    let past = last.is_some_and(|last| last > last_at);
    let since = if past { " A delivery was accepted after it." } else { "" };
    let (what, at) = (what(reason), time(last_at));
    let found =
        format!("{requests} {what} since this process started; the last one at {at}.{since}");
    let kind = format!("refused-{}", reason.code());
    Cause { past, ..cause(known, &kind, found, advice(known, reason)) }
}

fn what(reason: Reason) -> &'static str {
    match reason {
        Reason::NoSecretMatches => "did not match any secret",
        Reason::TooOld => "came too long after the signing",
        Reason::TooNew => "came with a signature from too far ahead",
        Reason::MissingHeader => "came without all headers of a signature",
        Reason::MalformedHeader => "came with a signature header that cannot be read",
        Reason::MalformedBody => "came without a signed body",
        Reason::UnknownKey => "named a key that the provider does not publish",
        Reason::OtherBody => "came with a signature for another body",
    }
}

fn advice(Known { name, provider, .. }: &Known, reason: Reason) -> String {
    let title = provider.title;
    match reason {
        Reason::NoSecretMatches => format!(
            "Copy the signing secret{} of the endpoint /webhooks/{name} from the dashboard of {title} to {}, and start users-sync again. If it is right, something changes the body on its way: capture a request and ask `users-sync doctor --file request.http`.",
            provider.scheme.secrets().example(),
            secret_variable(name)
        ),
        Reason::TooOld => "This machine's clock is ahead (`timedatectl`), or something holds requests up or sends recorded ones once more.".into(),
        Reason::TooNew => "This machine's clock is behind (`timedatectl`).".into(),
        Reason::OtherBody => "Something changes the body on its way, or a stranger sends another body with a recorded signature.".into(),
        Reason::UnknownKey => format!(
            "A stranger, or {title} signs with the keys of another environment: look at the address of its published keys."
        ),
        Reason::MissingHeader | Reason::MalformedHeader | Reason::MalformedBody => format!(
            "A stranger, or a proxy that drops or changes headers: let {} through as they are.",
            provider.scheme.headers()
        ),
    }
}

/// A source that never sends deliveries is not silent.
fn silent(known: &Known, last: Option<Timestamp>) -> Option<Cause> {
    let long_ago = |last: Timestamp| Timestamp::now().duration_since(last) > SILENCE;
    if known.secrets == 0 || !last.is_none_or(long_ago) {
        return None;
    }
    let Known { name, provider, .. } = known;
    let (title, events) = (provider.title, provider.subscriptions());
    let (found, advice) = match last {
        Some(last) => (
            format!("Silent since {}: no delivery has come.", time(last)),
            format!(
                "Look at the endpoint in the dashboard of {title}: is it enabled, is it subscribed to {events}, and do its attempts fail?"
            ),
        ),
        None => (
            "It has sent nothing that the journal remembers.".into(),
            format!(
                "In the dashboard of {title} add an endpoint with the path /webhooks/{name} and the events {events}."
            ),
        ),
    };
    Some(cause(known, "silent", found, advice))
}

fn unannounced(known: &Known, silence: Silence) -> Cause {
    let advice = "This stands until a reconcile finds none.".into();
    cause(known, "unannounced", silence.to_string(), advice)
}

fn cause(known: &Known, kind: &str, found: String, advice: String) -> Cause {
    let Known { name, provider, .. } = known;
    let place = format!("{kind}-{name}");
    Cause { place, source: name.clone(), title: provider.title, found, advice, past: false }
}
