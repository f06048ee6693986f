//! Fake vendors: HTTP servers that page, limit, fail and lose data as the real ones do, with the real client in
//! front.

mod faults;
mod listing;
mod others;
mod routes;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use axum::Router;
use axum::extract::Query;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use users_sync::api::{Client, Patience, Settings};
use users_sync::provider;

pub(crate) use faults::Fault;
use others::Others;

/// The key of every test's project.
pub(crate) const KEY: &str = "sk_live_the_key_of_the_tests";

/// Which user a cursor of Stack's names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cursor {
    FirstOfNextPage,
    LastOfThisPage,
}

/// Answers a request for the page after a cursor, of these users.
pub(crate) type Pages = dyn Fn(&[Value], Option<&str>) -> Value + Send;

#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) at: Instant,
}

pub(crate) struct Vendor {
    provider: &'static str,
    address: SocketAddr,
    office: Arc<Office>,
    served: JoinHandle<()>,
}

pub(crate) struct Office {
    pub(crate) provider: &'static str,
    desk: Mutex<Desk>,
}

/// What the vendor has and how it behaves.
pub(crate) struct Desk {
    /// In the order of their creation.
    pub(crate) users: Vec<Value>,
    pub(crate) cursor: Cursor,
    /// The greatest number of users on a page, whatever the request asks for.
    pub(crate) page_cap: usize,
    pub(crate) faults: VecDeque<Fault>,
    /// From this request on, counted from now, every request fails like this.
    pub(crate) stumbles: Option<(usize, Fault)>,
    /// After this many requests, counted from now, no request is answered.
    pub(crate) silent_after: Option<usize>,
    pub(crate) asked: Vec<Asked>,
    /// Users that are deleted as soon as this many requests were answered.
    pub(crate) leaving: Vec<(usize, String)>,
    /// Users that exist but are not listed.
    pub(crate) unlisted: Box<dyn Fn(&Value) -> bool + Send>,
    /// Users that a replica does not have yet: a request for their id finds no user.
    pub(crate) unseen: Box<dyn Fn(&Value) -> bool + Send>,
    /// The body of a 404, if it differs from the documented one.
    pub(crate) missing: Option<&'static str>,
    /// A user is created, but its answer is this status.
    pub(crate) creates_with: Option<u16>,
    /// The answer to the list after a cursor, instead of a page.
    pub(crate) pages: Option<Box<Pages>>,
    /// The answer to the count and its status, instead of the real number.
    pub(crate) total: Option<(u16, Value)>,
    /// The fault of a request for this user.
    pub(crate) about: HashMap<String, Fault>,
    /// The date of the answers.
    pub(crate) date: Option<Timestamp>,
    pub(crate) others: Others,
}

impl Vendor {
    pub(crate) async fn new(provider: &'static str) -> Self {
        let desk = Desk {
            users: Vec::new(),
            cursor: Cursor::LastOfThisPage,
            page_cap: 500,
            faults: VecDeque::new(),
            stumbles: None,
            silent_after: None,
            asked: Vec::new(),
            leaving: Vec::new(),
            unlisted: Box::new(|_| false),
            unseen: Box::new(|_| false),
            missing: None,
            creates_with: None,
            pages: None,
            total: None,
            about: HashMap::new(),
            date: None,
            others: Others::default(),
        };
        let office = Arc::new(Office { provider, desk: Mutex::new(desk) });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let router = Router::new()
            .route("/v1/users", get(routes::list).post(routes::create))
            .route("/v1/users/count", get(routes::count))
            .route("/v1/users/{id}", get(routes::one).delete(routes::delete))
            .fallback(others::answer)
            .with_state(office.clone());
        let served = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("the vendor serves");
        });
        Self { provider, address, office, served }
    }

    pub(crate) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.office.desk.lock().expect("no test panics at the desk")
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1/", self.address)
    }

    pub(crate) fn settings(&self) -> Settings {
        let provider = provider::find(self.provider).expect("a known provider");
        let api = provider.api.as_ref().expect("it has an API");
        let credentials = api.credentials.iter().map(|_| KEY.into()).collect();
        let (source, rules) = (provider.name.into(), Arc::default());
        Settings { source, provider, api, url: self.url(), credentials, rules }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.settings(), impatient()).expect("a client")
    }

    /// Creates users with these ids, in this order.
    pub(crate) fn enrol<'a>(&self, ids: impl IntoIterator<Item = &'a str>) {
        for id in ids {
            self.put(id, &json!({}));
        }
    }

    /// Creates or replaces a user with these fields.
    pub(crate) fn put(&self, id: &str, fields: &Value) -> Value {
        let user = super::body(self.provider, "user.created", id, fields)["data"].take();
        let mut desk = self.desk();
        match desk.users.iter_mut().find(|user| user["id"] == id) {
            Some(known) => known.clone_from(&user),
            None => desk.users.push(user.clone()),
        }
        user
    }

    pub(crate) fn dismiss(&self, id: &str) {
        self.desk().users.retain(|user| user["id"] != id);
    }

    /// The number of requests so far whose method and path begin like this.
    pub(crate) fn asked(&self, method: &str, path: &str) -> usize {
        let desk = self.desk();
        let like = |asked: &&Asked| asked.method == method && asked.path.starts_with(path);
        desk.asked.iter().filter(like).count()
    }
}

impl Drop for Vendor {
    fn drop(&mut self) {
        self.served.abort();
    }
}

/// Retries at once.
pub(crate) fn impatient() -> Patience {
    let least_delay = std::time::Duration::from_millis(1);
    Patience { tries: 4, least_delay, ..Patience::default() }
}

impl Office {
    /// Returns when an answer may be given.
    async fn attend(&self) {
        let is_silent = self.desk.lock().expect("no test panics at the desk").is_silent();
        if is_silent {
            std::future::pending::<()>().await;
        }
    }

    /// The first steps of every request: the log, a fault, the check of the key.
    fn receive(&self, method: &str, path: &str, query: &Pairs, headers: &HeaderMap) -> Received {
        let mut desk = self.desk.lock().expect("no test panics at the desk");
        let (method, path) = (method.to_owned(), path.to_owned());
        desk.asked.push(Asked { method, path, query: query.0.clone(), at: Instant::now() });
        let key =
            if self.provider == "clerk" { "authorization" } else { "x-stack-secret-server-key" };
        let sent = headers.get(key).and_then(|key| key.to_str().ok()).unwrap_or_default();
        let server = self.provider == "clerk" || headers.get("x-stack-access-type").is_some();
        if sent.trim_start_matches("Bearer ") != KEY || !server {
            return Err(Box::new(refusal(self.provider, 401, "invalid_key")));
        }
        match desk.fault() {
            None => Ok(Whole),
            Some(fault) => Err(Box::new(fault.answer(self.provider))),
        }
    }

    /// The answer, with its date, and what happens after it.
    fn answer(&self, status: u16, body: &Value) -> Response {
        let mut desk = self.desk.lock().expect("no test panics at the desk");
        let answered = desk.asked.len();
        let gone: Vec<_> = desk.leaving.extract_if(.., |(after, _)| *after <= answered).collect();
        desk.users.retain(|user| gone.iter().all(|(_, id)| user["id"] != id.as_str()));
        let status = StatusCode::from_u16(status).expect("a status");
        dated((status, axum::Json(body.clone())).into_response(), desk.date)
    }

    /// The answer to a request for a user that does not exist.
    fn no_such_user(&self) -> Response {
        let desk = self.desk.lock().expect("no test panics at the desk");
        let known = if self.provider == "clerk" { "resource_not_found" } else { "USER_NOT_FOUND" };
        dated(refusal(self.provider, 404, desk.missing.unwrap_or(known)), desk.date)
    }
}

impl Desk {
    fn is_silent(&mut self) -> bool {
        match &mut self.silent_after {
            None => false,
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
        }
    }

    fn fault(&mut self) -> Option<Fault> {
        match &mut self.stumbles {
            Some((0 | 1, fault)) => Some(fault.clone()),
            Some((left, _)) => {
                *left -= 1;
                None
            }
            None => self.faults.pop_front(),
        }
    }
}

struct Whole;

type Received = Result<Whole, Box<Response>>;
type Pairs = Query<Vec<(String, String)>>;

fn refusal(provider: &str, status: u16, code: &str) -> Response {
    let body = if provider == "clerk" {
        json!({ "errors": [{ "message": "no", "long_message": "no", "code": code }] })
    } else {
        json!({ "code": code, "error": "no" })
    };
    (StatusCode::from_u16(status).expect("a status"), axum::Json(body)).into_response()
}

fn dated(mut response: Response, date: Option<Timestamp>) -> Response {
    if let Some(date) = date {
        let date = jiff::fmt::rfc2822::DateTimePrinter::new()
            .timestamp_to_rfc9110_string(&date)
            .expect("a date");
        response.headers_mut().insert(header::DATE, date.parse().expect("a header"));
    }
    response
}
