//! The page: who gets in, what it shows, what it does, and what must not run in it.

mod causes;
mod large;
mod live;
mod organizations;
pub(crate) mod person;
mod private;
mod quarantine;
mod sync;

use serde_json::json;

use crate::harness::{Service, Signed, TestDatabase, body};
use person::{Person, location};

async fn service(database: &TestDatabase) -> Service {
    Service::keeping_bodies(database.url()).await
}

fn user(id: &str, name: &str) -> Signed {
    let data = json!({ "first_name": name });
    Signed::new("clerk", body("clerk", "user.created", id, &data).to_string())
}

/// A delivery that an older version could not read.
async fn quarantine(database: &TestDatabase, signed: &Signed) {
    database
        .client()
        .await
        .execute(
            "insert into users_sync.journal (source, delivery_id, received_at, outcome, reason, body)
             values ('clerk', $1, now() - interval '1 minute', 'quarantined', 'an <old> mistake', $2)",
            &[&signed.id, &signed.body],
        )
        .await
        .expect("it is quarantined");
}

/// More than a page shows.
async fn seventy_deliveries(database: &TestDatabase) {
    let many = "insert into users_sync.journal (source, delivery_id, event_type, received_at, outcome)
        select 'clerk', 'id-' || n, 'user.updated', now() - n * interval '1 s', 'applied' from generate_series(1, 70) n";
    database.client().await.batch_execute(many).await.expect("they are journaled");
}

const PAGES: [&str; 7] = [
    "/admin/entities?kind=organization&id=org_1",
    "/admin",
    "/admin/deliveries",
    "/admin/deliveries?outcome=applied&source=clerk&user=user_1",
    "/admin/users?id=user_1",
    "/admin/runs",
    "/admin/quarantine",
];

#[tokio::test]
async fn nobody_sees_a_page_without_signing_in() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    let mut stranger = Person::before(&service);
    let far = i64::MAX;

    for cookie in
        ["", "users_sync_admin=", "users_sync_admin=x", &format!("users_sync_admin={far}.AAAA")]
    {
        cookie.clone_into(&mut stranger.cookie);
        for path in PAGES {
            let answer = stranger.get(path).await;
            assert_eq!(
                (answer.status().as_u16(), location(&answer)),
                (303, "/admin/sign-in"),
                "{path}"
            );
        }
        let answer = stranger.post("/admin/quarantine/replay", "csrf=x&source=clerk").await;
        assert_eq!(location(&answer), "/admin/sign-in");
    }
    let wrong = stranger.post("/admin/sign-in", "token=a+wrong+one").await;
    assert_eq!(wrong.status(), 401);
    assert!(!wrong.headers().contains_key("set-cookie"));
}

#[tokio::test]
async fn every_page_keeps_to_itself() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    service.post(&user("user_1", "Ada")).await;
    let person = Person::signed_in(&service).await;

    for path in PAGES {
        let answer = person.get(path).await;
        let policy = answer.headers()["content-security-policy"].to_str().expect("text").to_owned();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let page = answer.text().await.expect("text");
        for foreign in ["style=", " onclick", "=\"http", "=\"//", "url("] {
            assert!(!page.contains(foreign), "{path} has {foreign}");
        }
        let own = page.matches("<script src=\"/admin/").count();
        assert_eq!(page.matches("<script").count(), own, "{path} has a script that is not a file");
        for part in ["<html lang=\"en\">", "<h1>", "<main", "Skip to the content"] {
            assert!(page.contains(part), "{path} has no {part}");
        }
    }
}

#[tokio::test]
async fn a_script_in_a_name_or_an_id_is_shown_and_does_not_run() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    let script = "<script>alert(1)</script>";
    let signed = user(&format!("\"><img src=x onerror=alert(1)>{script}"), script);
    assert_eq!(service.post(&signed).await.outcome(), "applied");
    let person = Person::signed_in(&service).await;

    let list = person.page("/admin/deliveries").await;
    let one = person.page(&format!("/admin/deliveries/clerk/{}", signed.id)).await;
    let (_, href) = list.split_once("href=\"/admin/users?id=").expect("a link to the user");
    let href = href.split('"').next().expect("it ends");
    let shown = person.page(&format!("/admin/users?id={href}")).await;

    for page in [&list, &one, &shown] {
        assert!(!page.contains("<script>") && !page.contains("<img"), "{page}");
    }
    assert!(shown.contains("&#60;script&#62;") || shown.contains("&lt;script&gt;"), "{shown}");
}

#[tokio::test]
async fn a_form_that_another_site_made_is_refused() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    let signed = user("user_1", "Ada");
    quarantine(&database, &signed).await;
    let person = Person::signed_in(&service).await;
    let path = format!("/admin/deliveries/clerk/{}/replay", signed.id);

    for form in ["csrf=", "csrf=guess", "other=field"] {
        let status = person.post(&path, form).await.status().as_u16();
        assert!([403, 422].contains(&status), "{form}: {status}");
    }
    let rows = database.client().await.query("select from neon_auth.users_sync", &[]).await;
    assert_eq!(rows.expect("it answers").len(), 0);
}

#[tokio::test]
async fn whoever_signs_out_is_out() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    let person = Person::signed_in(&service).await;

    let answer = person.post("/admin/sign-out", &format!("csrf={}", person.csrf().await)).await;

    assert_eq!(location(&answer), "/admin/sign-in");
    assert!(answer.headers()["set-cookie"].to_str().expect("text").contains("Max-Age=0"));
}

#[tokio::test]
async fn pages_follow_each_other_with_their_filter() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    seventy_deliveries(&database).await;
    let person = Person::signed_in(&service).await;

    let first = person.page("/admin/deliveries?source=clerk&type=user.updated").await;
    let (_, next) = first.split_once("rel=\"next\" href=\"").expect("there is a next page");
    let next = next.split('"').next().expect("it ends").replace("&#38;", "&").replace("&amp;", "&");
    let second = person.page(&next).await;

    assert!(next.contains("source=clerk") && next.contains("type=user.updated"), "{next}");
    assert_eq!(first.matches("href=\"/admin/deliveries/clerk/id-").count(), 50);
    assert_eq!(second.matches("href=\"/admin/deliveries/clerk/id-").count(), 20);
    assert!(!second.contains("rel=\"next\""));
}

#[tokio::test]
async fn runs_are_listed_and_changes_that_came_by_no_webhook_are_told_until_a_reconcile_finds_none()
{
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    let person = Person::signed_in(&service).await;
    let run = |stale: u8, since: &str| {
        format!(
            "insert into users_sync.runs (kind, source, outcome, finished_at, seen, stale, unannounced, unannounced_since)
             values ('reconcile', 'clerk', 'done', now(), 40, {stale}, {stale}, {since})"
        )
    };
    let client = database.client().await;
    let told =
        "14 changes since 2026-01-31 09:12 UTC arrived by no webhook: is the endpoint enabled";

    client.batch_execute(&run(14, "'2026-01-31 09:12:34Z'")).await.expect("it is recorded");
    let (now, runs) = (person.page("/admin").await, person.page("/admin/runs").await);
    client.batch_execute(&run(0, "null")).await.expect("it is recorded");
    let (later, both) = (person.page("/admin").await, person.page("/admin/runs").await);

    assert!(now.contains(told) && now.contains("40 users, 14 differed"), "{now}");
    assert!(runs.contains(told) && runs.contains("<td>14</td>"), "{runs}");
    assert!(!later.contains("by no webhook") && later.contains("40 users, 0 differed"), "{later}");
    assert_eq!((both.contains(told), both.matches("<td>reconcile</td>").count()), (false, 2));
}
