//! Stack's REST API: <https://docs.stack-auth.com/api/overview>
//!
//! The lists of users, teams, profiles and team permissions are known from Stack's own source. Those of project permissions
//! and of definitions are known from its reference alone, and are read tolerantly: an API that does not have one says so,
//! which proves nothing about what the tables have.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::json::{Object, Unreadable};
use crate::model::{Key, Kind, Profile, Record};
use crate::provider::api::{
    Access, Address, Answer, Api, Credential, Denial, List, NewUser, Page, Query, Question, Sought,
    USERS, Writes, code,
};
use crate::provider::{parts, segment};

pub(super) const API: Api = Api {
    address: Address::Fixed("https://api.stack-auth.com/api/v1"),
    credentials: &[
        Credential {
            variable: "STACK_PROJECT_ID",
            expected: "the id of the project",
            names_instance: true,
        },
        Credential {
            variable: "STACK_SECRET_SERVER_KEY",
            expected: "a secret server key of the project (ssk_…)",
            names_instance: false,
        },
    ],
    access: Access::Headers(&[("x-stack-project-id", ""), ("x-stack-secret-server-key", "")]),
    headers: &[("x-stack-access-type", "server")],
    lists: &[
        List { query: users, volatile: &["last_active_at_millis"], ..list(Kind::User, USERS) },
        list(Kind::Organization, TEAMS),
        definitions("/team-permission-definitions"),
        definitions("/project-permission-definitions"),
        List {
            narrow: Some("team_id"),
            // An item is the profile of a member, and a delivery names no more than its team and its user.
            volatile: &["user"],
            moving: &["display_name", "profile_image_url"],
            ..list(Kind::Membership, PROFILES)
        },
        List { narrow: Some("team_id"), query: direct, ..list(Kind::Grant, TEAM_PERMISSIONS) },
        List { query: direct, is_off: Some(is_unknown), ..list(Kind::Grant, PROJECT_PERMISSIONS) },
    ],
    question,
    rate: |_| None,
    code,
    missing,
    metadata: &["client_metadata", "client_read_only_metadata", "server_metadata"],
    // A search, in names too.
    writes: Some(Writes { new_user, email_query: "query" }),
};

const TEAMS: &str = "/teams";
const PROFILES: &str = "/team-member-profiles";
const TEAM_PERMISSIONS: &str = "/team-permissions";
const PROJECT_PERMISSIONS: &str = "/project-permissions";

const fn list(kind: Kind, path: &'static str) -> List {
    List {
        kind,
        path,
        query: after,
        body: None,
        page,
        count: None,
        is_off: None,
        narrow: None,
        volatile: &[],
        moving: &[],
        together: None,
    }
}

/// A permission that others contain is what a role is elsewhere.
const fn definitions(path: &'static str) -> List {
    List { is_off: Some(is_unknown), together: Some(contained), ..list(Kind::Role, path) }
}

fn is_unknown(denial: Denial, _: Option<&str>) -> bool {
    denial == Denial::NotFound
}

/// The cursor has been the first entry of the next page and the last of this one: it is passed back as it came.
fn after(cursor: Option<&str>) -> Query {
    cursor.map(|cursor| ("cursor", cursor.to_owned())).into_iter().collect()
}

/// Without the two flags only users who finished signing up are listed, and the others would seem to be gone.
fn users(cursor: Option<&str>) -> Query {
    let mut query = vec![
        ("limit", "500".to_owned()),
        ("order_by", "signed_up_at".to_owned()),
        ("include_anonymous", "true".to_owned()),
        ("include_restricted", "true".to_owned()),
    ];
    query.extend(after(cursor));
    query
}

/// Without the permissions that others contain: deliveries speak of direct ones alone, and the roles say what they contain.
fn direct(cursor: Option<&str>) -> Query {
    let mut query = vec![("recursive", "false".to_owned())];
    query.extend(after(cursor));
    query
}

/// Most lists are not paginated, and have no cursor then.
fn page<'a>(answer: &Answer<'a>, _: Option<&str>) -> Result<Page<'a>, Unreadable> {
    let body = Object::parse(answer.text, "the page")?;
    if !body.has("items") {
        return Err(Unreadable::Missing { field: "items" });
    }
    let next = match body.object("pagination")? {
        Some(pagination) => pagination.filled("next_cursor")?,
        None => None,
    };
    Ok(Page { items: body.objects("items")?, next, total: None })
}

/// Memberships and grants have no address of their own, but their lists can be narrowed to one team and one user.
fn question(Sought { key, .. }: &Sought) -> Option<Question> {
    let only = |names: &[&'static str], values: &[String]| {
        names.iter().copied().zip(values.iter().cloned()).collect::<Query>()
    };
    let excerpt = |path: &str, only: Query, query| Question::Excerpt {
        path: path.to_owned(),
        only,
        query,
        body: None,
        page,
    };
    let Key { kind, id } = key;
    Some(match (kind, &parts(id)[..]) {
        (Kind::User, _) => Question::Object(format!("{USERS}/{}", segment(id))),
        (Kind::Organization, _) => Question::Object(format!("{TEAMS}/{}", segment(id))),
        (Kind::Role, _) => Question::Whole,
        (Kind::Membership, member @ [_, _]) => {
            excerpt(PROFILES, only(&["team_id", "user_id"], member), after)
        }
        (Kind::Grant, [member @ .., _]) if member.len() == 2 => {
            excerpt(TEAM_PERMISSIONS, only(&["team_id", "user_id"], member), direct)
        }
        (Kind::Grant, [user, _]) => {
            excerpt(PROJECT_PERMISSIONS, only(&["user_id"], std::slice::from_ref(user)), direct)
        }
        _ => return None,
    })
}

/// If a team or a user is gone, so are its memberships and grants.
fn missing(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::User => &["USER_NOT_FOUND"],
        Kind::Organization => &["TEAM_NOT_FOUND"],
        Kind::Membership | Kind::Grant => {
            &["TEAM_NOT_FOUND", "USER_NOT_FOUND", "TEAM_MEMBERSHIP_NOT_FOUND"]
        }
        _ => &[],
    }
}

/// Each role gets what its permissions contain, and what those contain; a permission that is not listed contains none.
fn contained(roles: &mut [Record]) {
    let direct: BTreeMap<String, Vec<String>> = roles
        .iter()
        .filter_map(|record| match &record.profile {
            Profile::Role(role) => Some((role.key.clone(), role.permissions.clone())),
            _ => None,
        })
        .collect();
    for record in roles {
        let Profile::Role(role) = &mut record.profile else { continue };
        let (mut found, mut left) = (BTreeSet::new(), role.permissions.clone());
        while let Some(permission) = left.pop() {
            if permission != role.key && found.insert(permission.clone()) {
                left.extend(direct.get(&permission).into_iter().flatten().cloned());
            }
        }
        role.permissions = found.into_iter().collect();
    }
}

fn new_user(user: &NewUser) -> Value {
    json!({
        "primary_email": user.email,
        "primary_email_auth_enabled": true,
        "display_name": user.name,
    })
}
