//! The service as in production: the real router on a real socket, and requests signed by the svix crate.

use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use users_sync::api::Client;
use users_sync::http::{self, App};
use users_sync::provider::{self, Provider, Sample};
use users_sync::sync::{self, Tables, Users};
use users_sync::webhook::Source;

use super::signed::{KEY, Signed, source};
use users_sync::rules::Rules;

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
    /// The rules of sources by their names; further sources have the provider that is named beside.
    pub(crate) rules: Vec<(&'static str, &'static str, Rules)>,
    /// Sources beside those of the providers.
    pub(crate) others: Vec<Source>,
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
            rules: Vec::new(),
            others: Vec::new(),
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
        let Settings {
            limits,
            sync,
            options,
            keys,
            providers,
            rules,
            others,
            clients,
            admin_token,
        } = settings;
        let naming = rules.iter().filter(|(_, _, rules)| rules.has_external_ids());
        let naming = naming.map(|(name, provider, rules)| {
            let provider = provider::find(provider).expect("a known provider");
            ((*name).into(), (provider, Arc::new(rules.clone())))
        });
        let options = sync::Options { naming: naming.collect(), ..options };
        let tables = Tables::new(conninfo, pool.clone(), options);
        let users = Users::new(tables.clone(), clients);
        let (sync, writers) = sync::start(tables, sync);
        let of_providers = providers.into_iter().map(|provider| source(provider, &keys));
        let ruled = rules.into_iter().map(|(name, provider, rules)| {
            let provider = provider::find(provider).expect("a known provider");
            let (name, rules) = (name.into(), Arc::new(rules));
            Source { name, rules, ..source(provider, &keys) }
        });
        let named = |source: Source| (source.name.to_string(), source);
        let sources = of_providers.chain(ruled).chain(others).map(named).collect();
        let draining = CancellationToken::new();
        let app = Arc::new(App {
            sources,
            sync: Arc::new(sync),
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

async fn answer(response: reqwest::Response) -> Result<Answer, reqwest::Error> {
    let status = response.status().as_u16();
    let text = response.text().await?;
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Ok(Answer { status, body })
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
