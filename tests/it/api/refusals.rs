//! What an API's refusals mean, and how long they are waited for.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use users_sync::api::{Client, Found, Obstacle, Removed};
use users_sync::model::Kind;
use users_sync::provider::api::NewUser;

use crate::harness::{Fault, Vendor};

/// In words of HTTP.
fn date(at: Timestamp) -> String {
    let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
    printer.timestamp_to_rfc9110_string(&at).expect("a date")
}

/// How long a client waits for its second answer.
async fn waited(client: &Client) -> Duration {
    let began = Instant::now();
    client.page(Kind::User, None, None).await.expect("the second answer");
    began.elapsed()
}

#[tokio::test]
async fn a_404_means_no_such_user_in_capitals_or_not() {
    for (provider, code) in [("clerk", "RESOURCE_NOT_FOUND"), ("stack", "user_not_found")] {
        let vendor = Vendor::new(provider).await;
        vendor.desk().missing = Some(code);

        let found = vendor.client().user("user_1").await.expect("an answer");
        let removed = vendor.client().delete("user_1").await.expect("an answer");

        assert!(matches!(found, Found::Missing(_)), "{provider}: {found:?}");
        assert!(matches!(removed, Removed::Missing(_)), "{provider}: {removed:?}");
    }
}

#[tokio::test]
async fn a_404_with_an_unknown_code_names_it_and_concerns_this_one_user() {
    for provider in ["clerk", "stack"] {
        let vendor = Vendor::new(provider).await;
        vendor.desk().missing = Some("tenancy_not_found");

        let error = vendor.client().user("user_1").await.expect_err("an error");

        let expected =
            "the API answered 404 (tenancy_not_found), which is not understood as \"no such user\"";
        assert_eq!(error.to_string(), expected);
        assert!(error.is_about_one());
        assert_eq!(error.obstacle(), Obstacle::Answer);
        assert_eq!(vendor.asked("GET", "/users/user_1"), 1);
    }
}

#[tokio::test]
async fn an_error_about_one_user_differs_from_an_error_about_all() {
    let faults = [
        (Fault::Refused(400, "SCHEMA_ERROR"), true),
        (Fault::Refused(422, "form_param_value_invalid"), true),
        (Fault::Html(404), false),
        (Fault::Refused(401, "invalid_key"), false),
        (Fault::Refused(403, "forbidden"), false),
        (Fault::ServerError, false),
        (Fault::Html(200), false),
    ];
    for (fault, is_about_one) in faults {
        let vendor = Vendor::new("clerk").await;
        vendor.desk().stumbles = Some((1, fault.clone()));

        let error = vendor.client().user("user_1").await.expect_err("an error");

        assert_eq!(error.is_about_one(), is_about_one, "{fault:?}");
    }
}

#[tokio::test]
async fn a_retry_after_may_be_a_date_in_any_form_of_http() {
    let forms = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    for form in forms {
        let vendor = Vendor::new("clerk").await;
        let until = Timestamp::now() + SignedDuration::from_secs(3);
        let retry_after = until.strftime(form).to_string();
        vendor.desk().faults.push_back(Fault::OutOfOrder { retry_after, date: None });

        let waited = waited(&vendor.client()).await;

        assert!(waited > Duration::from_secs(1) && waited < Duration::from_secs(4), "{waited:?}");
    }
}

#[tokio::test]
async fn a_retry_after_date_is_read_by_the_servers_clock_and_never_negative() {
    let now = Timestamp::now();
    let later = |seconds| date(now + SignedDuration::from_secs(seconds));
    for (retry_after, says, least, most) in [
        (later(3601), later(3600), 1, 3),
        (later(-3599), later(-3600), 1, 3),
        (later(-60), later(0), 0, 1),
        ("soon".into(), later(0), 0, 1),
        ("-5".into(), later(0), 0, 1),
    ] {
        let vendor = Vendor::new("stack").await;
        let fault = Fault::OutOfOrder { retry_after: retry_after.clone(), date: Some(says) };
        vendor.desk().faults.push_back(fault);

        let waited = waited(&vendor.client()).await;

        let expected = Duration::from_secs(least)..Duration::from_secs(most);
        assert!(expected.contains(&waited), "{retry_after}: {waited:?}");
    }
}

#[tokio::test]
async fn a_request_is_sent_once_if_no_retry_can_help() {
    for status in [400, 405, 410, 422, 501, 505, 511] {
        let vendor = Vendor::new("clerk").await;
        vendor.desk().stumbles = Some((1, Fault::Refused(status, "no")));

        let shown = vendor.client().user("user_1").await.expect_err("an error");
        let removed = vendor.client().delete("user_1").await.expect_err("an error");

        assert_eq!(vendor.asked("GET", ""), 1, "{status}");
        assert_eq!(vendor.asked("DELETE", ""), 1, "{status}");
        assert_eq!(shown.to_string(), removed.to_string());
        assert!(!shown.to_string().contains("out of order"), "{shown}");
        assert_eq!(shown.obstacle(), Obstacle::Address, "{status}");
    }
}

#[tokio::test]
async fn a_creation_does_not_wait_until_another_process_takes_it_over() {
    let vendor = Vendor::new("clerk").await;
    vendor.desk().faults.push_back(Fault::TooManyRequests { retry_after: 40 });
    let wanted = NewUser { email: "grace@example.com".into(), name: None };

    let began = Instant::now();
    let error = vendor.client().create(&wanted).await.expect_err("it was asked too often");

    assert!(began.elapsed() < Duration::from_secs(20));
    assert!(!error.may_be_done());
    assert_eq!(vendor.asked("POST", "/users"), 1);
}
