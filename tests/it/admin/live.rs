//! Pages that refresh themselves: what the browser is given for it, and what it gets.

use super::person::Person;
use super::{service, seventy_deliveries, user};
use crate::harness::TestDatabase;

const REFRESH: [(&str, &str); 1] = [("hx-request", "true")];

#[tokio::test]
async fn a_refresh_gets_only_the_part_that_changes() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    let person = Person::signed_in(&service).await;

    for (path, part) in
        [("/admin", "Deliveries of the last hour"), ("/admin/deliveries", "<tbody>")]
    {
        let page = person.page(path).await;
        let signed = user("user_1", "Ada");
        service.post(&signed).await;
        let refresh = person.get_with(path, &REFRESH).await.text().await.expect("text");

        assert!(page.contains(&format!("hx-get=\"{path}\"")) && page.contains(part), "{page}");
        assert!(refresh.contains(part) && refresh.contains("applied"), "{refresh}");
        for whole in ["<html", "<main", "<script", "csrf", "<h1"] {
            assert!(!refresh.contains(whole), "{path}: {refresh}");
        }
    }
}

#[tokio::test]
async fn a_refresh_keeps_the_filter_and_older_pages_stay_as_they_are() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    seventy_deliveries(&database).await;
    let person = Person::signed_in(&service).await;

    let first = person.page("/admin/deliveries?source=clerk&type=user.updated&outcome=").await;
    let older = person.follow(&first, "Older deliveries").await;

    let href = "hx-get=\"/admin/deliveries?source=clerk&#38;type=user.updated\"";
    assert!(first.contains(href), "{first}");
    assert!(!older.contains("hx-get") && !older.contains("<script"), "{older}");
}

#[tokio::test]
async fn a_refresh_after_the_session_ended_redirects_the_whole_page() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    let stranger = Person::before(&service);

    let answer = stranger.get_with("/admin", &REFRESH).await;

    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["hx-redirect"] == "/admin/sign-in"),
        (401, true)
    );
    assert_eq!(answer.text().await.expect("text"), "");
}

#[tokio::test]
async fn every_script_exists_and_the_browser_may_cache_the_immutable_ones() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    let person = Person::signed_in(&service).await;
    let page = person.page("/admin").await;

    let scripts: Vec<_> = page.split("<script src=\"").skip(1).collect();
    assert_eq!(scripts.len(), 2);
    for script in scripts {
        let src = script.split('"').next().expect("it ends");
        let answer = person.get(src).await;
        assert_eq!(answer.status(), 200, "{src}");
        assert_eq!(answer.headers()["content-type"], "text/javascript; charset=utf-8");
        let kept = answer.headers()["cache-control"].to_str().expect("text").contains("immutable");
        assert_eq!(kept, src.contains("htmx-2"), "{src}");
    }
    for setting in ["\"includeIndicatorStyles\": false", "\"allowEval\": false"] {
        assert!(page.contains(setting), "{page}");
    }
}
