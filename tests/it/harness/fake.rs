//! A fake API that answers each request as a test says, for APIs that no provider of ours has.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use users_sync::api::{Client, Settings};
use users_sync::provider::api::Api;
use users_sync::provider::{self, Provider};

use super::impatient;

/// A request that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) method: String,
    /// The path and the query.
    pub(crate) uri: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).expect("a text")
    }
}

/// A status, headers and a body.
pub(crate) type Reply = (u16, Vec<(&'static str, String)>, String);

/// An answer without headers of its own.
pub(crate) fn reply(status: u16, body: &Value) -> Reply {
    (status, Vec::new(), body.to_string())
}

pub(crate) struct Fake {
    address: SocketAddr,
    got: Arc<Mutex<Vec<Got>>>,
    served: JoinHandle<()>,
}

impl Fake {
    /// `answer` gets each request, and how many of its method and path came before.
    pub(crate) async fn new(answer: impl Fn(&Got, usize) -> Reply + Send + Sync + 'static) -> Self {
        let got = Arc::new(Mutex::new(Vec::<Got>::new()));
        let (answer, log) = (Arc::new(answer), got.clone());
        let respond = async move |request: Request| {
            let (head, body) = request.into_parts();
            let body = to_bytes(body, usize::MAX).await.expect("a whole body");
            let (method, uri) = (head.method.to_string(), head.uri.to_string());
            let new = Got { method, uri, headers: head.headers, body };
            let earlier = {
                let mut log = log.lock().expect("no test panics while it logs");
                let earlier = log.iter().filter(|one| same(one, &new)).count();
                log.push(new.clone());
                earlier
            };
            response(answer(&new, earlier))
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let router = Router::new().fallback(respond);
        let served = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("the fake serves");
        });
        Self { address, got, served }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A client of this API, with the records of Clerk.
    pub(crate) fn client(&self, api: &'static Api) -> Client {
        self.client_of(provider::find("clerk").expect("a known provider"), api)
    }

    /// A client of a provider's own API, here.
    pub(crate) fn client_for(&self, name: &str) -> Client {
        let provider = provider::find(name).expect("a known provider");
        self.client_of(provider, provider.api.as_ref().expect("it has an API"))
    }

    fn client_of(&self, provider: &'static Provider, api: &'static Api) -> Client {
        let credentials = api.credentials.iter().map(|one| one.variable.into()).collect();
        let url = self.url("/api/");
        let (source, rules) = (provider.name.into(), Arc::default());
        let settings = Settings { source, provider, api, url, credentials, rules };
        Client::new(&settings, impatient()).expect("a client")
    }

    /// Every request so far whose path begins like this.
    pub(crate) fn got(&self, path: &str) -> Vec<Got> {
        let got = self.got.lock().expect("no test panics while it logs");
        got.iter().filter(|one| one.uri.starts_with(path)).cloned().collect()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.served.abort();
    }
}

fn same(one: &Got, other: &Got) -> bool {
    let path = |got: &Got| got.uri.split('?').next().map(str::to_owned);
    one.method == other.method && path(one) == path(other)
}

fn response((status, headers, body): Reply) -> Response {
    let mut response = (StatusCode::from_u16(status).expect("a status"), body).into_response();
    for (name, value) in headers {
        response.headers_mut().append(name, value.parse().expect("a header"));
    }
    response
}
