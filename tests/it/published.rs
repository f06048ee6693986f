//! Providers that sign with keys which they publish, and one that asks before a sign-up, with the real program.

use serde_json::{Value, json};

use crate::harness::{Fake, Issuer, Program, Scratch, TestDatabase, key_set, reply};

/// A program that takes Kinde's deliveries, signed by an issuer whose keys it fetches.
struct Desk {
    database: TestDatabase,
    _dir: Scratch,
    program: Program,
    issuer: Issuer,
    keys: Fake,
}

impl Desk {
    async fn new() -> Self {
        let (database, dir) = (TestDatabase::new().await, Scratch::new().await);
        let issuer = Issuer::rsa("kinde-1");
        let published = issuer.jwk();
        let keys =
            Fake::new(move |_, _| reply(200, &key_set(std::slice::from_ref(&published)))).await;
        let address = keys.url("");
        let variables = [("DATABASE_URL", database.url()), ("KINDE_JWKS_URL", &address)];
        let program = Program::serve(dir.path(), &variables).await;
        Self { database, _dir: dir, program, issuer, keys }
    }

    async fn post(&self, content: &Value) -> (u16, Value) {
        let url = format!("http://{}/webhooks/kinde", self.program.address);
        let token = self.issuer.token(content.to_string());
        let request = reqwest::Client::new().post(url).header("content-type", "application/jwt");
        let answer = request.body(token).send().await.expect("the service answers");
        let status = answer.status().as_u16();
        (status, answer.json().await.expect("an answer in JSON"))
    }

    async fn users(&self) -> i64 {
        let sql = "select count(*) from neon_auth.users_sync";
        self.database.client().await.query_one(sql, &[]).await.expect("a row").get(0)
    }
}

#[tokio::test]
async fn a_token_signed_with_a_published_key_becomes_a_row() {
    let desk = Desk::new().await;
    let user = json!({ "id": "kp_1", "email": "ada@example.com", "first_name": "Ada" });
    let event = json!({
        "type": "user.created", "event_id": "event_1", "source": "admin",
        "event_timestamp": "2026-10-03T09:30:00.500Z", "data": { "user": user },
    });

    let (first, again) = (desk.post(&event).await, desk.post(&event).await);

    assert_eq!(first, (200, json!({ "outcome": "applied" })));
    assert_eq!(again, (200, json!({ "outcome": "duplicate" })));
    assert_eq!(desk.users().await, 1);
    let asked = desk.keys.got("/.well-known/jwks.json");
    assert_eq!(asked.len(), 1, "the keys are fetched once, at their usual place");
    desk.program.stop().await;
}

#[tokio::test]
async fn an_access_token_with_the_same_key_becomes_no_row() {
    let desk = Desk::new().await;
    let claims = json!({ "iss": "https://acme.kinde.com", "sub": "kp_1", "scp": ["openid"] });

    let (status, answer) = desk.post(&claims).await;

    assert_eq!((status, answer), (200, json!({ "outcome": "quarantined" })));
    assert_eq!(desk.users().await, 0);
    desk.program.stop().await;
}

#[tokio::test]
async fn a_sign_up_never_waits_for_a_database_that_is_down() {
    let (database, dir) = (TestDatabase::new().await, Scratch::new().await);
    let keys = Fake::new(|_, _| reply(500, &json!({}))).await;
    let address = keys.url("/.well-known/jwks.json");
    let variables = [("DATABASE_URL", database.url()), ("NEON_JWKS_URL", &address)];
    let program = Program::serve(dir.path(), &variables).await;
    // Nothing can be written from now on.
    let lock = "begin; lock table users_sync.journal, users_sync.ledger";
    let holder = database.client().await;
    holder.batch_execute(lock).await.expect("the tables are free");

    let request = reqwest::Client::new()
        .post(format!("http://{}/webhooks/neon", program.address))
        .header("x-neon-event-type", "user.before_create");
    let answer = request.body("{}").send().await.expect("the service answers");

    assert_eq!(answer.status().as_u16(), 200);
    let answer: Value = answer.json().await.expect("an answer in JSON");
    assert_eq!(answer, json!({ "outcome": "ignored", "allowed": true }));
    drop(holder);
    program.stop().await;
}
