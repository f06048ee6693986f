//! Secrets and keys: which are refused, and what is accepted around them.

use secrecy::ExposeSecret;
use users_sync::config::{Config, Purpose};

use super::{SECRET, URL, environment, mistakes, parse, with};
use crate::harness::{Program, Scratch, TestDatabase};

const DATABASE: (&str, &str) = ("DATABASE_URL", URL);
const CLERK: &str = "CLERK_WEBHOOK_SECRET";
const CLERKS_OWN: &str = "CLERK_WEBHOOK_SIGNING_SECRET";
const SHORT: &str = "whsec_MDEyMzQ1Njc4OUFCQ0RFRkdISUpLTE0=";

#[test]
fn a_secret_that_a_stranger_can_guess_is_refused_with_the_remedy() {
    for (weak, problem) in [
        (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "secret 1 is an example that documentation publishes",
        ),
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLjSw", "secret 1 is an example"),
        ("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "secret 1 is an example"),
        (SHORT, "secret 1 has less than 24 bytes"),
        ("whsec_c2hvcnQ=", "secret 1 has less than 24 bytes"),
        ("whsec_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "secret 1 repeats a few characters"),
    ] {
        for name in [CLERK, CLERKS_OWN] {
            let refused = parse(&[DATABASE, (name, weak)]).expect_err(weak).to_string();

            assert!(refused.contains(&format!("  {name}: {problem}")), "{refused}");
            assert!(refused.contains("copy the signing secret of your endpoint"), "{refused}");
            assert!(!refused.contains(weak), "{refused}");
        }
    }
    let rotating = format!("{SECRET}, whsec_c2hvcnQ=");
    let refused = parse(&[DATABASE, (CLERK, &rotating)]).expect_err("one is short").to_string();
    assert!(refused.contains("secret 2 has less than 24 bytes"), "{refused}");
}

#[test]
fn a_weak_secret_is_accepted_by_the_doctor_and_with_the_embedded_server() {
    let weak = (CLERK, SHORT);

    assert!(Config::parse(&environment(&[DATABASE, weak]), Purpose::Examine).is_ok());
    assert!(Config::parse(&environment(&[DATABASE, weak]), Purpose::Maintain).is_ok());
    assert!(parse(&[weak, ("HOME", "/home/ada")]).is_ok());
    let public = [weak, ("HOME", "/home/ada"), ("LISTEN_ADDR", ":8080")];
    assert_eq!(mistakes(&public), [CLERK], "strangers reach it");
}

#[tokio::test]
async fn the_program_does_not_serve_with_an_example_secret() {
    let (scratch, database) = (Scratch::new().await, TestDatabase::new().await);
    let example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let variables =
        [("DATABASE_URL", database.url()), (CLERK, example), ("LISTEN_ADDR", "127.0.0.1:0")];

    let refused = Program::run(scratch.path(), &["serve"], &variables).await;

    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("is an example"), "{refused:?}");
}

#[test]
fn clerks_own_name_of_the_secret_is_read_too() {
    let another = "whsec_YW5vdGhlciBzZWNyZXQgb2YgdGhlIHRlc3Rz";
    let secrets = |variables: &[(&str, &str)]| {
        let config = parse(&[&[DATABASE], variables].concat()).expect("it can be used");
        let source = config.sources.into_iter().next().expect("there is one");
        (source.name.to_string(), source.secrets[0].to_text())
    };

    assert_eq!(secrets(&[(CLERKS_OWN, SECRET)]), ("clerk".into(), SECRET.into()));
    let same = format!("'{SECRET}'");
    assert_eq!(secrets(&[(CLERKS_OWN, SECRET), (CLERK, &same)]), ("clerk".into(), SECRET.into()));
    assert_eq!(mistakes(&[DATABASE, (CLERKS_OWN, another), (CLERK, SECRET)]), [CLERKS_OWN]);
    assert_eq!(mistakes(&[DATABASE, (CLERKS_OWN, "whsec_!")]), [CLERKS_OWN]);
}

#[test]
fn quotes_and_blanks_around_a_key_are_removed() {
    for (left, right) in [("\"", "\""), (" '", "' "), ("\" ", " \""), ("\"", ""), ("", "'\n")] {
        let around = |key: &str| format!("{left}{key}{right}");
        let (clerk, project) = (around("sk_test_the_secret"), around("a-project"));
        let (stack, token) = (around("ssk_the_secret"), around("the token of an operator"));
        let config = with(&[
            ("CLERK_SECRET_KEY", &clerk),
            ("STACK_PROJECT_ID", &project),
            ("STACK_SECRET_SERVER_KEY", &stack),
            ("ADMIN_TOKEN", &token),
        ])
        .expect("all can be used");

        let keys = config.repair.apis.iter().flat_map(|api| &api.credentials);
        let keys: Vec<_> = keys.map(|key| key.expose_secret()).collect();
        assert_eq!(keys, ["sk_test_the_secret", "a-project", "ssk_the_secret"]);
        let token = config.admin_token.expect("it is set");
        assert_eq!(token.expose_secret(), "the token of an operator");
    }
}

#[test]
fn the_error_for_an_invalid_key_names_it_and_does_not_quote_it() {
    for (variable, value) in [
        ("CLERK_SECRET_KEY", "\"\""),
        ("CLERK_SECRET_KEY", "sk_test_1\nsk_test_2"),
        ("ADMIN_TOKEN", "' '"),
    ] {
        let refused = with(&[(variable, value)]).expect_err(value).to_string();

        assert!(refused.contains(&format!("  {variable}: is ")), "{refused}");
        assert!(!refused.contains("sk_test"), "{refused}");
    }
}

#[test]
fn a_token_that_can_be_guessed_is_refused() {
    for token in [
        "change-me-change-me",
        "ChangeMe_before_production",
        "replace_me_with_a_token",
        "your-admin-token-here",
        "0123456789abcdef",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "abababababababababab",
        "passwordpassword",
        "7d5f1c0f6f0b4c7f9a3e2d1c0b9a8f7e",
    ] {
        let refused = with(&[("ADMIN_TOKEN", token)]).expect_err(token).to_string();

        assert!(refused.contains("ADMIN_TOKEN: is an example, or repeats itself"), "{refused}");
        assert!(!refused.contains(token), "{refused}");
    }
    assert!(with(&[("ADMIN_TOKEN", "9f86d081884c7d659a2feaa0c55ad015")]).is_ok());
}

#[test]
fn a_secret_set_in_place_of_its_file_is_not_repeated() {
    let refused = with(&[("CLERK_SECRET_KEY_FILE", "sk_live_hunter2")]).expect_err("no file");

    assert!(
        refused.to_string().contains("CLERK_SECRET_KEY_FILE: names a file that cannot be read")
    );
    assert!(!refused.to_string().contains("hunter2"), "{refused}");
}
