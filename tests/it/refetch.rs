//! Deliveries that say who changed, while the API says how; and the change feed.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio_postgres::{AsyncMessage, NoTls};
use users_sync::sync::{self, Users, refetch};

use crate::harness::{Fault, Mirror, Signed, Vendor, body, eventually};

fn refetching() -> sync::Options {
    sync::Options { refetch: HashSet::from([Arc::from("stack")]), ..sync::Options::default() }
}

fn updated(id: &str, name: &str) -> Signed {
    let fields = json!({ "display_name": name });
    Signed::new("stack", body("stack", "user.updated", id, &fields).to_string())
}

const MARKS: &str = "select count(*) from users_sync.marks";

#[tokio::test]
async fn the_payload_shows_at_once_and_the_truth_soon_after() {
    let (vendor, mirror) = (Vendor::new("stack").await, Mirror::new().await);
    let service = mirror.serve(&vendor, refetching()).await;
    // The e-mail changed after the delivery was made, and Stack says nothing of it.
    vendor.put("u1", &json!({ "display_name": "Ada", "primary_email": "new@example.com" }));
    vendor.desk().date = Some(jiff::Timestamp::now() + jiff::SignedDuration::from_secs(5));

    service.post(&updated("u1", "Ada")).await;

    assert_eq!(mirror.rows().await["u1"].email.as_deref(), Some("ada@example.com"));
    assert_eq!(mirror.count(MARKS).await, 1);
    refetch::fetch_due(&service.users).await.expect("a fetch");
    assert_eq!(mirror.rows().await["u1"].email.as_deref(), Some("new@example.com"));
    assert_eq!(mirror.count(MARKS).await, 0);
}

#[tokio::test]
async fn a_burst_about_one_user_costs_one_fetch() {
    let (vendor, mirror) = (Vendor::new("stack").await, Mirror::new().await);
    vendor.enrol(["u1"]);
    let service = mirror.serve(&vendor, refetching()).await;

    for number in 0..5 {
        service.post(&updated("u1", &format!("Ada {number}"))).await;
    }
    refetch::fetch_due(&service.users).await.expect("a fetch");

    assert_eq!(vendor.asked("GET", "/users/u1"), 1);
}

#[tokio::test]
async fn a_delivery_wakes_the_fetch() {
    let (vendor, mirror) = (Vendor::new("stack").await, Mirror::new().await);
    vendor.enrol(["u1"]);
    let service = mirror.serve(&vendor, refetching()).await;
    let keeping = tokio::spawn(refetch::keep(service.users.clone()));

    service.post(&updated("u1", "Ada")).await;

    eventually("it was fetched", async || vendor.asked("GET", "/users/u1") == 1).await;
    eventually("the mark is gone", async || mirror.count(MARKS).await == 0).await;
    keeping.abort();
}

#[tokio::test]
async fn a_mark_outlives_a_provider_that_is_out_of_order_and_a_crash() {
    let (vendor, mirror) = (Vendor::new("stack").await, Mirror::new().await);
    vendor.enrol(["u1"]);
    let service = mirror.serve(&vendor, refetching()).await;
    service.post(&updated("u1", "Ada")).await;
    vendor.desk().faults.extend(vec![Fault::ServerError; 4]);

    refetch::fetch_due(&service.users).await.expect("a failure is no failure of all");
    drop(service);

    assert_eq!(mirror.count(MARKS).await, 1);
    mirror.execute("update users_sync.marks set due_at = now()").await;
    let users = Users::new(mirror.tables.clone(), vec![vendor.client().into()]);
    refetch::fetch_due(&users).await.expect("a fetch");
    assert_eq!(mirror.count(MARKS).await, 0);
}

#[tokio::test]
async fn a_mark_that_is_made_during_a_fetch_is_not_lost_with_it() {
    let mirror = Mirror::new().await;
    let vendor = Vendor::new("stack").await;
    let service = mirror.serve(&vendor, refetching()).await;
    service.post(&updated("u1", "Ada")).await;
    let database = mirror.database.client().await;
    let taken = users_sync::db::marks::take(&database, 10, 60.0, &["stack"]).await;
    let taken = taken.expect("the mark").remove(0);

    service.post(&updated("u1", "Grace")).await;
    users_sync::db::marks::done(&database, &taken).await.expect("it is done");

    let due = "select count(*) from users_sync.marks where due_at <= clock_timestamp()";
    assert_eq!(mirror.count(due).await, 1);
}

#[tokio::test]
async fn a_source_that_is_believed_is_not_fetched() {
    let (vendor, mirror) = (Vendor::new("stack").await, Mirror::new().await);
    let service = mirror.serve(&vendor, sync::Options::default()).await;

    service.post(&updated("u1", "Ada")).await;

    assert_eq!(mirror.count(MARKS).await, 0);
}

#[tokio::test]
async fn every_change_is_told_on_the_channel_and_nothing_else() {
    let (vendor, mirror) = (Vendor::new("stack").await, Mirror::new().await);
    let options = sync::Options { channel: Some("users_sync".into()), ..sync::Options::default() };
    let service = mirror.serve(&vendor, options).await;
    let mut told = listen(mirror.database.url()).await;

    let first = updated("u1", "Ada");
    service.post(&first).await;
    service.post(&first).await;
    service.post(&updated("u1", "Grace")).await;
    let deleted = body("stack", "user.deleted", "u1", &json!({})).to_string();
    service.post(&Signed::new("stack", deleted)).await;

    for effect in ["created", "updated", "deleted"] {
        let text = told.recv().await.expect("a notification");
        let told: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(told, json!({ "kind": "user", "id": "u1", "effect": effect }));
    }
}

/// The payloads of what is told.
async fn listen(url: &str) -> tokio::sync::mpsc::UnboundedReceiver<String> {
    let (client, mut connection) =
        tokio_postgres::connect(url, NoTls).await.expect("the test's Postgres answers");
    let (tell, told) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut next = async || std::future::poll_fn(|cx| connection.poll_message(cx)).await;
        while let Some(Ok(message)) = next().await {
            if let AsyncMessage::Notification(notification) = message {
                let _ = tell.send(notification.payload().to_owned());
            }
        }
    });
    client.batch_execute("listen users_sync").await.expect("we listen");
    // The client must live as long as its connection.
    std::mem::forget(client);
    told
}
