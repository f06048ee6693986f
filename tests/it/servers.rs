//! Databases that we cannot use are refused in a sentence, before anything is written.

use serde_json::Value;

use crate::harness::{Role, SECRET, Said, TestDatabase, run};

async fn command(database: &TestDatabase, arguments: &[&str]) -> Said {
    let variables = [
        ("DATABASE_URL", database.url()),
        ("CLERK_WEBHOOK_SECRET", SECRET),
        ("LISTEN_ADDR", "127.0.0.1:0"),
    ];
    run(arguments, &variables).await
}

/// The verdict of one of the doctor's checks, and its full text.
async fn check(url: &str, name: &str) -> (String, String) {
    let variables = [("DATABASE_URL", url), ("CLERK_WEBHOOK_SECRET", SECRET)];
    let said = run(&["doctor", "--json"], &variables).await;
    let checks: Vec<Value> = serde_json::from_str(&said.out).expect("JSON");
    let check = checks.iter().find(|check| check["name"] == name).expect("it is looked at");
    (check["verdict"].as_str().expect("a verdict").to_owned(), check.to_string())
}

#[tokio::test]
async fn a_database_that_is_not_utf8_is_refused_with_the_remedy() {
    for encoding in ["SQL_ASCII", "LATIN1"] {
        let database = TestDatabase::encoded(encoding).await;
        let client = database.client().await;

        for arguments in [
            &["migrate"][..],
            &["migrate", "--dry-run"],
            &["serve"],
            &["serve", "--no-migrate"],
            &["adopt", "--yes", "--source", "clerk"],
            &["purge"],
        ] {
            let said = command(&database, arguments).await;
            assert_eq!(said.code, 1, "{arguments:?}: {said:?}");
            for words in [encoding, "UTF8", "create database", "template template0"] {
                assert!(said.err.contains(words), "{arguments:?} {words}: {said:?}");
            }
        }

        let (verdict, detail) = check(database.url(), "encoding").await;
        assert_eq!(verdict, "fail", "{detail}");
        assert!(detail.contains(encoding) && detail.contains("template0"), "{detail}");
        let made =
            "select to_regnamespace('users_sync') is null and to_regnamespace('neon_auth') is null";
        assert!(client.query_one(made, &[]).await.expect("it answers").get::<_, bool>(0));
    }
}

#[tokio::test]
async fn the_doctor_shows_the_session_settings_of_the_role() {
    let database = TestDatabase::new().await;
    let usual = check(database.url(), "defaults").await;
    let role = Role::new(&database, "odd").await;
    for setting in [
        "default_transaction_isolation = 'serializable'",
        "synchronous_commit = 'off'",
        "search_path = ''",
        "client_encoding = 'LATIN1'",
    ] {
        role.execute(&format!("alter role {} set {setting}", role.quoted())).await;
    }

    let odd = check(&role.url(&database), "defaults").await;
    let encoding = check(&role.url(&database), "encoding").await;

    role.remove().await;
    assert_eq!(usual.0, "ok");
    assert!(usual.1.contains("Postgres's own"), "{}", usual.1);
    assert_eq!(odd.0, "ok");
    for words in ["isolation is 'serializable'", "synchronous_commit is 'off'", "search_path is '"]
    {
        assert!(odd.1.contains(words), "{}", odd.1);
    }
    assert_eq!(encoding.0, "ok", "what we ask for wins: {}", encoding.1);
}
