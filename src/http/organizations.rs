//! `/api/organizations`, and the memberships of a user.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::App;
use super::problem::Problem;
use super::users::possible;
use crate::db::entities::{self, Entity, Membership, Page, Place};
use crate::model::{Key, Kind};

/// Memberships of one answer, at most.
const MOST: i64 = 500;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// The `next` of the page before.
    after: Option<String>,
    limit: Option<i64>,
}

/// `GET /api/organizations/{id}`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Json<Entity>, Problem> {
    let key = organization(id)?;
    let client = super::connection_of(&app).await?;
    let found = entities::one(&client, &key, i32::MAX).await.map_err(super::failed)?;
    found.filter(|entity| entity.known).map(Json).ok_or(Problem::NoSuchOrganization)
}

#[derive(Serialize)]
pub(super) struct Members {
    members: Vec<Membership>,
    next: Option<String>,
}

/// `GET /api/organizations/{id}/members`
pub(super) async fn members(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Members>, Problem> {
    let page = memberships_of(&app, &organization(id)?, wanted).await?;
    let Page { found, next } = page.ok_or(Problem::NoSuchOrganization)?;
    Ok(Json(Members { members: found, next: next.as_ref().map(cursor) }))
}

#[derive(Serialize)]
pub(super) struct Memberships {
    memberships: Vec<Membership>,
    next: Option<String>,
}

/// `GET /api/users/{id}/memberships`
pub(super) async fn memberships(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Memberships>, Problem> {
    let page = memberships_of(&app, &Key::user(possible(id)?), wanted).await?;
    let Page { found, next } = page.ok_or(Problem::NoSuchUser)?;
    Ok(Json(Memberships { memberships: found, next: next.as_ref().map(cursor) }))
}

/// `None` where neither the entity nor a membership of it is known: a membership may come before its user.
async fn memberships_of(
    app: &App,
    of: &Key,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Option<Page>, Problem> {
    let Query(Wanted { after, limit }) =
        wanted.map_err(|_| Problem::BadQuery("it takes after and limit".into()))?;
    let after = after.as_deref().map(place).transpose()?;
    let limit = limit.unwrap_or(50).clamp(1, MOST);
    let client = super::connection_of(app).await?;
    let page = entities::memberships(&client, of, after.as_ref(), limit).await;
    let page = page.map_err(super::failed)?;
    if page.found.is_empty() && after.is_none() {
        let found = entities::one(&client, of, 0).await.map_err(super::failed)?;
        return Ok(found.filter(|entity| entity.known).map(|_| page));
    }
    Ok(Some(page))
}

fn organization(id: String) -> Result<Key, Problem> {
    let id = possible(id).map_err(|_| Problem::NoSuchOrganization)?;
    Ok(Key::new(Kind::Organization, id))
}

/// Opaque to callers, so that what it holds may change.
pub(super) fn cursor(Place { other, id }: &Place) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}\n{other}{id}", other.len()))
}

pub(super) fn place(cursor: &str) -> Result<Place, Problem> {
    let read = || {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
        let (length, rest) = text.split_once('\n')?;
        let (other, id) = rest.split_at_checked(length.parse().ok()?)?;
        (!rest.contains('\0')).then(|| Place { other: other.into(), id: id.into() })
    };
    read().ok_or_else(|| Problem::BadQuery("after is the `next` of another page".into()))
}
