//! Signing in to the page: the admin token, once, for a cookie that says until when. Nothing is kept on our side, so every
//! replica takes it, and another token ends every session.
//!
//! The seal is an HMAC of `aws-lc-rs`: the signed cookies of the `cookie` crate bring a second set of hash functions, and say
//! nothing of when a session ends or which form belongs to it.

use aws_lc_rs::hmac;
use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

const COOKIE: &str = "users_sync_admin";
const HOURS: i64 = 12;

/// A verified session, and the token that its forms must send.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) csrf: String,
}

/// The value of `Set-Cookie` for a new session.
pub(super) fn open(token: &SecretString, headers: &HeaderMap, now: Timestamp) -> String {
    let until = now.as_second() + HOURS * 3600;
    let seal = seal(token, "session", &until.to_string());
    // Behind a proxy that speaks TLS the cookie must not go over anything less.
    let tls = headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https");
    let secure = if tls { "; Secure" } else { "" };
    let age = HOURS * 3600;
    format!(
        "{COOKIE}={until}.{seal}; Path=/admin; Max-Age={age}; HttpOnly; SameSite=Strict{secure}"
    )
}

pub(super) fn closed() -> String {
    format!("{COOKIE}=; Path=/admin; Max-Age=0; HttpOnly; SameSite=Strict")
}

/// The session of a request; `None` if there is none, it is over, or we did not open it.
pub(super) fn of(token: &SecretString, headers: &HeaderMap, now: Timestamp) -> Option<Session> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let value = cookies
        .flat_map(|cookies| cookies.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('='))?;
    let (until, given) = value.split_once('.')?;
    let over = until.parse::<i64>().ok()? <= now.as_second();
    (!over && is_sealed(token, "session", until, given))
        .then(|| Session { csrf: seal(token, "form", value) })
}

/// Another purpose, another seal: none can be taken for the other.
fn seal(token: &SecretString, purpose: &str, text: &str) -> String {
    let tag = hmac::sign(&key(token), format!("{purpose}:{text}").as_bytes());
    URL_SAFE_NO_PAD.encode(tag)
}

fn is_sealed(token: &SecretString, purpose: &str, text: &str, given: &str) -> bool {
    let Ok(tag) = URL_SAFE_NO_PAD.decode(given) else { return false };
    hmac::verify(&key(token), format!("{purpose}:{text}").as_bytes(), &tag).is_ok()
}

fn key(token: &SecretString) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, token.expose_secret().as_bytes())
}
