//! Bodies of a megabyte: a page shows their beginning, soon, and says how much is left out.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::person::{Person, unescaped};
use super::{quarantine, service};
use crate::harness::{Signed, TestDatabase, body};

const MEGABYTE: usize = 1 << 20;

/// Of about a megabyte, and each costly in its own way.
fn hostile() -> Vec<String> {
    let times = |piece: &str| piece.repeat(MEGABYTE / piece.len());
    let list = |piece: &str| format!("[{}1]", times(piece));
    vec![
        times("["),
        times("{\"a\":"),
        times("[ ] "),
        format!("{}1{}", "[".repeat(MEGABYTE / 2), "]".repeat(MEGABYTE / 2)),
        list("1,"),
        list("\"<'&>\\\"\","),
        list("{\"private_metadata\":1},"),
        format!("{{\"private_metadata\"{}:1}}", " ".repeat(MEGABYTE - 30)),
        format!("{{{}}}", times("\"a\" : ,")),
        format!("[{}", " ".repeat(MEGABYTE - 1)),
        format!("\"{}", "<".repeat(MEGABYTE - 1)),
        format!("\"{}\"", "ë".repeat(MEGABYTE / 2 - 1)),
        times("\""),
    ]
}

#[tokio::test]
async fn a_quarantined_megabyte_is_a_small_page_that_comes_soon() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    let person = Person::signed_in(&service).await;
    for text in hostile() {
        let signed = Signed::new("clerk", text.clone());
        quarantine(&database, &signed).await;
        for query in ["", "?private=show"] {
            let began = Instant::now();

            let page = person.page(&format!("/admin/deliveries/clerk/{}{query}", signed.id)).await;

            let start = text.chars().take(20).collect::<String>();
            assert!(page.len() < 900_000, "{} of {start}", page.len());
            assert!(began.elapsed() < Duration::from_secs(5), "{:?} of {start}", began.elapsed());
            if query == "?private=show" && !text.contains("    ") {
                assert!(page.contains("bytes more are not shown"), "{start}");
                assert!(page.contains(&format!("/api/deliveries/clerk/{}", signed.id)), "{start}");
            }
        }
        let path = format!("/api/deliveries/clerk/{}", signed.id);
        let whole = service.api("GET", &path, Value::Null).await;
        assert_eq!(whole.body["body"], text.as_str());
    }
}

#[tokio::test]
async fn a_user_with_a_megabyte_of_metadata_has_a_small_page() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    let person = Person::signed_in(&service).await;
    let lists =
        [vec![json!(1); 300_000], vec![json!({ "private_metadata": "078-05-1120" }); 20_000]];
    for list in lists {
        let data = json!({ "unsafe_metadata": list, "zzzzzzzzzzzzzzzzzzzz": "the end" });
        let signed =
            Signed::new("clerk", body("clerk", "user.updated", "user_1", &data).to_string());
        assert_eq!(service.post(&signed).await.outcome(), "applied");

        let page = unescaped(&person.page("/admin/users?id=user_1").await);
        let whole = person.page("/admin/users?id=user_1&private=show").await;

        assert!(page.len().max(whole.len()) < 900_000, "{} {}", page.len(), whole.len());
        assert!(page.contains("bytes more are not shown") && page.contains("/api/users/user_1"));
        assert!(!page.contains("078-05-1120") && !page.contains("the end"), "{page}");
    }
}

#[tokio::test]
async fn a_body_of_usual_length_is_shown_whole() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    let person = Person::signed_in(&service).await;
    let data = json!({ "public_metadata": vec!["some text"; 1000], "zzz": "the end" });
    let signed = Signed::new("clerk", body("clerk", "user.created", "user_1", &data).to_string());
    service.post(&signed).await;

    let page = person.page(&format!("/admin/deliveries/clerk/{}", signed.id)).await;

    assert!(page.contains("the end") && !page.contains("more are not shown"), "{page}");
}

#[tokio::test]
async fn a_name_of_a_megabyte_is_shown_no_further_than_its_beginning() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    let person = Person::signed_in(&service).await;
    let data = json!({ "first_name": "<".repeat(MEGABYTE - 2000) });
    let signed = Signed::new("clerk", body("clerk", "user.created", "user_1", &data).to_string());
    assert_eq!(service.post(&signed).await.outcome(), "applied");

    let page = person.page("/admin/users?id=user_1").await;

    assert!(page.len() < 900_000, "{}", page.len());
}
