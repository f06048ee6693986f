//! The service as in production: the real router on a real socket, and requests signed by the svix crate.

use std::net::SocketAddr;
use std::sync::Arc;

use ::http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};
use svix::webhooks::Webhook;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use users_sync::api::Client;
use users_sync::http::{self, App};
use users_sync::ksuid;
use users_sync::provider::{self, Provider, Sample};
use users_sync::signature::Secret;
use users_sync::sync::{self, Tables, Users};
use users_sync::webhook::{Decoded, Delivery, Source};

/// The key that every test's sender signs with.
pub(crate) const KEY: &[u8] = b"the key of the tests: 32 bytes !";

/// The token that gives access to `/api`.
pub(crate) const ADMIN_TOKEN: &str = "the token of the tests";

/// The settings of a test's service.
pub(crate) struct Settings {
    pub(crate) limits: http::Limits,
    pub(crate) sync: sync::Limits,
    pub(crate) options: sync::Options,
    /// The keys of every source.
    pub(crate) keys: Vec<Vec<u8>>,
    /// The providers, each with one source.
    pub(crate) providers: Vec<&'static Provider>,
    /// The APIs that the service can ask.
    pub(crate) clients: Vec<Arc<Client>>,
    pub(crate) admin_token: Option<SecretString>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: http::Limits::default(),
            sync: sync::Limits::default(),
            options: sync::Options::default(),
            keys: vec![KEY.to_vec()],
            providers: provider::ALL.to_vec(),
            clients: Vec::new(),
            admin_token: Some(ADMIN_TOKEN.into()),
        }
    }
}

/// A running service; it drains when `drain` is called, and ends with the test.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    pub(crate) users: Users,
    client: reqwest::Client,
    stop: CancellationToken,
    served: JoinHandle<()>,
}

/// A status, and the JSON that came with it.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn outcome(&self) -> &str {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body["outcome"].as_str().expect("an answer of 200 has an outcome")
    }
}

impl Service {
    pub(crate) async fn start(database_url: &str) -> Self {
        Self::start_with(database_url, Settings::default()).await
    }

    /// As with JOURNAL_BODIES=all.
    pub(crate) async fn keeping_bodies(database_url: &str) -> Self {
        let options = sync::Options { keep_bodies: true, ..sync::Options::default() };
        Self::start_with(database_url, Settings { options, ..Settings::default() }).await
    }

    pub(crate) async fn start_with(database_url: &str, settings: Settings) -> Self {
        http::server::raise_open_files_limit();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let conninfo = super::conninfo(database_url);
        let pool = conninfo.pool(8).expect("a pool");
        let Settings { limits, sync, options, keys, providers, clients, admin_token } = settings;
        let tables = Tables::new(conninfo, pool.clone(), options);
        let users = Users::new(tables.clone(), clients);
        let (sync, writers) = sync::start(tables, sync);
        let named =
            |provider: &'static Provider| (provider.name.to_owned(), source(provider, &keys));
        let sources = providers.into_iter().map(named).collect();
        let draining = CancellationToken::new();
        let app = Arc::new(App {
            sources,
            sync,
            pool,
            users: users.clone(),
            admin_token,
            limits,
            strangers: http::strangers::Strangers::new(&limits),
            draining,
        });

        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let served = tokio::spawn(async move {
            http::server::serve(listener, app, stopped).await;
            writers.finish().await;
        });
        Self { address, users, client: reqwest::Client::new(), stop, served }
    }

    /// Posts a signed delivery to the source that it is signed for.
    pub(crate) async fn post(&self, signed: &Signed) -> Answer {
        self.try_post(signed).await.expect("the service answers")
    }

    pub(crate) async fn try_post(&self, signed: &Signed) -> Result<Answer, reqwest::Error> {
        self.try_post_with(signed, &signed.headers()).await
    }

    /// Posts a delivery's body under other headers than its own.
    pub(crate) async fn post_with(&self, signed: &Signed, headers: &[(String, String)]) -> Answer {
        self.try_post_with(signed, headers).await.expect("the service answers")
    }

    async fn try_post_with(
        &self,
        signed: &Signed,
        headers: &[(String, String)],
    ) -> Result<Answer, reqwest::Error> {
        let mut request = self.client.post(self.url(&format!("/webhooks/{}", signed.source)));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        answer(request.body(signed.body.clone()).send().await?).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let response = self.client.get(self.url(path)).send().await.expect("the service answers");
        answer(response).await.expect("a whole answer")
    }

    /// A request to `/api`, with the token.
    pub(crate) async fn api(&self, method: &str, path: &str, body: Value) -> Answer {
        self.api_with(method, path, body, &[]).await
    }

    pub(crate) async fn api_with(
        &self,
        method: &str,
        path: &str,
        body: Value,
        headers: &[(&str, &str)],
    ) -> Answer {
        let method = method.parse().expect("a method");
        let mut request = self.client.request(method, self.url(path)).bearer_auth(ADMIN_TOKEN);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.json(&body).send().await.expect("the service answers");
        answer(response).await.expect("a whole answer")
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Begins to drain; the task ends when every accepted request is answered.
    pub(crate) fn drain(self) -> JoinHandle<()> {
        self.stop.cancel();
        self.served
    }
}

fn source(provider: &'static Provider, keys: &[Vec<u8>]) -> Source {
    let secrets = keys.iter().cloned().map(Secret::from_bytes).collect();
    Source::new(provider.name, provider, secrets)
}

async fn answer(response: reqwest::Response) -> Result<Answer, reqwest::Error> {
    let status = response.status().as_u16();
    let text = response.text().await?;
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Ok(Answer { status, body })
}

/// A delivery that a test can post any number of times.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    pub(crate) source: &'static str,
    pub(crate) id: String,
    pub(crate) timestamp: i64,
    pub(crate) body: Vec<u8>,
    pub(crate) signature: String,
    /// `svix`, or `webhook` for the names of Standard Webhooks.
    pub(crate) prefix: &'static str,
}

impl Signed {
    /// A new delivery, made and sent now.
    pub(crate) fn new(source: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let id = format!("msg_{}", ksuid::new(Timestamp::now()));
        Self {
            source,
            id,
            timestamp: Timestamp::now().as_second(),
            body: body.into(),
            signature: String::new(),
            prefix: "svix",
        }
        .signed_with(KEY)
    }

    /// The same, under another delivery id.
    pub(crate) fn with_id(mut self, id: &str) -> Self {
        id.clone_into(&mut self.id);
        self.signed_with(KEY)
    }

    /// The same, sent at another time.
    pub(crate) fn sent_at(mut self, timestamp: i64) -> Self {
        self.timestamp = timestamp;
        self.signed_with(KEY)
    }

    /// The same, signed with another key. The svix crate signs only UTF-8, so this applies its rule by hand.
    pub(crate) fn signed_with(mut self, key: &[u8]) -> Self {
        let webhook = Webhook::from_bytes(key.to_vec()).expect("a key");
        self.signature = match webhook.sign(&self.id, self.timestamp, &self.body) {
            Ok(signature) => signature,
            Err(_) => sign_bytes(key, &self.id, self.timestamp, &self.body),
        };
        self
    }

    /// The delivery that the router makes of it.
    pub(crate) fn verified(&self) -> Delivery {
        let named = |(name, value): (String, String)| {
            Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
        };
        let headers: HeaderMap = self.headers().into_iter().filter_map(named).collect();
        let provider = provider::find(self.source).expect("a known provider");
        let source = source(provider, &[KEY.to_vec()]);
        let delivery = source.verify(&headers, self.body.clone().into(), Timestamp::now());
        delivery.expect("the harness signs well")
    }

    /// The decoded delivery, before it is written.
    pub(crate) fn decoded(&self) -> Decoded {
        let delivery = self.verified();
        let made_at = delivery.made_at().unwrap_or(delivery.received_at());
        delivery.decode(made_at)
    }

    pub(crate) fn headers(&self) -> [(String, String); 3] {
        let named = |name: &str| format!("{}-{name}", self.prefix);
        [
            (named("id"), self.id.clone()),
            (named("timestamp"), self.timestamp.to_string()),
            (named("signature"), self.signature.clone()),
        ]
    }
}

fn sign_bytes(key: &[u8], id: &str, timestamp: i64, body: &[u8]) -> String {
    use aws_lc_rs::hmac;
    use base64::Engine;

    let mut content = format!("{id}.{timestamp}.").into_bytes();
    content.extend_from_slice(body);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), &content);
    format!("v1,{}", base64::engine::general_purpose::STANDARD.encode(tag))
}

/// A realistic body of a provider's, with `data` merged over its own. A membership or a grant is that of the user `user_1`
/// in `org_1`.
pub(crate) fn body(provider: &str, event_type: &str, id: &str, data: &Value) -> Value {
    let provider = provider::find(provider).expect("a known provider");
    let now = Timestamp::now();
    let (user_id, organization_id, email) = ("user_1", "org_1", "ada@example.com");
    let sample = Sample { event_type, id, user_id, organization_id, email, now };
    let mut body = (provider.sample)(&sample);
    for (field, value) in data.as_object().expect("fields") {
        body["data"][field] = value.clone();
    }
    body["type"] = json!(event_type);
    body
}
