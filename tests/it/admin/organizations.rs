//! The pages of organizations and memberships, and the ways to them.

use serde_json::json;

use super::person::{Person, location};
use crate::harness::{Service, TestDatabase};
use crate::organizations::{membership, of_stack, organization, post_all, user};

async fn furnished(database: &TestDatabase) -> Service {
    let service = Service::keeping_bodies(database.url()).await;
    let all = [
        organization("organization.created", "org_1"),
        user("user.created", "user_1"),
        membership("organizationMembership.created", "mem_1", "user_1", "org_1"),
        of_stack(
            "team_permission.created",
            &json!({ "id": "read", "team_id": "t", "user_id": "u1" }),
        ),
        of_stack("user.deleted", &json!({ "id": "u1", "teams": [{ "id": "t" }, { "id": "t2" }] })),
    ];
    post_all(&service, &all).await;
    service
}

#[tokio::test]
async fn the_page_of_an_organization_shows_its_row_its_members_and_its_deliveries() {
    let database = TestDatabase::new().await;
    let service = furnished(&database).await;
    let person = Person::signed_in(&service).await;

    let page = person.page("/admin/entities?kind=organization&id=org_1").await;
    let member = person.follow(&page, "user_1</a>").await;
    let membership = person.follow(&page, "mem_1</a>").await;

    for words in ["<h1>Organization <code>org_1</code>", "Acme", "org:admin", "active"] {
        assert!(page.contains(words), "no {words} in {page}");
    }
    assert!(page.contains("organization.created"), "its history: {page}");
    assert!(!page.contains("tier"), "private fields are hidden: {page}");
    assert!(member.contains("<h1>User <code>user_1</code>"), "{member}");
    assert!(membership.contains("<h1>Membership <code>mem_1</code>"), "{membership}");
    assert!(membership.contains("organizationMembership.created"), "{membership}");
}

#[tokio::test]
async fn the_page_of_a_user_shows_memberships_and_grants() {
    let database = TestDatabase::new().await;
    let service = furnished(&database).await;
    let person = Person::signed_in(&service).await;

    let page = person.page("/admin/users?id=user_1").await;
    let organization = person.follow(&page, "org_1</a>").await;
    let granted = person.page("/admin/users?id=u1").await;
    let grant = person.follow(&granted, "read</a>").await;

    assert!(organization.contains("<h1>Organization <code>org_1</code>"), "{organization}");
    assert!(grant.contains("<h1>Grant <code>t/u1/read</code>"), "{grant}");
}

#[tokio::test]
async fn a_delivery_leads_to_every_entity_that_it_names() {
    let database = TestDatabase::new().await;
    let service = furnished(&database).await;
    let person = Person::signed_in(&service).await;

    let list = person.page("/admin/deliveries?type=user.deleted").await;
    let delivery = person.follow(&list, "<time>").await;
    let second = person.follow(&delivery, "t2/u1</a>").await;
    let of_one = person.page("/admin/deliveries?kind=membership&entity=t2%2Fu1").await;

    assert!(list.contains("<small>membership</small>"), "{list}");
    assert!(second.contains("<h1>Membership <code>t2/u1</code>"), "{second}");
    assert!(second.contains("user.deleted"), "its history has it: {second}");
    assert_eq!(of_one.matches("<time>").count(), 1, "{of_one}");
}

#[tokio::test]
async fn the_search_finds_a_user_or_an_organization() {
    let database = TestDatabase::new().await;
    let service = furnished(&database).await;
    let person = Person::signed_in(&service).await;

    for (id, page) in [
        ("user_1", "/admin/users?id=user_1"),
        ("org_1", "/admin/entities?kind=organization&id=org_1"),
        ("nobody", "/admin/users?id=nobody"),
    ] {
        let answer = person.get(&format!("/admin/find?id={id}")).await;
        assert_eq!((answer.status().as_u16(), location(&answer)), (303, page));
    }
}

#[tokio::test]
async fn the_first_page_counts_every_kind() {
    let database = TestDatabase::new().await;
    let service = furnished(&database).await;
    let person = Person::signed_in(&service).await;

    let page = person.page("/admin").await;

    for (kind, count) in [("organizations", "1 / 0"), ("memberships", "3 / 2"), ("grants", "1 / 0")]
    {
        let (_, tile) = page.split_once(&format!("<dt>{kind}, ")).expect(kind);
        let (tile, _) = tile.split_once("</dd>").expect("it ends");
        assert!(tile.contains(count), "{tile}");
    }
}

#[tokio::test]
async fn an_entity_of_no_kind_or_of_no_id_has_no_page() {
    let database = TestDatabase::new().await;
    let service = furnished(&database).await;
    let person = Person::signed_in(&service).await;

    for (query, status) in [("kind=team&id=1", 400), ("kind=role", 400), ("kind=role&id=%00", 404)]
    {
        let answer = person.get(&format!("/admin/entities?{query}")).await;
        assert_eq!(answer.status(), status, "{query}");
    }
    let unknown = person.page("/admin/entities?kind=role&id=nothing").await;
    assert!(unknown.contains("Neither the mirror nor the ledger knows this id"), "{unknown}");
}

#[tokio::test]
async fn many_members_come_page_by_page() {
    let database = TestDatabase::new().await;
    let service = furnished(&database).await;
    let many = "insert into neon_auth.memberships_sync (id, user_id, organization_id, raw_json)
        select 'm-' || n, 'u-' || n, 'org_2', '{}' from generate_series(1, 70) n";
    database.client().await.batch_execute(many).await.expect("they are ours");
    let person = Person::signed_in(&service).await;

    let first = person.page("/admin/entities?kind=organization&id=org_2").await;
    let (_, next) = first.split_once("rel=\"next\" href=\"").expect("there is a next page");
    let next = super::person::unescaped(next.split('"').next().expect("it ends"));
    let second = person.page(next.split('#').next().expect("a path")).await;

    let links = |page: &str| page.matches("kind=membership&#38;id=m-").count();
    assert_eq!((links(&first), links(&second)), (50, 20), "{first}");
}
