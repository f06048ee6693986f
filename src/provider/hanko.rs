//! Hanko: <https://docs.hanko.io/guides/webhooks/introduction>
//!
//! A changed e-mail address or username does not move a user's own time, so the time of the token is a snapshot's version.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{BASE, Envelope, Meaning, Provider, Sample, full_name, raw};
use crate::json::{Object, Unreadable};
use crate::model::{Change, Kind, Profile, Record, User};
use crate::signature::{Scheme, Signer, Token};

pub(super) static PROVIDER: Provider = Provider {
    name: "hanko",
    title: "Hanko",
    scheme: Scheme::Token(Token { field: Some("token"), signer: Signer::Published }),
    keys_path: "/.well-known/jwks.json",
    event_type: |body| body.id("evt"),
    versioned: false,
    decode,
    record,
    private: &["private_metadata", "ip_address", "user_agent"],
    events: &[
        ("user.create", Kind::User),
        ("user.update", Kind::User),
        ("user.delete", Kind::User),
        ("user.update.email.create", Kind::User),
        ("user.update.email.delete", Kind::User),
        ("user.update.email.primary", Kind::User),
        ("user.update.username.create", Kind::User),
        ("user.update.username.delete", Kind::User),
        ("user.update.username.update", Kind::User),
    ],
    sample,
    ..BASE
};

/// Session tokens of users are signed with the same keys; their subject is the user.
const SUBJECT: &str = "hanko webhooks";

fn decode(envelope: &Envelope<'_>) -> Result<Meaning, Unreadable> {
    if envelope.body.id("sub")? != SUBJECT {
        return Err(Unreadable::Unexpected { field: "sub", expected: "that of a webhook" });
    }
    let Some(kind) = PROVIDER.kind_of(envelope.event_type) else { return Ok(super::UNSUPPORTED) };
    let data = envelope.data()?;
    let at = envelope.body.time("iat")?.unwrap_or(envelope.made_at);
    if envelope.event_type == "user.delete" {
        let key = (PROVIDER.key)(kind, &data)?;
        return Ok(Meaning::Changes(vec![Change::Deleted { key, at }]));
    }
    let record = Record { updated_at: Some(at), ..record(kind, &data, envelope.bytes)? };
    Ok(Meaning::Changes(vec![PROVIDER.snapshot(envelope.version(at), record)]))
}

fn record(kind: Kind, data: &Object<'_>, bytes: &Bytes) -> Result<Record, Unreadable> {
    Ok(Record {
        key: (PROVIDER.key)(kind, data)?,
        profile: Profile::User(User { name: name(data)?, email: primary_email(data)? }),
        // The time is only displayed: if it cannot be read, the row is kept without it, and raw_json still has it.
        created_at: data.date("created_at").unwrap_or_default(),
        updated_at: None,
        // Hanko knows no disabled users.
        disabled: false,
        raw: raw(data, bytes),
    })
}

fn name(data: &Object<'_>) -> Result<Option<String>, Unreadable> {
    if let Some(name) = data.filled("name")? {
        return Ok(Some(name));
    }
    if let Some(name) = full_name(data, "given_name", "family_name")? {
        return Ok(Some(name));
    }
    data.object("username")?.map_or(Ok(None), |username| username.filled("username"))
}

fn primary_email(data: &Object<'_>) -> Result<Option<String>, Unreadable> {
    for email in data.objects("emails")? {
        if email.flag("is_primary")? {
            return email.filled("address");
        }
    }
    Ok(None)
}

fn sample(sample: &Sample<'_>) -> Value {
    let (now, iat) = (sample.now.to_string(), sample.now.as_second());
    json!({
        "sub": SUBJECT,
        "iat": iat,
        "exp": iat + 300,
        "aud": ["example.com"],
        "evt": sample.event_type,
        "data": {
            "id": sample.id,
            "created_at": now,
            "updated_at": now,
            "name": "Ada Lovelace",
            "emails": [{
                "id": "d31b0a0e-6f3c-4a3e-9d70-3f4a5b6c7d8e",
                "address": sample.email,
                "is_verified": true,
                "is_primary": true,
                "created_at": now,
                "updated_at": now,
            }],
            "username": { "id": "6158b1a4-0000-4000-8000-3f4a5b6c7d8e", "username": "ada", "created_at": now, "updated_at": now },
        },
    })
}
