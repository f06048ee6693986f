//! Ory Kratos and Ory Network: <https://www.ory.com/docs/guides/integrate-with-ory-cloud-through-webhooks>
//!
//! The body of a web hook is what its Jsonnet makes; `docs/providers/ory.md` has the one that is read here. No hook announces a
//! deletion.

mod api;
mod sample;

use bytes::Bytes;

use super::{BASE, Envelope, Meaning, Provider, UNSUPPORTED, full_name, raw, set_time};
use crate::json::{Object, Unreadable};
use crate::model::{Kind, Profile, Record, User};
use crate::signature::{Authorization, Scheme, Shared};

pub(super) static PROVIDER: Provider = Provider {
    name: "ory",
    title: "Ory",
    scheme: Scheme::Shared(Shared { header: "authorization", form: Authorization::Plain }),
    object: |body| body.object("identity"),
    decode,
    record,
    api: Some(api::API),
    // <https://www.ory.com/docs/kratos/manage-identities/managing-users-identities-metadata>
    private: &["metadata_admin", "credentials"],
    events: &[("identity.created", Kind::User), ("identity.updated", Kind::User)],
    sample: sample::body,
    ..BASE
};

/// The id of what is not stored yet.
const NIL: &str = "00000000-0000-0000-0000-000000000000";

fn decode(envelope: &Envelope<'_>) -> Result<Meaning, Unreadable> {
    let Some(kind) = PROVIDER.kind_of(envelope.event_type) else { return Ok(UNSUPPORTED) };
    let record = record(kind, &envelope.part("identity")?, envelope.bytes)?;
    if record.id() == NIL {
        return Ok(Meaning::Ignored("the hook runs before the identity exists"));
    }
    // A hook that may still refuse a sign-up runs before the identity is stored, and then there is no time.
    Ok(match record.updated_at {
        Some(at) => Meaning::Changes(vec![PROVIDER.snapshot(envelope.version(at), record)]),
        None => Meaning::Names { keys: vec![record.key], changes: Vec::new() },
    })
}

/// <https://www.ory.com/docs/reference/api#tag/identity>
fn record(kind: Kind, identity: &Object<'_>, bytes: &Bytes) -> Result<Record, Unreadable> {
    if kind != Kind::User {
        return Err(Unreadable::Unexpected { field: "identity", expected: "known" });
    }
    // A schema of the project's own says what the traits are.
    let traits = identity.object("traits").ok().flatten();
    Ok(Record {
        key: (PROVIDER.key)(kind, identity)?,
        profile: Profile::User(User {
            name: traits.as_ref().and_then(name),
            email: traits.as_ref().and_then(email).or_else(|| address(identity)),
        }),
        // The time is only displayed: if it cannot be read, the row is kept without it, and raw_json still has it.
        created_at: set_time(identity, "created_at").unwrap_or_default(),
        updated_at: set_time(identity, "updated_at")?,
        disabled: identity.filled("state")?.as_deref() == Some("inactive"),
        raw: raw(identity, bytes),
    })
}

fn name(traits: &Object<'_>) -> Option<String> {
    if let Some(name) = traits.filled("name").ok().flatten() {
        return Some(name);
    }
    let parts = traits.object("name").ok().flatten();
    let nested = parts.and_then(|name| full_name(&name, "first", "last").ok()?);
    nested.or_else(|| full_name(traits, "first_name", "last_name").ok()?)
}

fn email(traits: &Object<'_>) -> Option<String> {
    traits.filled("email").ok()?
}

/// The first verified e-mail address, else the first one.
fn address(identity: &Object<'_>) -> Option<String> {
    let mut addresses = identity.objects("verifiable_addresses").ok()?;
    addresses
        .retain(|address| address.filled("via").is_ok_and(|via| via.as_deref() == Some("email")));
    let verified = addresses.iter().find(|address| address.flag("verified").is_ok_and(|is| is));
    verified.or(addresses.first())?.filled("value").ok()?
}
