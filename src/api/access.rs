//! What opens an API: headers with the credentials, or with a token that they are exchanged for.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::RequestBuilder;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::request::Requests;
use super::{Answer, Error, Settings};
use crate::json::{Object, Unreadable};
use crate::provider::api::{Access, Exchange, Query, Sent};

/// A token is replaced this long before its end, or after nine tenths of a shorter life.
const MARGIN: Duration = Duration::from_secs(60);

/// The headers of every request.
pub(super) fn headers(settings: &Settings) -> Result<HeaderMap, Error> {
    let api = settings.api;
    let mut headers = HeaderMap::new();
    for (name, value) in api.headers {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let keys: Vec<_> = settings.credentials.iter().map(ExposeSecret::expose_secret).collect();
    match api.access {
        Access::Headers(of) => {
            for (at, (name, prefix)) in of.iter().enumerate() {
                let at = at.min(keys.len().saturating_sub(1));
                let (Some(key), Some(one)) = (keys.get(at), api.credentials.get(at)) else { break };
                let value = sensitive(&format!("{prefix}{key}"), one.variable)?;
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        Access::Basic => {
            headers.insert(header::AUTHORIZATION, sensitive(&basic(&keys), &api.variables())?);
        }
        Access::Bearer => {
            let value = sensitive(&format!("Bearer {}", keys.join(":")), &api.variables())?;
            headers.insert(header::AUTHORIZATION, value);
        }
        Access::Exchange(_) => {}
    }
    Ok(headers)
}

fn basic(parts: &[&str]) -> String {
    format!("Basic {}", STANDARD.encode(parts.join(":")))
}

/// A header's value that no log shows.
fn sensitive(text: &str, variables: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| Error::Settings(format!("{variables} holds a character that no key has")))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The tokens of an API that gives them in exchange for the credentials.
pub(super) struct Tokens {
    exchange: Exchange,
    url: String,
    parameters: Query,
    /// The client id and the client secret.
    client: Vec<SecretString>,
    held: Mutex<Option<Held>>,
}

struct Held {
    authorization: HeaderValue,
    /// `None` if the API does not say when it ends.
    until: Option<Instant>,
}

impl Tokens {
    /// `None` if the credentials themselves open the API.
    pub(super) fn new(settings: &Settings, url: &str) -> Option<Self> {
        let Access::Exchange(exchange) = settings.api.access else { return None };
        Some(Self {
            exchange,
            url: (exchange.url)(url),
            parameters: (exchange.parameters)(url),
            client: settings.credentials.clone(),
            held: Mutex::default(),
        })
    }

    /// The header with a token that is not the refused one. Requests at the same time wait for the same token.
    pub(super) async fn authorization(
        &self,
        requests: &Requests,
        refused: Option<&HeaderValue>,
    ) -> Result<HeaderValue, Error> {
        let mut held = self.held.lock().await;
        let is_good = |held: &&Held| {
            held.until.is_none_or(|until| Instant::now() < until)
                && Some(&held.authorization) != refused
        };
        if let Some(held) = held.as_ref().filter(is_good) {
            return Ok(held.authorization.clone());
        }
        *held = None;
        let asked = Instant::now();
        let answer = requests.once(self.request(requests), oauth_code).await.map_err(refusal)?;
        let new = self.read(&answer, asked)?;
        Ok(held.insert(new).authorization.clone())
    }

    fn request(&self, requests: &Requests) -> RequestBuilder {
        let request = requests.http().post(&self.url);
        let (id, secret) = match &self.client[..] {
            [id, secret, ..] => (id.expose_secret(), secret.expose_secret()),
            _ => ("", ""),
        };
        let mut form = vec![("grant_type", "client_credentials")];
        form.extend(self.parameters.iter().map(|(name, value)| (*name, &**value)));
        match self.exchange.sent {
            Sent::Form => {
                form.extend([("client_id", id), ("client_secret", secret)]);
                request.form(&form)
            }
            Sent::Basic => {
                // RFC 6749, 2.3.1: each of them as in a form.
                let [id, secret] =
                    [id, secret].map(|part| utf8_percent_encode(part, FORM).to_string());
                request.header(header::AUTHORIZATION, basic(&[&id, &secret])).form(&form)
            }
            Sent::Json { id: id_name, secret: secret_name, .. } => {
                let fields = [(id_name, id), (secret_name, secret)].into_iter();
                let fields = fields.chain(form.into_iter().skip(1));
                let body: Map<_, _> =
                    fields.map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
                request.json(&body)
            }
        }
    }

    fn read(&self, Answer { body, .. }: &Answer, asked: Instant) -> Result<Held, Error> {
        let (token, seconds) = match self.exchange.sent {
            Sent::Form | Sent::Basic => ("access_token", "expires_in"),
            Sent::Json { token, seconds, .. } => (token, seconds),
        };
        let text = std::str::from_utf8(body).map_err(|_| Unreadable::NotUtf8)?;
        let answer = Object::parse(text, "the answer with the token")?;
        let value = answer.filled(token)?.ok_or(Unreadable::Missing { field: token })?;
        let mut authorization = HeaderValue::from_str(&format!("Bearer {value}"))
            .map_err(|_| Unreadable::Unexpected { field: token, expected: "a token" })?;
        authorization.set_sensitive(true);
        let life = answer.integer(seconds).ok().flatten();
        let life = life.map(|life| Duration::from_secs(u64::try_from(life).unwrap_or_default()));
        let until = life.and_then(|life| asked.checked_add(life - MARGIN.min(life / 10)));
        Ok(Held { authorization, until })
    }
}

/// The bytes that a form leaves as they are.
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*');

fn oauth_code(error: &Object<'_>) -> Option<String> {
    error.filled("error").ok().flatten().or_else(|| crate::provider::api::code(error))
}

/// A refused token says nothing about the list or the entity that it was for.
fn refusal(error: Error) -> Error {
    let is_transient = error.is_transient();
    match error {
        Error::Status { status, code, variables, .. } if !is_transient => {
            Error::NoToken { status, code, variables }
        }
        error => error,
    }
}
