//! A stale row, and one click to its cause in words.

use serde_json::{Value, json};

use super::person::Person;
use super::{service, user};
use crate::harness::{Signed, TestDatabase, body};

#[tokio::test]
async fn the_page_of_a_user_links_to_a_wrong_secret_and_its_remedy() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    service.post(&user("user_1", "Ada")).await;
    for _ in 0..12 {
        service.post(&user("user_1", "Grace").signed_with(b"the secret of another endpoint")).await;
    }
    let person = Person::signed_in(&service).await;

    let page = person.page("/admin/users?id=user_1").await;
    let cause = person.follow(&page, "12 requests did not match any secret").await;

    assert!(cause.contains("12 requests did not match any secret since this process"), "{cause}");
    assert!(cause.contains("of the endpoint /webhooks/clerk from the dashboard of Clerk"));
    assert!(cause.contains("CLERK_WEBHOOK_SECRET") && cause.contains("users-sync doctor --file"));
    assert!(!person.page("/admin/users?id=user_1").await.contains("Stack Auth:"), "not its source");
}

#[tokio::test]
async fn the_page_of_a_user_links_to_a_quarantined_body_that_names_it() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    service.post(&user("user_1", "Ada")).await;
    let broken = body("clerk", "user.updated", "user_1", &json!({ "updated_at": null }));
    let other = body("clerk", "user.updated", "user_11", &json!({ "updated_at": null }));
    let (broken, other) =
        (Signed::new("clerk", broken.to_string()), Signed::new("clerk", other.to_string()));
    assert_eq!(service.post(&broken).await.outcome(), "quarantined");
    assert_eq!(service.post(&other).await.outcome(), "quarantined");
    let person = Person::signed_in(&service).await;

    let page = person.page("/admin/users?id=user_1").await;
    let cause = person.follow(&page, "names this user, and is in quarantine").await;

    assert!(!page.contains(&other.id), "user_11 is another user");
    assert!(cause.contains(&broken.id) && cause.contains("It could not be read"), "{cause}");
    assert!(cause.contains("`updated_at` is missing or empty"), "{cause}");
    assert!(cause.contains("href=\"/admin/users?id=user_1\""), "and back to the user");
}

#[tokio::test]
async fn a_quarantined_delivery_from_before_the_row_as_it_is_now_is_past() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    let broken = body("clerk", "user.updated", "user_1", &json!({ "updated_at": null }));
    let broken = Signed::new("clerk", broken.to_string());
    service.post(&broken).await;
    let person = Person::signed_in(&service).await;
    let link = format!("<a href=\"/admin/deliveries/clerk/{}\">", broken.id);

    let before = person.page("/admin/users?id=user_1").await;
    let later = jiff::Timestamp::now().as_millisecond() + 1000;
    let mended = body("clerk", "user.updated", "user_1", &json!({ "updated_at": later }));
    service.post(&Signed::new("clerk", mended.to_string())).await;
    let after = person.page("/admin/users?id=user_1").await;

    assert!(before.contains(&format!("<li class=\"bad\">{link}")), "{before}");
    assert!(after.contains(&format!("<li>{link}")), "{after}");
}

#[tokio::test]
async fn the_page_of_an_impossible_id_says_so() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    let person = Person::signed_in(&service).await;

    for id in ["%00".to_owned(), "x".repeat(300)] {
        assert_eq!(person.get(&format!("/admin/users?id={id}")).await.status(), 404, "{id}");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_still_names_its_user() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    let broken = Signed::new("clerk", r#"{"type":"user.updated","data":{"id":"user_1","first"#);
    assert_eq!(service.post(&broken).await.outcome(), "quarantined");
    let person = Person::signed_in(&service).await;

    let page = person.page("/admin/users?id=user_1").await;

    assert!(page.contains("Neither the mirror nor the ledger knows this id"), "{page}");
    assert!(page.contains(&format!("href=\"/admin/deliveries/clerk/{}\"", broken.id)), "{page}");
}

#[tokio::test]
async fn the_page_of_a_user_links_to_a_silent_endpoint() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    service.post(&user("user_1", "Ada")).await;
    let client = database.client().await;
    let long_ago = "update users_sync.journal set received_at = now() - interval '4 days'";
    client.batch_execute(long_ago).await.expect("it is dated");
    let person = Person::signed_in(&service).await;

    let page = person.page("/admin/users?id=user_1").await;
    let cause = person.follow(&page, "Clerk: Silent since").await;

    assert!(cause.contains("Silent since") && cause.contains("no delivery has come"), "{cause}");
    assert!(cause.contains("Look at the endpoint in the dashboard of Clerk: is it enabled"));
    assert!(cause.contains("user.created, user.updated, user.deleted"), "{cause}");
}

#[tokio::test]
async fn a_problem_that_ended_is_shown_as_past() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    service.post(&user("user_1", "Ada").signed_with(b"an old secret")).await;
    let person = Person::signed_in(&service).await;

    let before = person.page("/admin").await;
    service.post(&user("user_1", "Ada")).await;
    let after = person.page("/admin").await;

    let place = "<li id=\"refused-no_secret_matches-clerk\"";
    assert!(before.contains(&format!("{place} class=\"bad\">")), "{before}");
    assert!(after.contains(&format!("{place}>")), "{after}");
    assert!(after.contains("1 request did not match") && after.contains("was accepted after it"));
}

#[tokio::test]
async fn every_reason_of_a_rejection_has_its_own_text() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    let now = jiff::Timestamp::now().as_second();
    let signed = user("user_1", "Ada");
    service.post(&signed.clone().sent_at(now - 4000)).await;
    service.post(&signed.clone().sent_at(now + 4000)).await;
    service.post_with(&signed, &[]).await;
    let mut headers = signed.headers();
    headers[1].1 = "soon".into();
    service.post_with(&signed, &headers).await;
    let person = Person::signed_in(&service).await;

    let page = person.page("/admin").await;
    let status = service.api("GET", "/api/status", Value::Null).await.body;

    for words in ["clock is ahead", "clock is behind", "without all headers", "cannot be read"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let rejections = status["sources"][0]["rejections"].as_array().expect("a list");
    let reported: Vec<_> =
        rejections.iter().map(|reported| (&reported["reason"], &reported["requests"])).collect();
    let expected = ["too_old", "too_new", "missing_header", "malformed_header"];
    assert_eq!(
        reported,
        expected
            .map(|reason| (json!(reason), json!(1)))
            .iter()
            .map(|(a, b)| (a, b))
            .collect::<Vec<_>>()
    );
    assert!(rejections.iter().all(|reported| reported["last_at"].is_string()), "{status}");
    assert_eq!(status["sources"][1]["rejections"], json!([]));
}
