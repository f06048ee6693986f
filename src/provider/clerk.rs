//! Clerk: <https://clerk.com/docs/webhooks/overview>

mod api;
mod sample;

use bytes::Bytes;

use super::{BASE, Envelope, Meaning, Provider, TEST_DELIVERY, UNSUPPORTED, full_name, raw};
use crate::json::{Object, Unreadable};
use crate::model::{Change, Kind, Membership, Organization, Profile, Record, Role, User, Version};

pub(super) static PROVIDER: Provider = Provider {
    name: "clerk",
    title: "Clerk",
    // <https://clerk.com/docs/reference/backend/verify-webhook>
    secret_aliases: &["CLERK_WEBHOOK_SIGNING_SECRET"],
    instance: Some(|body| body.id("instance_id")),
    decode,
    record,
    api: Some(api::API),
    // <https://clerk.com/docs/guides/users/extending>: users can read and write their own unsafe_metadata.
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
    // Clerk does not say whether role.updated follows when a permission of the role changes.
    rereads: &[
        ("permission.created", Kind::Role),
        ("permission.updated", Kind::Role),
        ("permission.deleted", Kind::Role),
    ],
    sample: sample::body,
    ..BASE
};

/// The entities of the examples in Clerk's event catalogue and guides, which the dashboard's test button sends:
/// <https://github.com/clerk/openapi-specs/blob/main/webhooks/2025-04-15.yml>, and, with `29w`, `29W` and `2Ym`, the catalogue
/// before it. The example of a membership has its own id, its user and its organization.
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
/// The instances of those examples; no real instance has such an id.
const EXAMPLE_INSTANCES: [&str; 2] = ["ins_2g7np7Hrk0SN6kj5EDMLDaKNL0S", "ins_123"];

fn decode(envelope: &Envelope<'_>) -> Result<Meaning, Unreadable> {
    let Some(kind) = PROVIDER.kind_of(envelope.event_type) else {
        return Ok(match envelope.event_type.split_once('.') {
            Some(("permission", _)) => Meaning::Ignored("roles say which permissions they have"),
            _ => UNSUPPORTED,
        });
    };
    // Checked before the event is read: an example that cannot be read must not be quarantined.
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

/// Only the envelope has the time of the deletion: in seconds, in milliseconds, or not at all. Times in `data` are
/// older.
fn deletion(kind: Kind, envelope: &Envelope<'_>, data: &Object<'_>) -> Result<Change, Unreadable> {
    let at = envelope.body.time("timestamp")?.unwrap_or(envelope.made_at);
    Ok(Change::Deleted { key: (PROVIDER.key)(kind, data)?, at })
}

fn record(kind: Kind, data: &Object<'_>, bytes: &Bytes) -> Result<Record, Unreadable> {
    let profile = match kind {
        Kind::User => Profile::User(user(data)?),
        Kind::Organization => Profile::Organization(organization(data)?),
        Kind::Membership => Profile::Membership(membership(data)?),
        Kind::Role => Profile::Role(role(data)?),
        _ => return Err(Unreadable::Unexpected { field: "data", expected: "known" }),
    };
    Ok(Record {
        key: (PROVIDER.key)(kind, data)?,
        profile,
        // The time is only displayed: if it cannot be read, the row is kept without it, and raw_json still has it.
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
    match full_name(data, "first_name", "last_name")? {
        None => data.filled("username"),
        name => Ok(name),
    }
}

/// The address that the user chose as primary. Any other may be unverified or belong to another person.
fn primary_email(data: &Object<'_>) -> Result<Option<String>, Unreadable> {
    let Some(primary) = data.filled("primary_email_address_id")? else { return Ok(None) };
    for address in data.objects("email_addresses")? {
        if address.filled("id")?.as_ref() == Some(&primary) {
            return address.filled("email_address");
        }
    }
    Ok(None)
}
