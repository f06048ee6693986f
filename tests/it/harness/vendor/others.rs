//! What a vendor has besides users: organizations, memberships, roles, grants; and how it lists them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{Fault, Office, Pairs, Vendor, refusal};

/// In the order of their creation.
pub(crate) struct Others {
    /// Whether Clerk's feature Organizations is switched on.
    pub(crate) are_on: bool,
    pub(crate) organizations: Vec<Value>,
    pub(crate) memberships: Vec<Value>,
    pub(crate) roles: Vec<Value>,
    pub(crate) grants: Vec<Value>,
    /// Those of whole projects.
    pub(crate) project_grants: Vec<Value>,
    /// What is there, and in no list.
    pub(crate) unlisted: Box<dyn Fn(&Value) -> bool + Send>,
    /// What happens to every question whose path begins like this.
    pub(crate) faults: Vec<(&'static str, Fault)>,
}

impl Default for Others {
    fn default() -> Self {
        Self {
            are_on: false,
            organizations: Vec::new(),
            memberships: Vec::new(),
            roles: Vec::new(),
            grants: Vec::new(),
            project_grants: Vec::new(),
            unlisted: Box::new(|_| false),
            faults: Vec::new(),
        }
    }
}

/// When everything was made, and last changed, unless a test says otherwise.
const MADE: i64 = 1_700_000_000_000;

impl Vendor {
    /// Creates or replaces an organization.
    pub(crate) fn found(&self, id: &str, fields: &Value) -> Value {
        let organization = with(
            if self.provider == "clerk" {
                json!({
                    "object": "organization", "id": id, "name": "Engines", "slug": "engines",
                    "members_count": 1, "public_metadata": {}, "created_at": MADE, "updated_at": MADE,
                })
            } else {
                json!({
                    "id": id, "display_name": "Engines", "profile_image_url": null,
                    "client_metadata": null, "client_read_only_metadata": null,
                    "server_metadata": null, "created_at_millis": MADE,
                })
            },
            fields,
        );
        let mut desk = self.desk();
        desk.others.are_on = true;
        put(&mut desk.others.organizations, organization)
    }

    /// Makes a user a member of an organization that there is.
    pub(crate) fn join(&self, organization: &str, user: &str, fields: &Value) -> Value {
        let mut desk = self.desk();
        let others = &mut desk.others;
        let is_it = |one: &&Value| one["id"] == organization;
        let team = others.organizations.iter().find(is_it).cloned().expect("it was founded");
        let membership = if self.provider == "clerk" {
            json!({
                "object": "organization_membership", "id": format!("orgmem_{organization}_{user}"),
                "role": "org:member", "role_name": "Member", "permissions": ["org:sys_profile:manage"],
                "public_metadata": {}, "organization": team,
                "public_user_data": { "user_id": user, "first_name": "Ada", "identifier": "ada@example.com" },
                "created_at": MADE, "updated_at": MADE,
            })
        } else {
            json!({
                "team_id": organization, "user_id": user, "display_name": "Ada",
                "profile_image_url": null, "user": { "id": user, "last_active_at_millis": MADE },
            })
        };
        put(&mut others.memberships, with(membership, fields))
    }

    /// Ends a membership, and with it the permissions of the member.
    pub(crate) fn leave(&self, organization: &str, user: &str) {
        let is_its = |one: &Value| ties(one) == (Some(user), Some(organization));
        let mut desk = self.desk();
        desk.others.memberships.retain(|one| !is_its(one));
        desk.others.grants.retain(|one| !is_its(one));
    }

    /// Deletes an organization with all that belongs to it.
    pub(crate) fn dissolve(&self, organization: &str) {
        let mut desk = self.desk();
        let others = &mut desk.others;
        others.organizations.retain(|one| one["id"] != organization);
        others.memberships.retain(|one| ties(one).1 != Some(organization));
        others.grants.retain(|one| ties(one).1 != Some(organization));
    }

    /// Gives a user of Stack's a permission, in a team or in the whole project.
    pub(crate) fn permit(&self, team: Option<&str>, user: &str, permission: &str) {
        let mut desk = self.desk();
        match team {
            Some(team) => desk
                .others
                .grants
                .push(json!({ "id": permission, "team_id": team, "user_id": user })),
            None => desk.others.project_grants.push(json!({ "id": permission, "user_id": user })),
        }
    }

    /// Creates or replaces a role, or a permission of Stack's that contains others.
    pub(crate) fn define(&self, id: &str, permissions: &[&str], fields: &Value) -> Value {
        let role = if self.provider == "clerk" {
            let of =
                |key: &&str| json!({ "id": format!("perm_{key}"), "key": key, "updated_at": MADE });
            let permissions: Vec<_> = permissions.iter().map(of).collect();
            json!({
                "object": "role", "id": id, "key": format!("org:{id}"), "name": "A role",
                "permissions": permissions, "created_at": MADE, "updated_at": MADE,
            })
        } else {
            json!({ "id": id, "description": "A role", "contained_permission_ids": permissions })
        };
        let mut desk = self.desk();
        desk.others.are_on = true;
        put(&mut desk.others.roles, with(role, fields))
    }
}

/// The user and the organization of a membership or a permission.
fn ties(one: &Value) -> (Option<&str>, Option<&str>) {
    let user = one["user_id"].as_str().or(one["public_user_data"]["user_id"].as_str());
    (user, one["team_id"].as_str().or(one["organization"]["id"].as_str()))
}

fn with(mut object: Value, fields: &Value) -> Value {
    for (field, value) in fields.as_object().expect("fields") {
        object[field] = value.clone();
    }
    object
}

fn put(all: &mut Vec<Value>, one: Value) -> Value {
    let is_same = |known: &&mut Value| known["id"] == one["id"] && ties(known) == ties(&one);
    match all.iter_mut().find(is_same) {
        Some(known) => known.clone_from(&one),
        None => all.push(one.clone()),
    }
    one
}

type Refused = (u16, &'static str);

/// Every path that is not about users.
pub(super) async fn answer(
    State(office): State<Arc<Office>>,
    uri: Uri,
    query: Pairs,
    headers: HeaderMap,
) -> Response {
    let Some(path) = uri.path().strip_prefix("/v1") else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if let Err(response) = office.receive("GET", path, &query, &headers) {
        return *response;
    }
    let answer = {
        let desk = office.desk.lock().expect("no test panics at the desk");
        let fault = desk.others.faults.iter().find(|(begin, _)| path.starts_with(begin));
        if let Some((_, fault)) = fault {
            return fault.clone().answer(office.provider);
        }
        if office.provider == "clerk" {
            clerk(&desk.others, path, &query.0, desk.page_cap)
        } else {
            stack(&desk.others, path, &query.0)
        }
    };
    match answer {
        Some(Ok(body)) => office.answer(200, &body),
        Some(Err((status, code))) => refusal(office.provider, status, code),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn clerk(
    others: &Others,
    path: &str,
    query: &[(String, String)],
    cap: usize,
) -> Option<Result<Value, Refused>> {
    const GONE: Refused = (404, "resource_not_found");
    if !others.are_on {
        let off = (403, "organization_feature_not_enabled");
        return match path {
            "/organizations" => Some(Err(GONE)),
            "/organization_memberships" => Some(Err((402, "payment_required"))),
            "/organization_roles" => Some(Err(off)),
            _ => Some(Err(GONE)),
        };
    }
    let of_user = path
        .strip_prefix("/users/")
        .and_then(|rest| rest.strip_suffix("/organization_memberships"));
    let all = match (path, of_user) {
        ("/organizations", _) => others.organizations.clone(),
        ("/organization_memberships", _) => others.memberships.clone(),
        ("/organization_roles", _) => others.roles.clone(),
        (_, Some(user)) => {
            let its = others.memberships.iter().filter(|one| ties(one).0 == Some(user));
            return Some(Ok(wrapped(&its.cloned().collect::<Vec<_>>(), query, cap)));
        }
        _ => {
            let id = path.strip_prefix("/organizations/")?;
            let found = others.organizations.iter().find(|one| one["id"] == id);
            return Some(found.cloned().ok_or(GONE));
        }
    };
    let listed: Vec<_> = all.into_iter().filter(|one| !(others.unlisted)(one)).collect();
    Some(Ok(wrapped(&listed, query, cap)))
}

fn wrapped(all: &[Value], query: &[(String, String)], cap: usize) -> Value {
    let number = |name: &str, default| {
        let found = query.iter().find(|(key, _)| key == name);
        found.map_or(default, |(_, value)| value.parse().expect("a number"))
    };
    let (limit, offset) = (number("limit", 10).min(cap), number("offset", 0));
    let page: Vec<_> = all.iter().skip(offset).take(limit).cloned().collect();
    json!({ "data": page, "total_count": all.len() })
}

fn stack(
    others: &Others,
    path: &str,
    query: &[(String, String)],
) -> Option<Result<Value, Refused>> {
    const NO_TEAM: Refused = (404, "TEAM_NOT_FOUND");
    let value = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, v)| v.as_str());
    let has_team = |id: &str| others.organizations.iter().any(|one| one["id"] == id);
    if value("team_id").is_some_and(|team| !has_team(team)) {
        return Some(Err(NO_TEAM));
    }
    if path.ends_with("-permissions") && value("recursive") != Some("false") {
        return Some(Err((400, "SCHEMA_ERROR")));
    }
    let all = match path {
        "/teams" => &others.organizations,
        "/team-member-profiles" => &others.memberships,
        "/team-permissions" => &others.grants,
        "/project-permissions" => &others.project_grants,
        "/team-permission-definitions" => &others.roles,
        // An older API, without this list.
        "/project-permission-definitions" => return None,
        _ => {
            let id = path.strip_prefix("/teams/")?;
            let found = others.organizations.iter().find(|one| one["id"] == id);
            return Some(found.cloned().ok_or(NO_TEAM));
        }
    };
    let is_wanted = |one: &&Value| {
        ["team_id", "user_id"].iter().all(|name| value(name).is_none_or(|value| one[name] == value))
            && !(others.unlisted)(one)
    };
    let items: Vec<_> = all.iter().filter(is_wanted).collect();
    Some(Ok(json!({ "items": items, "is_paginated": false })))
}
