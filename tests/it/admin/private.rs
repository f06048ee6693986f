//! Fields that need not be seen are seen only by who asks for them.

use serde_json::json;

use super::person::{Person, unescaped};
use super::service;
use crate::harness::{Signed, TestDatabase, body};

#[tokio::test]
async fn each_private_field_is_hidden_until_the_operator_asks() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    let clerk = json!({
        "private_metadata": { "ssn": "078-05-1120" },
        "public_metadata": { "plan": "gold", "deep": [{ "access_token": "tok_1" }] },
    });
    let stack =
        json!({ "server_metadata": ["078-05-1120"], "client_metadata": { "plan": "gold" } });
    let person = Person::signed_in(&service).await;

    for (source, data) in [("clerk", clerk), ("stack", stack)] {
        let id = format!("user_of_{source}");
        let signed = Signed::new(source, body(source, "user.created", &id, &data).to_string());
        assert_eq!(service.post(&signed).await.outcome(), "applied");
        for path in
            [format!("/admin/deliveries/{source}/{}", signed.id), format!("/admin/users?id={id}")]
        {
            let page = unescaped(&person.page(&path).await);
            let whole = unescaped(&person.follow(&page, "Show private fields").await);

            for private in ["078-05-1120", "tok_1"] {
                assert!(!page.contains(private), "{path}: {page}");
            }
            assert!(page.contains("\"plan\": \"gold\"") && page.contains("\"(hidden)\""), "{page}");
            assert!(whole.contains("078-05-1120") && whole.contains("Hide private fields"));
        }
    }
}

#[tokio::test]
async fn a_private_field_with_an_escaped_name_is_hidden_too() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    let text = r#"{"type":"user.updated","data":{"id":"user_1","private\u005fmetadata" : {"a":["078-05-1120"]},
        "first_name":"\"private_metadata\": kept","unsafe_metadata":{"private_metadata":null}}}"#;
    let signed = Signed::new("clerk", text);
    service.post(&signed).await;
    let person = Person::signed_in(&service).await;

    let page = person.page(&format!("/admin/deliveries/clerk/{}", signed.id)).await;

    assert!(!page.contains("078-05-1120"), "{page}");
    assert!(page.contains(": kept") && unescaped(&page).contains("\"private_metadata\": null"));
}

#[tokio::test]
async fn a_body_that_is_not_json_is_hidden_until_the_operator_asks() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    let signed = Signed::new("clerk", r#"{"private_metadata":{"ssn":"078-05-1120"#);
    service.post(&signed).await;
    let person = Person::signed_in(&service).await;

    let page = person.page(&format!("/admin/deliveries/clerk/{}", signed.id)).await;
    let whole = person.follow(&page, "Show private fields").await;

    assert!(!page.contains("078-05-1120") && page.contains("This is not JSON"), "{page}");
    assert!(whole.contains("Hide private fields"));
}

#[tokio::test]
async fn a_body_of_brackets_does_not_make_a_page_without_end() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let text = format!(r#"{{"type":"user.created","data":{{"id":"user_1","deep":{deep}}}}}"#);
    let signed = Signed::new("clerk", text);
    service.post(&signed).await;
    let person = Person::signed_in(&service).await;

    let page = person.page(&format!("/admin/deliveries/clerk/{}", signed.id)).await;

    assert!(page.contains("\"deep\"") || page.contains("&#34;deep&#34;"));
    assert!(page.len() < 2_000_000, "{}", page.len());
}
