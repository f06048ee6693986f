//! The vendors' routes.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};

use super::{Office, Pairs, listing, refusal};

pub(super) async fn count(
    State(office): State<Arc<Office>>,
    query: Pairs,
    headers: HeaderMap,
) -> Response {
    if let Err(response) = office.receive("GET", "/users/count", &query, &headers) {
        return *response;
    }
    let (status, count) = {
        let desk = office.desk.lock().expect("no test panics at the desk");
        desk.total.clone().unwrap_or_else(|| (200, json!(desk.users.len())))
    };
    office.answer(status, &json!({ "object": "total_count", "total_count": count }))
}

pub(super) async fn list(
    State(office): State<Arc<Office>>,
    query: Pairs,
    headers: HeaderMap,
) -> Response {
    office.attend().await;
    if let Err(response) = office.receive("GET", "/users", &query, &headers) {
        return *response;
    }
    let page = {
        let desk = office.desk.lock().expect("no test panics at the desk");
        listing::page(office.provider, &desk, &query.0)
    };
    match page {
        Ok(page) => office.answer(200, &page),
        Err((status, code)) => refusal(office.provider, status, code),
    }
}

pub(super) async fn one(
    State(office): State<Arc<Office>>,
    Path(id): Path<String>,
    query: Pairs,
    headers: HeaderMap,
) -> Response {
    if let Err(response) = office.receive("GET", &format!("/users/{id}"), &query, &headers) {
        return *response;
    }
    let fault = office.desk.lock().expect("no test panics at the desk").about.get(&id).cloned();
    if let Some(fault) = fault {
        return fault.answer(office.provider);
    }
    let user = {
        let desk = office.desk.lock().expect("no test panics at the desk");
        let is_seen = |user: &&Value| user["id"] == id.as_str() && !(desk.unseen)(user);
        desk.users.iter().find(is_seen).cloned()
    };
    match user {
        Some(user) => office.answer(200, &user),
        None => office.no_such_user(),
    }
}

pub(super) async fn create(
    State(office): State<Arc<Office>>,
    query: Pairs,
    headers: HeaderMap,
    axum::Json(asked): axum::Json<Value>,
) -> Response {
    if let Err(response) = office.receive("POST", "/users", &query, &headers) {
        return *response;
    }
    let (user, fault) = {
        let mut desk = office.desk.lock().expect("no test panics at the desk");
        let user = listing::created(office.provider, desk.users.len() + 1, &asked);
        desk.users.push(user.clone());
        (user, desk.creates_with)
    };
    if let Some(status) = fault {
        return refusal(office.provider, status, "late");
    }
    office.answer(if office.provider == "clerk" { 200 } else { 201 }, &user)
}

pub(super) async fn delete(
    State(office): State<Arc<Office>>,
    Path(id): Path<String>,
    query: Pairs,
    headers: HeaderMap,
) -> Response {
    if let Err(response) = office.receive("DELETE", &format!("/users/{id}"), &query, &headers) {
        return *response;
    }
    let known = {
        let mut desk = office.desk.lock().expect("no test panics at the desk");
        let before = desk.users.len();
        desk.users.retain(|user| user["id"] != id.as_str());
        desk.users.len() < before
    };
    if known { office.answer(200, &json!({ "id": id })) } else { office.no_such_user() }
}
