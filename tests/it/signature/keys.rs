//! Keys that a provider publishes, fetched from a fake key server before a request is verified.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use users_sync::provider::{self, Provider};
use users_sync::signature::{KeySet, PublicKey, Scheme, Signer, Token};
use users_sync::webhook::Source;

use crate::harness::{Fake, Front, Issuer, ServiceSettings, body, key_set, reply};

const NAME: &str = "issuer";
const PATH: &str = "/keys.json";
const DEAD: &str = "http://127.0.0.1:9/keys.json";
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A provider whose bodies are tokens with what Clerk says, because no built-in one signs so.
fn provider() -> &'static Provider {
    let clerk = provider::find("clerk").expect("a known provider");
    let scheme = Scheme::Token(Token { field: None, signer: Signer::Published });
    Box::leak(Box::new(Provider { name: NAME, title: "Issuer", scheme, api: None, ..*clerk }))
}

struct Published {
    front: Front,
    set: Arc<KeySet>,
}

impl Published {
    async fn at(url: String) -> Self {
        let set = Arc::new(KeySet::new(url));
        let source = Source::new(NAME, provider(), Vec::new());
        let others = vec![Source { published: Some(set.clone()), ..source }];
        let settings = ServiceSettings { others, ..ServiceSettings::default() };
        Self { front: Front::with(settings).await, set }
    }

    async fn post(&self, token: String) -> reqwest::Response {
        let url = self.front.service.url(&format!("/webhooks/{NAME}"));
        let sent = reqwest::Client::new().post(url).body(token).send();
        sent.await.expect("the service answers")
    }

    async fn status(&self, token: String) -> u16 {
        self.post(token).await.status().as_u16()
    }

    /// As if the last question for the keys were long ago.
    async fn after_the_pause(&self) {
        *self.set.asked_at().await = None;
    }

    /// As if these keys had been fetched long ago.
    fn fetched_yesterday(&self, keys: Vec<PublicKey>) {
        self.set.replace(keys, Instant::now() - DAY);
    }
}

/// A server that publishes what it is given.
struct KeyServer {
    fake: Fake,
    keys: Arc<Mutex<Option<Vec<Value>>>>,
}

impl KeyServer {
    async fn new(issuers: &[&Issuer]) -> Self {
        let keys = Arc::new(Mutex::new(None::<Vec<Value>>));
        let shown = keys.clone();
        let fake = Fake::new(move |_, _| match &*shown.lock().expect("no test panics here") {
            Some(keys) => reply(200, &key_set(keys)),
            None => reply(500, &json!({})),
        });
        let server = Self { fake: fake.await, keys };
        server.publish(issuers);
        server
    }

    fn publish(&self, issuers: &[&Issuer]) {
        let keys = issuers.iter().map(|issuer| issuer.jwk()).collect();
        *self.keys.lock().expect("no test panics here") = Some(keys);
    }

    fn break_down(&self) {
        *self.keys.lock().expect("no test panics here") = None;
    }

    fn asked(&self) -> usize {
        self.fake.got(PATH).len()
    }

    async fn front(&self) -> Published {
        Published::at(self.fake.url(PATH)).await
    }
}

fn token(issuer: &Issuer, user: &str) -> String {
    issuer.token(body("clerk", "user.created", user, &json!({})).to_string())
}

#[tokio::test]
async fn the_first_request_fetches_the_published_keys_for_all() {
    let issuer = Issuer::ec("one");
    let server = KeyServer::new(&[&issuer]).await;
    let published = server.front().await;
    let posts = (0..20).map(|n| published.status(token(&issuer, &format!("user_{n}"))));

    let statuses = join_all(posts).await;

    assert_eq!((statuses, server.asked()), (vec![200; 20], 1));
    assert_eq!(published.front.users().await, 20);
}

#[tokio::test]
async fn a_new_key_is_fetched_by_the_first_request_that_names_it() {
    let (old, new) = (Issuer::ec("one"), Issuer::ed("two"));
    let server = KeyServer::new(&[&old]).await;
    let published = server.front().await;
    assert_eq!(published.status(token(&old, "user_1")).await, 200);
    server.publish(&[&old, &new]);

    let too_soon = published.post(token(&new, "user_2")).await;
    published.after_the_pause().await;
    let later = published.status(token(&new, "user_2")).await;

    assert_eq!(too_soon.status(), 503);
    assert!(too_soon.headers().contains_key("retry-after"));
    assert_eq!((later, server.asked()), (200, 2));
    assert_eq!(published.status(token(&old, "user_3")).await, 200);
}

#[tokio::test]
async fn a_dead_key_server_is_our_trouble_for_every_request() {
    let issuer = Issuer::ec("one");
    let published = Published::at(DEAD.to_owned()).await;
    let posts = (0..20).map(|_| published.post(token(&issuer, "user_1")));

    let answers = join_all(posts).await;

    for answer in answers {
        assert_eq!(answer.status(), 503);
        assert!(answer.headers().contains_key("retry-after"));
    }
}

#[tokio::test]
async fn a_key_server_that_answers_nonsense_is_our_trouble() {
    let issuer = Issuer::ec("one");
    let long = "x".repeat(300_000);
    for answer in ["<html>", "{\"keys\":[]}", "\u{0}", &long] {
        let text = answer.to_owned();
        let fake = Fake::new(move |_, _| (200, Vec::new(), text.clone())).await;
        let published = Published::at(fake.url(PATH)).await;

        assert_eq!(published.status(token(&issuer, "user_1")).await, 503);
    }
}

#[tokio::test]
async fn a_flood_of_invented_key_ids_asks_the_server_once() {
    let (right, stranger) = (Issuer::ec("one"), Issuer::ed("x"));
    let server = KeyServer::new(&[&right]).await;
    let published = server.front().await;
    let forged = |n: usize| {
        let header = json!({ "alg": "EdDSA", "kid": format!("invented {n}") });
        published.status(stranger.token_with(&header, "{}"))
    };

    let statuses = join_all((0..50).map(forged)).await;

    assert!(statuses.iter().all(|status| [401, 503].contains(status)), "{statuses:?}");
    assert_eq!(server.asked(), 1);
    assert_eq!(published.status(token(&right, "user_1")).await, 200);
}

#[tokio::test]
async fn an_unknown_key_is_refused_once_the_server_was_asked() {
    let (right, stranger) = (Issuer::ec("one"), Issuer::ec("two"));
    let server = KeyServer::new(&[&right]).await;
    let published = server.front().await;

    let refusal = published.post(token(&stranger, "user_1")).await;

    assert_eq!((refusal.status().as_u16(), server.asked()), (401, 1));
    assert_eq!(published.front.users().await, 0);
}

#[tokio::test]
async fn a_withdrawn_key_is_refused_once_the_keys_are_old() {
    let (old, new) = (Issuer::ec("one"), Issuer::ec("two"));
    let server = KeyServer::new(&[&new]).await;
    let published = server.front().await;
    published.set.replace(old.published(), Instant::now());
    assert_eq!(published.status(token(&old, "user_1")).await, 200);

    published.fetched_yesterday(old.published());
    let refused = published.status(token(&old, "user_2")).await;

    assert_eq!((refused, server.asked()), (401, 1));
    assert_eq!(published.status(token(&new, "user_3")).await, 200);
}

#[tokio::test]
async fn old_keys_stay_in_use_while_the_server_is_dead() {
    let issuer = Issuer::ec("one");
    let server = KeyServer::new(&[&issuer]).await;
    let published = server.front().await;
    server.break_down();
    published.fetched_yesterday(issuer.published());

    let meanwhile = published.status(token(&issuer, "user_1")).await;
    let paused = published.status(token(&issuer, "user_2")).await;
    server.publish(&[&Issuer::ec("two")]);
    published.after_the_pause().await;
    let afterwards = published.status(token(&issuer, "user_3")).await;

    assert_eq!((meanwhile, paused, afterwards), (200, 200, 401));
    assert_eq!(server.asked(), 2);
}

#[tokio::test]
async fn a_stranger_cannot_make_a_known_key_wait_for_the_server() {
    let (known, stranger) = (Issuer::ec("one"), Issuer::ec("two"));
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = silent.local_addr().expect("a bound address");
    let published = Published::at(format!("http://{address}{PATH}")).await;
    published.set.replace(known.published(), Instant::now());
    let url = published.front.service.url(&format!("/webhooks/{NAME}"));
    let forged = reqwest::Client::new().post(url).body(token(&stranger, "user_1"));

    let waiting = tokio::spawn(forged.send());
    let (asked, _) = silent.accept().await.expect("the service asks");
    let status = published.status(token(&known, "user_2")).await;

    assert_eq!((status, waiting.is_finished()), (200, false));
    waiting.abort();
    drop(asked);
}

#[tokio::test]
async fn a_sender_that_hangs_up_does_not_stop_the_fetch() {
    let (known, stranger) = (Issuer::ec("one"), Issuer::ec("two"));
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = silent.local_addr().expect("a bound address");
    let published = Published::at(format!("http://{address}{PATH}")).await;
    let url = published.front.service.url(&format!("/webhooks/{NAME}"));
    let forged = reqwest::Client::new().post(url).body(token(&stranger, "user_1"));

    let waiting = tokio::spawn(forged.send());
    let (mut asked, _) = silent.accept().await.expect("the service asks");
    waiting.abort();
    // The other request waits for the answer to this question.
    let keys = key_set(&[known.jwk()]).to_string();
    let answer = async {
        use tokio::io::AsyncWriteExt;
        let text = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{keys}", keys.len());
        asked.write_all(text.as_bytes()).await.expect("the service listens");
    };
    let (status, ()) = tokio::join!(published.status(token(&known, "user_2")), answer);

    assert_eq!(status, 200);
}

#[tokio::test]
async fn a_key_without_an_id_serves_tokens_that_name_one() {
    let issuer = Issuer::ec("one");
    let mut jwk = issuer.jwk();
    jwk.as_object_mut().expect("fields").remove("kid");
    let server = KeyServer::new(&[]).await;
    *server.keys.lock().expect("no test panics here") = Some(vec![jwk]);
    let published = server.front().await;

    let first = published.status(token(&issuer, "user_1")).await;
    let second = published.status(token(&issuer, "user_2")).await;

    assert_eq!((first, second, server.asked()), (200, 200, 1));
}
