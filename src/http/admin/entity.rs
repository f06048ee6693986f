//! An entity of any kind but a user: what the mirror shows, who is in it, and its deliveries.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::members::Members;
use super::session::Session;
use super::views::{self, Body, Field, Line};
use super::{App, PAGE, Problem, links};
use crate::db::entities::{self, Value};
use crate::db::journal::search::{self, Filter};
use crate::http::deliveries::{cursor, kind, place};
use crate::http::{connection_of, failed, organizations, users};
use crate::model::{Key, Kind};

/// Characters of a text that a page shows.
pub(super) const LONGEST: i32 = 1_000;

#[derive(Deserialize)]
pub(super) struct Sought {
    id: String,
}

/// Leads to the page of the entity with this id: a user unless only an organization has it.
pub(super) async fn find(
    State(app): State<Arc<App>>,
    Query(Sought { id }): Query<Sought>,
) -> Result<Response, Problem> {
    let id = users::possible(id)?;
    let client = connection_of(&app).await?;
    for key in [Key::user(&id), Key::new(Kind::Organization, &id)] {
        if entities::one(&client, &key, 0).await.map_err(failed)?.is_some() {
            return Ok(Redirect::to(&links::entity(key.kind.as_str(), &id)).into_response());
        }
    }
    // The page says that it knows no such user, and which deliveries in quarantine name it.
    Ok(Redirect::to(&links::user(&id)).into_response())
}

#[derive(Deserialize)]
pub(super) struct Wanted {
    kind: String,
    id: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    members: String,
    private: Option<String>,
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    Extension(session): Extension<Session>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let Wanted { kind: word, id, after, members, private } = wanted;
    let key = Key::new(kind(&word)?, users::possible(id)?);
    if key.kind == Kind::User {
        return Ok(Redirect::to(&links::user(&key.id)).into_response());
    }
    let after = if after.is_empty() { None } else { Some(place(&after)?) };
    let client = connection_of(&app).await?;
    let filter = Filter { entity: Some(key.clone()), ..Filter::default() };
    let (known, page) = tokio::try_join!(
        entities::one(&client, &key, LONGEST),
        search::page(&client, &filter, after.as_ref(), PAGE),
    )
    .map_err(failed)?;
    let href = links::entity(key.kind.as_str(), &key.id);
    let entity = views::Entity {
        csrf: session.csrf,
        members: members_of(&client, &key, &members).await?,
        fields: known.as_ref().map(fields).unwrap_or_default(),
        body: known
            .as_ref()
            .and_then(|known| known.raw_json.as_ref()?.as_str())
            .map(|text| Body::of(text, private.is_some(), &href, links::entity_api(&key))),
        next: page.next.as_ref().map(|next| format!("{href}&after={}", cursor(next))),
        rows: page.found.into_iter().map(Line::of).collect(),
        known,
        key,
    };
    Ok(views::page(StatusCode::OK, &entity))
}

/// `None` for what has no members.
async fn members_of(
    client: &tokio_postgres::Client,
    key: &Key,
    after: &str,
) -> Result<Option<Members>, Problem> {
    if key.kind != Kind::Organization {
        return Ok(None);
    }
    let after = if after.is_empty() { None } else { Some(organizations::place(after)?) };
    let page = entities::memberships(client, key, after.as_ref(), PAGE).await.map_err(failed)?;
    let href = links::entity(key.kind.as_str(), &key.id);
    Ok(Some(Members::of(key, page, |next| format!("{href}&members={next}#members"))))
}

/// The mirror's own columns, with links to what they refer to.
fn fields(known: &entities::Entity) -> Vec<Field> {
    let field = |(column, value): (&crate::db::mirror::Column, Value<'_>)| {
        let text = match value {
            Value::Text(text) => text.map(str::to_owned),
            Value::Permissions(permissions) => permissions.map(|all| all.join(", ")),
        };
        let href = column.refers_to.zip(text.as_deref());
        let href = href.map(|(kind, id)| links::entity(kind.as_str(), id));
        Field { name: column.name, text, href }
    };
    known.columns().map(field).collect()
}
