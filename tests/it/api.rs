//! The client of the providers' APIs, against servers that behave like them.

mod access;
mod other;
mod refusals;

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::json;
use users_sync::api::{Client, Error, Found, Walk};
use users_sync::model::{Change, Kind, Reading};

use crate::harness::{API_KEY, Cursor, Fault, Vendor, impatient};

fn ids(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("user_{number:05}")).collect()
}

async fn enrolled(provider: &'static str, count: usize) -> (Vendor, Vec<String>) {
    let (vendor, ids) = (Vendor::new(provider).await, ids(count));
    vendor.enrol(ids.iter().map(String::as_str));
    (vendor, ids)
}

fn id(reading: &Reading) -> String {
    reading.change.key().id.clone()
}

/// The ids that a walk meets.
async fn walk(client: &Client) -> Result<Vec<String>, Error> {
    let (mut walk, mut met) = (Walk::new(Kind::User), Vec::new());
    while let Some(page) = walk.next(client).await? {
        met.extend(page.readings.iter().map(id));
    }
    Ok(met)
}

#[tokio::test]
async fn a_walk_over_clerk_meets_every_user_once_in_pages_of_500() {
    let (vendor, ids) = enrolled("clerk", 1201).await;

    let met = walk(&vendor.client()).await.expect("a walk");

    assert_eq!(met, ids);
    assert_eq!(vendor.asked("GET", "/users"), 3);
    let last = vendor.desk().asked[2].query.clone();
    assert!(last.contains(&("limit".into(), "500".into())), "{last:?}");
    assert!(last.contains(&("starting_after".into(), "user_00999".into())), "{last:?}");
}

#[tokio::test]
async fn a_walk_whose_last_page_is_full_ends() {
    for provider in ["clerk", "stack"] {
        let (vendor, ids) = enrolled(provider, 1000).await;

        assert_eq!(walk(&vendor.client()).await.expect("a walk"), ids, "{provider}");
    }
}

#[tokio::test]
async fn a_walk_over_stack_meets_every_user_once_with_either_cursor() {
    for cursor in [Cursor::FirstOfNextPage, Cursor::LastOfThisPage] {
        let (vendor, ids) = enrolled("stack", 25).await;
        (vendor.desk().cursor, vendor.desk().page_cap) = (cursor, 10);

        assert_eq!(walk(&vendor.client()).await.expect("a walk"), ids, "{cursor:?}");
    }
}

#[tokio::test]
async fn a_walk_over_stack_meets_anonymous_and_restricted_users_too() {
    let vendor = Vendor::new("stack").await;
    vendor.put("whole", &json!({}));
    vendor.put("anonymous", &json!({ "is_anonymous": true, "primary_email": null }));
    vendor.put("restricted", &json!({ "is_restricted": true }));

    let met = walk(&vendor.client()).await.expect("a walk");

    assert_eq!(met, ["whole", "anonymous", "restricted"]);
}

#[tokio::test]
async fn a_walk_goes_on_when_the_user_of_its_cursor_is_deleted() {
    for cursor in [Cursor::FirstOfNextPage, Cursor::LastOfThisPage] {
        let (vendor, ids) = enrolled("stack", 50).await;
        (vendor.desk().cursor, vendor.desk().page_cap) = (cursor, 10);
        let named = if cursor == Cursor::FirstOfNextPage { 20 } else { 19 };
        vendor.desk().leaving.push((2, ids[named].clone()));

        let mut met = walk(&vendor.client()).await.expect("a walk");

        met.sort();
        met.dedup();
        let left: Vec<_> = ids.iter().filter(|id| **id != ids[named]).cloned().collect();
        let met: Vec<_> = met.into_iter().filter(|id| *id != ids[named]).collect();
        assert_eq!(met, left, "{cursor:?}");
    }
}

#[tokio::test]
async fn a_walk_over_clerk_goes_on_when_the_user_of_its_cursor_is_deleted() {
    let (vendor, ids) = enrolled("clerk", 1100).await;
    vendor.desk().leaving.push((1, ids[499].clone()));

    let met = walk(&vendor.client()).await.expect("a walk");

    for id in &ids {
        assert!(met.contains(id), "{id} was not met");
    }
}

#[tokio::test]
async fn a_request_waits_as_long_as_the_rate_limit_demands() {
    let (vendor, ids) = enrolled("clerk", 3).await;
    vendor.desk().faults.push_back(Fault::TooManyRequests { retry_after: 1 });

    let began = Instant::now();
    let met = walk(&vendor.client()).await.expect("a walk");

    assert_eq!(met, ids);
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_asked_for_again() {
    for fault in [Fault::Truncated, Fault::HalfAnswer, Fault::ServerError] {
        let (vendor, ids) = enrolled("clerk", 3).await;
        vendor.desk().faults.push_back(fault.clone());

        assert_eq!(walk(&vendor.client()).await.expect("a walk"), ids, "{fault:?}");
        assert_eq!(vendor.asked("GET", "/users"), 2, "{fault:?}");
    }
}

#[tokio::test]
async fn a_server_that_stays_out_of_order_is_given_up() {
    let (vendor, _) = enrolled("clerk", 3).await;
    vendor.desk().faults.extend(vec![Fault::ServerError; 10]);

    let error = walk(&vendor.client()).await.expect_err("no walk");

    assert_eq!(error.to_string(), "the API answered 502: it is out of order");
    assert_eq!(vendor.asked("GET", "/users"), impatient().tries);
}

#[tokio::test]
async fn no_more_requests_are_sent_than_the_rate_allows() {
    let (vendor, _) = enrolled("clerk", 1).await;
    let client = std::sync::Arc::new(vendor.client());
    let began = Instant::now();

    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..140 {
        let client = client.clone();
        asking.spawn(async move { client.user("user_00000").await.expect("an answer") });
    }
    asking.join_all().await;

    // 1000 in 10 s: fifty at once, and 95 in every second after that. On a busy machine they may arrive late, never early.
    let at: Vec<_> = vendor.desk().asked.iter().map(|asked| asked.at).collect();
    for (before, at) in at.iter().enumerate() {
        let allowed = 50.0 + 95.0 * (*at - began).as_secs_f64() + 5.0;
        assert!(before as f64 <= allowed, "{before} requests before {:?}", *at - began);
    }
    assert_eq!(at.len(), 140);
    assert!(at[139] - began > Duration::from_millis(800));
}

#[tokio::test]
async fn a_user_that_the_provider_does_not_have_is_missing() {
    for provider in ["clerk", "stack"] {
        let (vendor, _) = enrolled(provider, 1).await;

        let found = vendor.client().user("user_unknown").await.expect("an answer");

        assert!(matches!(found, Found::Missing(_)), "{provider}: {found:?}");
    }
}

#[tokio::test]
async fn a_404_that_the_provider_did_not_say_proves_nothing() {
    let (vendor, _) = enrolled("clerk", 1).await;
    vendor.desk().faults.push_back(Fault::Html(404));

    let error = vendor.client().user("user_unknown").await.expect_err("an error");

    assert_eq!(
        error.to_string(),
        "the API answered 404: there is no such thing; are the address and CLERK_SECRET_KEY right?"
    );
}

#[tokio::test]
async fn the_error_for_a_wrong_key_does_not_contain_the_key() {
    let vendor = Vendor::new("stack").await;
    let mut settings = vendor.settings();
    settings.credentials[1] = "ssk_wrong_key".into();
    let client = Client::new(&settings, impatient()).expect("a client");

    let error = client.page(Kind::User, None, None).await.expect_err("an error");

    let reported = users_sync::error_chain(&error);
    assert_eq!(
        reported,
        "the API answered 401 (invalid_key): the key is refused; is STACK_PROJECT_ID and STACK_SECRET_SERVER_KEY of this instance?"
    );
    for text in [format!("{error:?}"), format!("{settings:?}"), reported] {
        assert!(!text.contains("ssk_wrong_key") && !text.contains(API_KEY), "{text}");
    }
    assert_eq!(vendor.asked("GET", "/users"), 1);
}

#[tokio::test]
async fn a_clerk_snapshot_has_its_own_time_and_a_stack_snapshot_the_answers() {
    let date: Timestamp = "2026-03-04T05:06:07Z".parse().expect("a time");
    let updated_at = 1_700_000_000_123_i64;
    for (provider, expected) in [
        ("clerk", Timestamp::from_millisecond(updated_at).expect("a time")),
        ("stack", "2026-03-04T05:06:06Z".parse().expect("a time")),
    ] {
        let vendor = Vendor::new(provider).await;
        vendor.put("user_1", &json!({ "updated_at": updated_at }));
        vendor.desk().date = Some(date);

        let found = vendor.client().user("user_1").await.expect("an answer");

        let Found::Shown { reading, fence } = found else { panic!("{found:?}") };
        let Change::Snapshot { version, .. } = reading.change else { panic!("{reading:?}") };
        assert_eq!(fence.to_string(), "2026-03-04T05:06:06Z");
        assert_eq!(version.at, expected, "{provider}");
        // The second in which the request was sent, which is before its whole seconds.
        assert_eq!(version.delivery.as_str(), "~01772600766", "{provider}");
    }
}

#[tokio::test]
async fn an_unreadable_user_does_not_cost_the_others() {
    let (vendor, _) = enrolled("clerk", 2).await;
    vendor.put("user_bad", &json!({ "updated_at": "yesterday" }));

    let page = vendor.client().page(Kind::User, None, None).await.expect("a page");

    assert_eq!(page.readings.iter().map(id).collect::<Vec<_>>(), ["user_00000", "user_00001"]);
    assert_eq!(page.unreadable, 1);
}
