//! Clerk: <https://clerk.com/docs/webhooks/overview>

mod sample;

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::api::{Api, Credential, NewUser, Page, Rate};
use super::{Envelope, Meaning, Provider, TEST_DELIVERY, UNSUPPORTED, raw};
use crate::json::{self, Object, Unreadable};
use crate::model::{
    Change, Key, Kind, Membership, Organization, Profile, Record, Role, User, Version,
};
use crate::signature::Scheme;

pub(super) static PROVIDER: Provider = Provider {
    name: "clerk",
    title: "Clerk",
    scheme: Scheme::Svix,
    // <https://clerk.com/docs/reference/backend/verify-webhook>
    secret_aliases: &["CLERK_WEBHOOK_SIGNING_SECRET"],
    versioned: true,
    decode,
    key,
    record,
    reused: &[],
    api: API,
    // <https://clerk.com/docs/guides/users/extending>: unsafe_metadata is the user's own to read and write.
    private: &["private_metadata"],
    id_prefix: "user_",
    events: &[
        ("user.created", Kind::User),
        ("user.updated", Kind::User),
        ("user.deleted", Kind::User),
        ("organization.created", Kind::Organization),
        ("organization.updated", Kind::Organization),
        ("organization.deleted", Kind::Organization),
        ("organizationMembership.created", Kind::Membership),
        ("organizationMembership.updated", Kind::Membership),
        ("organizationMembership.deleted", Kind::Membership),
        ("role.created", Kind::Role),
        ("role.updated", Kind::Role),
        ("role.deleted", Kind::Role),
    ],
    sample: sample::body,
};

/// The entities of the examples in Clerk's event catalogue and guides, which the dashboard's test button sends:
/// <https://github.com/clerk/openapi-specs/blob/main/webhooks/2025-04-15.yml>, and, with `29w`, `29W` and `2Ym`, the catalogue
/// before it. A membership's example is known by its own id, its user and its organization.
const EXAMPLES: [&str; 12] = [
    "user_29w83sxmDNGwOuEthce5gg56FcC",
    "user_29wACSk1DjeUCwsS6SbbgIgilMy",
    "user_29wBMCtzATuFJut8jO2VNTVekS4",
    "user_2g7np7Hrk0SN6kj5EDMLDaKNL0S",
    "user_2h8op3Isl1QR7tKu5FGNfaLKEoU",
    "org_29w9IfBrPmcpi0IeBVaKtA7R94W",
    "org_2g7np7Hrk0SN6kj5EDMLDaKNL0S",
    "orgmem_29w9IptNja3mP8GDXpquBwN2qR9",
    "orgmem_29wAbjiJs6aZuPq7AzmkW9dwmyl",
    "orgmem_2g7np7Hrk0SN6kj5EDMLDaKNL0S",
    "role_2Ym4Iu9JcfMpa4wsTmsRgnY83MX",
    "role_2g7np7Hrk0SN6kj5EDMLDaKNL0S",
];
/// The instances of the examples; no real one has such an id.
const EXAMPLE_INSTANCES: [&str; 2] = ["ins_2g7np7Hrk0SN6kj5EDMLDaKNL0S", "ins_123"];

fn decode(envelope: &Envelope<'_>) -> Result<Meaning, Unreadable> {
    let Some(kind) = PROVIDER.kind_of(envelope.event_type) else {
        return Ok(match envelope.event_type.split_once('.') {
            Some(("permission", _)) => Meaning::Ignored("roles say which permissions they have"),
            _ => UNSUPPORTED,
        });
    };
    // Before the event is read: an example that cannot be read must not be quarantined.
    if is_any(envelope.body.id("instance_id"), &EXAMPLE_INSTANCES) {
        return Ok(TEST_DELIVERY);
    }
    let data = envelope.data()?;
    if is_example(&data) {
        return Ok(TEST_DELIVERY);
    }
    let is_deletion = envelope.event_type.ends_with(".deleted");
    let read = if is_deletion { deletion } else { snapshot };
    Ok(Meaning::Changes(vec![read(kind, envelope, &data)?]))
}

/// A membership of an example is one, too.
fn is_example(data: &Object<'_>) -> bool {
    let part =
        |of, id| data.object(of).ok().flatten().is_some_and(|of| is_any(of.id(id), &EXAMPLES));
    is_any(data.id("id"), &EXAMPLES)
        || part("organization", "id")
        || part("public_user_data", "user_id")
}

fn is_any(id: Result<String, Unreadable>, known: &[&str]) -> bool {
    id.is_ok_and(|id| known.contains(&&*id))
}

/// `data` is always the whole object: <https://clerk.com/docs/reference/backend/types/backend-user>
fn snapshot(kind: Kind, envelope: &Envelope<'_>, data: &Object<'_>) -> Result<Change, Unreadable> {
    let record = record(kind, data, envelope.bytes)?;
    let at = record.updated_at.ok_or(Unreadable::Missing { field: "updated_at" })?;
    let version = Version { at, delivery: envelope.delivery.clone() };
    Ok(PROVIDER.snapshot(version, record))
}

/// Only the envelope says when: in seconds or in milliseconds, or not at all. What `data` says of times is older.
fn deletion(kind: Kind, envelope: &Envelope<'_>, data: &Object<'_>) -> Result<Change, Unreadable> {
    let at = envelope.body.time("timestamp")?.unwrap_or(envelope.made_at);
    Ok(Change::Deleted { key: key(kind, data)?, at })
}

fn key(kind: Kind, data: &Object<'_>) -> Result<Key, Unreadable> {
    Ok(Key::new(kind, data.id("id")?))
}

fn record(kind: Kind, data: &Object<'_>, bytes: &Bytes) -> Result<Record, Unreadable> {
    let profile = match kind {
        Kind::User => Profile::User(user(data)?),
        Kind::Organization => Profile::Organization(organization(data)?),
        Kind::Membership => Profile::Membership(membership(data)?),
        Kind::Role => Profile::Role(role(data)?),
        Kind::Grant => return Err(Unreadable::Unexpected { field: "data", expected: "known" }),
    };
    Ok(Record {
        key: key(kind, data)?,
        profile,
        // Only shown: a strange one must not cost the row, and raw_json keeps it.
        created_at: data.time("created_at").unwrap_or_default(),
        updated_at: data.time("updated_at")?,
        disabled: kind == Kind::User && (data.flag("banned")? || data.flag("deprovisioned")?),
        raw: raw(data, bytes),
    })
}

fn user(data: &Object<'_>) -> Result<User, Unreadable> {
    Ok(User { name: name(data)?, email: primary_email(data)? })
}

/// <https://clerk.com/docs/reference/backend/types/backend-organization>
fn organization(data: &Object<'_>) -> Result<Organization, Unreadable> {
    Ok(Organization { name: data.filled("name")?, slug: data.filled("slug")? })
}

/// <https://clerk.com/docs/reference/backend/types/backend-organization-membership>
fn membership(data: &Object<'_>) -> Result<Membership, Unreadable> {
    let part = |field| data.object(field)?.ok_or(Unreadable::Missing { field });
    Ok(Membership {
        user_id: part("public_user_data")?.id("user_id")?,
        organization_id: part("organization")?.id("id")?,
        role: data.filled("role")?,
        permissions: data.strings("permissions")?,
    })
}

fn role(data: &Object<'_>) -> Result<Role, Unreadable> {
    let permissions = data.objects("permissions")?;
    Ok(Role {
        key: data.id("key")?,
        name: data.filled("name")?,
        permissions: permissions.iter().map(|one| one.id("key")).collect::<Result<_, _>>()?,
    })
}

fn name(data: &Object<'_>) -> Result<Option<String>, Unreadable> {
    let full = match (data.filled("first_name")?, data.filled("last_name")?) {
        (Some(first), Some(last)) => Some(format!("{first} {last}")),
        (first, last) => first.or(last),
    };
    match full {
        None => data.filled("username"),
        name => Ok(name),
    }
}

/// The address that the user chose as primary. Any other may be unverified or belong to someone else.
fn primary_email(data: &Object<'_>) -> Result<Option<String>, Unreadable> {
    let Some(primary) = data.filled("primary_email_address_id")? else { return Ok(None) };
    for address in data.objects("email_addresses")? {
        if address.filled("id")?.as_ref() == Some(&primary) {
            return address.filled("email_address");
        }
    }
    Ok(None)
}

/// <https://clerk.com/docs/reference/backend-api>
const API: Api = Api {
    url: "https://api.clerk.com/v1",
    credentials: &[Credential {
        variable: "CLERK_SECRET_KEY",
        header: "authorization",
        prefix: "Bearer ",
        expected: "the instance's secret key (sk_live_… or sk_test_…)",
        names_instance: false,
    }],
    headers: &[],
    page_query,
    count: Some(("/users/count", "total_count")),
    page,
    rate,
    email_query: "email_address",
    missing: "resource_not_found",
    volatile: &[],
    // A sign-in moves `updated_at`, too, and nothing else says that it was only a sign-in.
    moving: &["last_sign_in_at", "last_active_at", "updated_at", "last_used_at"],
    metadata: &["public_metadata", "private_metadata", "unsafe_metadata"],
    new_user,
};

/// Most users that a page may hold; a shorter one is the last.
const PAGE: usize = 500;

/// The cursor works in the order of creation alone; in this direction new users join at the end of a walk.
fn page_query(cursor: Option<&str>) -> Vec<(&'static str, String)> {
    let mut query = vec![("limit", PAGE.to_string()), ("order_by", "+created_at".to_owned())];
    query.extend(cursor.map(|cursor| ("starting_after", cursor.to_owned())));
    query
}

fn page(text: &str) -> Result<Page<'_>, Unreadable> {
    let users = json::objects(text, "the page")?;
    let last = users.last().filter(|_| users.len() >= PAGE);
    let next = last.map(|user| user.id("id")).transpose()?;
    Ok(Page { users, next })
}

/// <https://clerk.com/docs/guides/how-clerk-works/system-limits>
fn rate(key: &str) -> Option<Rate> {
    let requests = if key.starts_with("sk_live_") { 1000 } else { 100 };
    Some(Rate { requests, per: Duration::from_secs(10) })
}

fn new_user(user: &NewUser) -> Value {
    let (first, last) = match user.name.as_deref().map(|name| name.split_once(' ')) {
        Some(Some((first, last))) => (Some(first), Some(last)),
        Some(None) => (user.name.as_deref(), None),
        None => (None, None),
    };
    json!({
        "email_address": [user.email],
        "first_name": first,
        "last_name": last,
        "skip_password_requirement": true,
    })
}
