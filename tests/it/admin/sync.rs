//! Fetching one user from the provider, from the user's page.

use serde_json::json;

use super::person::{Person, location};
use super::{service, user};
use crate::harness::{Fault, Mirror, Service, TestDatabase, Vendor};
use users_sync::sync::Options;

const PAGE: &str = "/admin/users?id=user_1";

async fn asked() -> (Vendor, Mirror, Service, Person) {
    let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
    vendor.put("user_1", &json!({ "first_name": "Grace" }));
    let service = mirror.serve(&vendor, Options::default()).await;
    let person = Person::signed_in(&service).await;
    (vendor, mirror, service, person)
}

async fn sync(person: &Person) -> String {
    let form = format!("csrf={}&id=user_1", person.csrf().await);
    let answer = person.post("/admin/users/sync", &form).await;
    person.page(location(&answer)).await
}

#[tokio::test]
async fn a_user_is_fetched_at_once() {
    let (_vendor, _mirror, _service, person) = asked().await;

    let before = person.page(PAGE).await;
    let after = sync(&person).await;

    assert!(before.contains("<button>Sync now</button>") && !before.contains("Grace"), "{before}");
    assert!(after.contains("the row is what it says now") && after.contains("Grace Lovelace"));
}

#[tokio::test]
async fn a_user_whom_the_provider_deleted_is_shown_as_deleted() {
    let (vendor, mirror, _service, person) = asked().await;
    sync(&person).await;
    vendor.dismiss("user_1");

    let early = sync(&person).await;
    mirror.settle().await;
    let after = sync(&person).await;

    assert!(early.contains("Too early to decide: ") && early.contains("<dd>null</dd>"), "{early}");
    assert!(after.contains("The provider was asked: the user is deleted."), "{after}");
}

#[tokio::test]
async fn a_failing_provider_and_an_unknown_user_are_reported() {
    let (vendor, _mirror, _service, person) = asked().await;

    vendor.desk().stumbles = Some((1, Fault::Html(403)));
    let failed = sync(&person).await;
    vendor.desk().stumbles = None;
    vendor.dismiss("user_1");
    let unknown = sync(&person).await;

    assert!(failed.contains("The provider did not answer: is its API up"), "{failed}");
    assert!(unknown.contains("No provider that can be asked has this user."), "{unknown}");
}

#[tokio::test]
async fn without_a_key_the_page_says_which_variable_to_set() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    service.post(&user("user_1", "Ada")).await;
    let person = Person::signed_in(&service).await;

    let known = person.page(PAGE).await;
    let unknown = person.page("/admin/users?id=user_2").await;

    assert!(known.contains("set CLERK_SECRET_KEY for Clerk, and start users-sync again"));
    assert!(!known.contains("Sync now") && !known.contains("STACK"), "{known}");
    assert!(unknown.contains("or STACK_PROJECT_ID and STACK_SECRET_SERVER_KEY for Stack Auth"));
}

#[tokio::test]
async fn a_form_of_another_site_causes_no_request_to_the_provider() {
    let (vendor, _mirror, _service, person) = asked().await;

    let answer = person.post("/admin/users/sync", "csrf=guess&id=user_1").await;

    assert_eq!((answer.status().as_u16(), vendor.asked("GET", "")), (403, 0));
}
