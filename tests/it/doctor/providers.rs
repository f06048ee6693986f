//! The doctor asks the providers' APIs, and distinguishes the possible faults.

use serde_json::Value;
use tokio::net::TcpListener;

use super::{assert_reported, doctor_with};
use crate::harness::{API_KEY, Fault, TestDatabase, Vendor};

const KEY: (&str, &str) = ("CLERK_SECRET_KEY", API_KEY);

/// The checks of a doctor that asks an API at this address.
async fn asking(url: &str, key: (&str, &str)) -> Vec<Value> {
    let database = TestDatabase::new().await;
    let (checks, said) = doctor_with(&database, &[key, ("CLERK_API_URL", url)]).await;
    assert!(!format!("{said:?}").contains(key.1), "the key is not repeated");
    checks
}

/// As [`asking`], of a vendor with two users and this fault.
async fn asking_one_that(fault: Option<Fault>) -> Vec<Value> {
    let vendor = Vendor::new("clerk").await;
    vendor.enrol(["user_1", "user_2"]);
    // A list that is answered is held against the count.
    let questions = if fault.is_some() { 1 } else { 2 };
    vendor.desk().faults.extend(fault);
    let checks = asking(&vendor.url(), KEY).await;
    assert_eq!(vendor.asked("GET", "/users"), questions, "nothing is asked again");
    checks
}

#[tokio::test]
async fn an_accepted_key_is_reported_with_the_users_that_it_lists() {
    let checks = asking_one_that(None).await;

    assert_reported(&checks, "ok", "api of clerk", &["Clerk takes the key and lists 2 users, all"]);
}

#[tokio::test]
async fn a_long_list_is_reported_with_its_length() {
    let vendor = Vendor::new("clerk").await;
    let ids: Vec<_> = (0..501).map(|number| format!("user_{number}")).collect();
    vendor.enrol(ids.iter().map(String::as_str));

    let checks = asking(&vendor.url(), KEY).await;

    assert_reported(&checks, "ok", "api of clerk", &["lists 500 users, of 501"]);
}

#[tokio::test]
async fn without_a_key_no_provider_is_asked() {
    let database = TestDatabase::new().await;

    let (checks, _) = doctor_with(&database, &[]).await;

    assert_reported(&checks, "skipped", "api", &["no key"]);
}

#[tokio::test]
async fn the_api_of_stack_is_asked_too() {
    let (database, vendor) = (TestDatabase::new().await, Vendor::new("stack").await);
    vendor.enrol(["one"]);
    let (url, project) = (vendor.url(), ("STACK_PROJECT_ID", "the project"));
    let asked = [project, ("STACK_SECRET_SERVER_KEY", API_KEY), ("STACK_API_URL", &url)];

    let (checks, _) = doctor_with(&database, &asked).await;

    assert_reported(&checks, "ok", "api of stack", &["Stack Auth takes the key", "1 users"]);
}

#[tokio::test]
async fn a_refused_key_is_reported() {
    let vendor = Vendor::new("clerk").await;

    let checks = asking(&vendor.url(), ("CLERK_SECRET_KEY", "sk_test_of_another_project")).await;

    let reported =
        ["401", "the key is refused; is CLERK_SECRET_KEY of this instance?", "copy the key"];
    assert_reported(&checks, "fail", "api of clerk", &reported);
    let checks = asking_one_that(Some(Fault::Html(403))).await;
    assert_reported(&checks, "fail", "api of clerk", &["403", "no permission", "copy the key"]);
}

#[tokio::test]
async fn a_limit_an_outage_and_a_wrong_address_are_distinguished() {
    for (fault, verdict, words) in [
        (Fault::TooManyRequests { retry_after: 1 }, "warn", ["429", "in a minute"]),
        (Fault::ServerError, "warn", ["502", "status page"]),
        (Fault::Html(404), "fail", ["404", "check the address"]),
        (Fault::HalfAnswer, "fail", ["cannot be read", "may not be the provider's API"]),
    ] {
        let checks = asking_one_that(Some(fault)).await;

        assert_reported(&checks, verdict, "api of clerk", &words);
    }
}

#[tokio::test]
async fn the_check_says_why_an_api_cannot_be_reached() {
    let (vendor, listener) = (Vendor::new("clerk").await, TcpListener::bind("127.0.0.1:0").await);
    let silent = listener.expect("a free port").local_addr().expect("a bound address");
    let without_tls = vendor.url().replace("http://", "https://");
    vendor.desk().silent_after = Some(0);

    for (url, words) in [
        (format!("http://{silent}/v1"), "nothing listens there"),
        ("http://clerk.invalid/v1".to_owned(), "the DNS of this machine"),
        (without_tls, "no trusted TLS"),
        (vendor.url(), "nothing answers in time"),
    ] {
        let checks = asking(&url, KEY).await;

        assert_reported(&checks, "fail", "api of clerk", &["cannot be reached", words]);
    }
}
