//! `users-sync.toml`: further sources, and the rules of any, with the real program.

use serde_json::json;

use crate::harness::{Program, SECRET, Scratch, Signed, TestDatabase, body};

/// A program with this file, and with Clerk's secret for every source.
async fn serve(file: &str) -> (TestDatabase, Scratch, Program) {
    let (database, dir) = (TestDatabase::new().await, Scratch::new().await);
    std::fs::write(dir.path().join("users-sync.toml"), file).expect("the file is written");
    let variables = [
        ("DATABASE_URL", database.url()),
        ("CLERK_WEBHOOK_SECRET", SECRET),
        ("CLERK_EU_WEBHOOK_SECRET", SECRET),
    ];
    let program = Program::serve(dir.path(), &variables).await;
    (database, dir, program)
}

/// Posts a new user to a source, and returns the answer.
async fn post(program: &Program, source: &str, id: &str) -> String {
    let data = json!({ "private_metadata": { "note": "secret" } });
    let signed = Signed::new("clerk", body("clerk", "user.created", id, &data).to_string());
    let url = format!("http://{}/webhooks/{source}", program.address);
    let mut request = reqwest::Client::new().post(url);
    for (name, value) in signed.headers() {
        request = request.header(name, value);
    }
    let answer = request.body(signed.body).send().await.expect("the service answers");
    answer.text().await.expect("a text")
}

/// The mistakes that end a start with this file.
async fn refusal(file: &str) -> String {
    let (database, dir) = (TestDatabase::new().await, Scratch::new().await);
    std::fs::write(dir.path().join("users-sync.toml"), file).expect("the file is written");
    let variables = [("DATABASE_URL", database.url()), ("CLERK_WEBHOOK_SECRET", SECRET)];
    let ended = Program::run(dir.path(), &["serve"], &variables).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    ended.stderr
}

#[tokio::test]
async fn two_sources_of_one_provider_keep_their_users_apart() {
    let file = "[sources.clerk-eu]\nprovider = \"clerk\"\nid_prefix = \"eu_\"\n";
    let (database, _dir, program) = serve(file).await;

    let (one, other) =
        (post(&program, "clerk", "user_1").await, post(&program, "clerk-eu", "user_1").await);

    assert_eq!(
        (one.as_str(), other.as_str()),
        (r#"{"outcome":"applied"}"#, r#"{"outcome":"applied"}"#)
    );
    let sql = "select string_agg(id || ' ' || source, ', ' order by id) from users_sync.ledger";
    let owners = database.client().await.query_one(sql, &[]).await.expect("a row");
    assert_eq!(owners.get::<_, String>(0), "eu_user_1 clerk-eu, user_1 clerk");
    program.stop().await;
}

#[tokio::test]
async fn the_file_gives_rules_to_a_source_that_variables_configure() {
    let (database, _dir, program) = serve("[sources.clerk]\ndrop = [\"private_metadata\"]\n").await;

    post(&program, "clerk", "user_1").await;

    let sql = "select raw_json ? 'private_metadata', raw_json ? 'public_metadata' from neon_auth.users_sync";
    let row = database.client().await.query_one(sql, &[]).await.expect("a row");
    assert_eq!((row.get(0), row.get(1)), (false, true));
    program.stop().await;
}

#[tokio::test]
async fn every_mistake_of_the_file_is_reported_with_its_line() {
    let file = "[sources.one]\nprovider = \"nothing\"\n\n[sources.clerk]\nid_prefix = \"a b\"\nignore = [\"anonymous\"]\n\n[sources.Loud]\nprovider = \"clerk\"\n";

    let refusal = refusal(file).await;

    assert!(refusal.contains("users-sync.toml:1 sources.one: needs a `provider`"), "{refusal}");
    assert!(
        refusal.contains("users-sync.toml:4 sources.clerk.id_prefix: holds other"),
        "{refusal}"
    );
    assert!(refusal.contains("sources.clerk.ignore: names anonymous users"), "{refusal}");
    assert!(
        refusal.contains("users-sync.toml:8 sources.Loud: has a name that is not"),
        "{refusal}"
    );
}

#[tokio::test]
async fn an_unknown_key_of_the_file_is_a_mistake() {
    let refusal = refusal("[sources.clerk]\nid_prefx = \"eu_\"\n").await;

    assert!(refusal.contains("users-sync.toml") && refusal.contains("id_prefx"), "{refusal}");
    assert!(refusal.contains("line 2"), "{refusal}");
}

#[tokio::test]
async fn a_file_that_is_named_must_exist() {
    let (database, dir) = (TestDatabase::new().await, Scratch::new().await);
    let variables = [
        ("DATABASE_URL", database.url()),
        ("CLERK_WEBHOOK_SECRET", SECRET),
        ("USERS_SYNC_CONFIG", "/nowhere/users-sync.toml"),
    ];

    let ended = Program::run(dir.path(), &["serve"], &variables).await;

    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("/nowhere/users-sync.toml: cannot be read"), "{ended:?}");
}
