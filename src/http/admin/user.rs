//! One user: the row, why it may be stale, its deliveries, and fetching it at once.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::causes::Cause;
use super::entity::LONGEST;
use super::members::{GrantLine, Members};
use super::session::Session;
use super::times::time;
use super::views::{self, Body, Doubt, Line, User};
use super::{App, Csrf, PAGE, Problem, causes, links};
use crate::config;
use crate::db::entities::{self, Entity};
use crate::db::journal::search::{self, Filter, Quarantined};
use crate::http::body::Form;
use crate::http::deliveries::{cursor, place};
use crate::http::{connection_of, failed, organizations, sources, users};
use crate::model::Key;
use crate::provider::{self, Provider};

#[derive(Deserialize)]
pub(super) struct Wanted {
    id: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    members: String,
    synced: Option<String>,
    private: Option<String>,
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    Extension(session): Extension<Session>,
    Query(Wanted { id, after, members, synced, private }): Query<Wanted>,
) -> Result<Response, Problem> {
    let id = users::possible(id)?;
    let after = if after.is_empty() { None } else { Some(place(&after)?) };
    let members = if members.is_empty() { None } else { Some(organizations::place(&members)?) };
    let client = connection_of(&app).await?;
    let key = Key::user(id.clone());
    let filter = Filter { entity: Some(key.clone()), ..Filter::default() };
    let (known, memberships, grants, page, naming, standings) = tokio::try_join!(
        entities::one(&client, &key, LONGEST),
        entities::memberships(&client, &key, members.as_ref(), PAGE),
        entities::grants(&client, &id, PAGE),
        search::page(&client, &filter, after.as_ref(), PAGE),
        search::naming(&client, &id),
        sources::standings(&app, &client),
    )
    .map_err(failed)?;
    let raw_json = known.as_ref().and_then(|known| known.raw_json.as_ref()?.as_str());
    let href = links::user(&id);
    let page_at =
        |field: &str, next: &str| links::query("/admin/users", &[("id", &id), (field, next)]);
    let api = links::entity_api(&key);
    let user = User {
        csrf: session.csrf,
        body: raw_json.map(|text| Body::of(text, private.is_some(), &href, api)),
        doubts: doubts(naming, causes::all(&app, &standings), known.as_ref()),
        cannot_fetch: cannot_fetch(&app, known.as_ref()),
        synced: synced.as_deref().and_then(in_words),
        members: Members::of(&key, memberships, |next| page_at("members", next) + "#members"),
        grants: grants.into_iter().map(GrantLine::of).collect(),
        next: page.next.as_ref().map(|next| page_at("after", &cursor(next))),
        rows: page.found.into_iter().map(Line::of).collect(),
        known,
        id,
    };
    Ok(views::page(StatusCode::OK, &user))
}

/// Of a user whose source is unknown any source may be the one.
fn doubts(naming: Vec<Quarantined>, causes: Vec<Cause>, known: Option<&Entity>) -> Vec<Doubt> {
    let source = known.and_then(|known| known.source.as_deref());
    let version_at = known.and_then(|known| known.version_at);
    let unreadable = |quarantined: Quarantined| {
        let Quarantined { source, delivery_id, received_at } = quarantined;
        let at = time(received_at);
        let text = format!(
            "A delivery of {at} names this user, and is in quarantine: it could not be read."
        );
        let past = version_at > Some(received_at);
        Doubt { href: links::delivery(&source, &delivery_id), text, past }
    };
    let caused = |Cause { place, title, found, past, .. }: Cause| {
        let text = format!("{title}: {found}");
        Doubt { href: format!("/admin#{place}"), text, past }
    };
    let is_its = |cause: &Cause| source.is_none_or(|name| *cause.source == *name);
    let causes = causes.into_iter().filter(is_its).map(caused);
    naming.into_iter().map(unreadable).chain(causes).collect()
}

/// Why this user cannot be fetched from here; `None` if it can be.
fn cannot_fetch(app: &App, known: Option<&Entity>) -> Option<String> {
    let source = known.and_then(|known| known.source.as_deref());
    let can_ask = |client: &str| source.is_none_or(|name| name == client);
    if app.users.sources().into_iter().any(can_ask) {
        return None;
    }
    let its = source.and_then(|name| sources::named(app, name));
    let providers = its.map_or_else(|| provider::ALL.to_vec(), |its| vec![its.provider]);
    let of = |provider: &Provider| {
        config::variables_of(provider).map(|names| format!("{names} for {}", provider.title))
    };
    let keys: Vec<_> = providers.into_iter().filter_map(of).collect();
    if keys.is_empty() {
        return Some("Its provider has no API that users-sync can ask.".into());
    }
    let keys = keys.join(", or ");
    Some(format!("To fetch this user from here, set {keys}, and start users-sync again."))
}

#[derive(Deserialize)]
pub(super) struct Sync {
    #[serde(flatten)]
    csrf: Csrf,
    id: String,
}

/// Asks the provider now, as `POST /api/users/{id}/sync` does.
pub(super) async fn sync(
    State(app): State<Arc<App>>,
    Extension(session): Extension<Session>,
    Form(Sync { csrf, id }): Form<Sync>,
) -> Result<Response, Problem> {
    csrf.check(&session)?;
    let id = users::possible(id)?;
    let word = match app.users.sync(&id).await.map_err(users::problem) {
        Ok(Some(row)) if row.deleted_at.is_some() => "gone",
        Ok(Some(_)) => "fetched",
        Ok(None) => "unknown",
        Err(Problem::Unconfirmed { wait: Some(_), .. }) => "early",
        Err(Problem::Unconfirmed { wait: None, .. }) => "elsewhere",
        Err(Problem::ProviderRefuses | Problem::ProviderFails) => "failed",
        Err(problem) => return Err(problem),
    };
    let href = links::query("/admin/users", &[("id", &id), ("synced", word)]);
    Ok(Redirect::to(&href).into_response())
}

/// Whether the fetch succeeded, and the message.
fn in_words(word: &str) -> Option<(bool, &'static str)> {
    Some(match word {
        "fetched" => (true, "The provider was asked: the row is what it says now."),
        "gone" => (true, "The provider was asked: the user is deleted."),
        "unknown" => (false, "No provider that can be asked has this user."),
        "early" => (
            false,
            "Too early to decide: the provider's answer contradicts a delivery about this user from the last minute, and may be older. The row stays as it is; ask again in a minute.",
        ),
        "elsewhere" => {
            (false, "The row belongs to no provider that can be asked. It is left as it is.")
        }
        "failed" => (
            false,
            "The provider did not answer: is its API up, and the key right? The log says why.",
        ),
        _ => return None,
    })
}
