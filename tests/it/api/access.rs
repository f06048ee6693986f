//! What opens an API: credentials in headers, and tokens.

use serde_json::json;
use users_sync::api::{Client, Error, Obstacle};
use users_sync::model::Kind;
use users_sync::provider::api::{Access, Api, Exchange, Sent, origin};

use super::other::{API, empty_page};
use crate::harness::{Fake, Got, Reply, reply};

const EXCHANGE: Exchange = Exchange {
    url: |api| format!("{}/oauth/token", origin(api)),
    parameters: |api| vec![("audience", format!("{api}/"))],
    sent: Sent::Form,
};

static TOKENS: Api = Api { access: Access::Exchange(EXCHANGE), ..API };

/// Gives the tokens `t0`, `t1`, …, and an empty list to requests with a `good` one.
async fn issuer(seconds: u64, good: &'static [&'static str]) -> Fake {
    Fake::new(move |got, earlier| {
        if got.uri == "/oauth/token" {
            let token = format!("t{earlier}");
            return reply(200, &json!({ "access_token": token, "expires_in": seconds }));
        }
        let is_good =
            good.iter().any(|token| got.header("authorization") == format!("Bearer {token}"));
        if is_good { empty_page() } else { reply(401, &json!({ "code": "unauthorized" })) }
    })
    .await
}

async fn list(client: &Client) -> Result<usize, Error> {
    client.page(Kind::User, None, None).await.map(|page| page.readings.len())
}

/// The authorization of a list's request.
async fn authorization(api: &'static Api) -> Got {
    let fake = Fake::new(|_, _| empty_page()).await;
    list(&fake.client(api)).await.expect("a page");
    fake.got("/").remove(0)
}

#[tokio::test]
async fn credentials_are_sent_as_the_api_wants_them() {
    static BASIC: Api = Api { access: Access::Basic, ..API };
    static JOINED: Api = Api { access: Access::Bearer, ..API };
    const SEVERAL: &[(&str, &str)] = &[("x-id", ""), ("x-key", "SSWS "), ("apikey", "")];
    static HEADERS: Api = Api { access: Access::Headers(SEVERAL), ..API };

    // The name and the password, `ID:SECRET`.
    assert_eq!(authorization(&BASIC).await.header("authorization"), "Basic SUQ6U0VDUkVU");
    assert_eq!(authorization(&JOINED).await.header("authorization"), "Bearer ID:SECRET");
    let got = authorization(&HEADERS).await;
    let sent = ["x-id", "x-key", "apikey"].map(|name| got.header(name));
    assert_eq!(sent, ["ID", "SSWS SECRET", "SECRET"]);
}

#[tokio::test]
async fn requests_at_the_same_time_share_one_token() {
    let fake = issuer(3600, &["t0"]).await;
    let client = fake.client(&TOKENS);

    let several = [list(&client), list(&client), list(&client)];
    let pages = futures_util::future::join_all(several).await;
    list(&client).await.expect("a later page");

    assert!(pages.iter().all(Result::is_ok), "{pages:?}");
    let asked = fake.got("/oauth/token");
    assert_eq!(asked.len(), 1);
    let form = asked[0].text();
    for part in ["grant_type=client_credentials", "client_id=ID", "client_secret=SECRET"] {
        assert!(form.contains(part), "{form}");
    }
    assert!(form.contains("audience=http%3A%2F%2F") && form.contains("%2Fapi%2F"), "{form}");
    assert_eq!(asked[0].header("authorization"), "");
}

#[tokio::test]
async fn a_token_is_replaced_before_it_ends() {
    let fake = issuer(0, &["t0", "t1"]).await;
    let client = fake.client(&TOKENS);

    list(&client).await.expect("a page");
    list(&client).await.expect("a page");

    assert_eq!(fake.got("/oauth/token").len(), 2);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let (revoked, useless) = (issuer(3600, &["t1"]).await, issuer(3600, &[]).await);

    let page = list(&revoked.client(&TOKENS)).await;
    let error = list(&useless.client(&TOKENS)).await.expect_err("no token opens it");

    assert!(page.is_ok(), "{page:?}");
    assert_eq!(revoked.got("/oauth/token").len(), 2);
    assert_eq!(useless.got("/oauth/token").len(), 2);
    assert_eq!(error.obstacle(), Obstacle::Key);
}

#[tokio::test]
async fn client_and_secret_may_stand_beside_the_form_or_in_json() {
    const BASIC: Exchange = Exchange { sent: Sent::Basic, ..EXCHANGE };
    static BESIDE: Api = Api { access: Access::Exchange(BASIC), ..API };
    const OWN: Sent =
        Sent::Json { id: "clientId", secret: "secret", token: "token", seconds: "expiresIn" };
    const JSON: Exchange = Exchange { sent: OWN, parameters: |_| Vec::new(), ..EXCHANGE };
    static IN_JSON: Api = Api { access: Access::Exchange(JSON), ..API };
    let answer = |got: &Got, _| -> Reply {
        let tokens =
            json!({ "access_token": "t", "token": "t", "expires_in": 60, "expiresIn": 60 });
        if got.uri == "/oauth/token" { reply(200, &tokens) } else { empty_page() }
    };
    let fake = Fake::new(answer).await;

    list(&fake.client(&BESIDE)).await.expect("a page");
    list(&fake.client(&IN_JSON)).await.expect("a page");

    let asked = fake.got("/oauth/token");
    assert_eq!(asked[0].header("authorization"), "Basic SUQ6U0VDUkVU");
    assert!(!asked[0].text().contains("SECRET"), "{}", asked[0].text());
    assert_eq!(asked[1].json(), json!({ "clientId": "ID", "secret": "SECRET" }));
}

#[tokio::test]
async fn a_refused_request_for_a_token_names_the_variables() {
    let fake = Fake::new(|_, _| reply(401, &json!({ "error": "invalid_client" }))).await;

    let error = list(&fake.client(&TOKENS)).await.expect_err("no token");

    assert_eq!(
        error.to_string(),
        "the API gives no token: it answered 401 (invalid_client); are ID and SECRET those of one application of this tenant, and may it use the API that lists users?"
    );
    assert_eq!((error.obstacle(), fake.got("/").len()), (Obstacle::Key, 1));
}

#[tokio::test]
async fn a_404_of_the_token_endpoint_is_no_missing_user() {
    let fake = Fake::new(|_, _| reply(404, &json!({ "code": "user_not_found" }))).await;

    let found = fake.client(&TOKENS).user("user_1").await;

    assert!(matches!(found, Err(Error::NoToken { status: 404, .. })), "{found:?}");
}
