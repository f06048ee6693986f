//! Incomplete lists: they do not prove that a user is missing.

use serde_json::{Value, json};
use users_sync::api::Incomplete;
use users_sync::sync::{backfill, reconcile};

use crate::harness::{API_KEY, Mirror, Said, Vendor, run};

fn ids(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("user_{number:05}")).collect()
}

struct Desk {
    mirror: Mirror,
    vendor: Vendor,
}

impl Desk {
    async fn new(provider: &'static str, users: usize) -> Self {
        let (vendor, mirror) = (Vendor::new(provider).await, Mirror::new().await);
        vendor.enrol(ids(users).iter().map(String::as_str));
        Self { mirror, vendor }
    }

    async fn run(&self, arguments: &[&str]) -> Said {
        let url = self.vendor.url();
        let database = ("DATABASE_URL", self.mirror.database.url());
        run(arguments, &[database, ("CLERK_SECRET_KEY", API_KEY), ("CLERK_API_URL", &url)]).await
    }

    /// The result of a reconcile, which must end and delete no user.
    async fn reconciled(&self) -> Result<(), Incomplete> {
        match self.mirror.reconcile(&self.vendor.client()).await {
            Ok(_) => Ok(()),
            Err(reconcile::Error::Incomplete(incomplete)) => Err(incomplete),
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn outcomes(&self) -> Vec<String> {
        let sql = "select kind || ' ' || outcome from users_sync.runs order by id";
        let rows = self.mirror.database.client().await.query(sql, &[]).await.expect("the runs");
        rows.iter().map(|row| row.get(0)).collect()
    }

    async fn findings(&self) -> Vec<String> {
        let sql = "select subject || ' ' || id from users_sync.findings order by 1";
        let rows = self.mirror.database.client().await.query(sql, &[]).await.expect("the findings");
        rows.iter().map(|row| row.get(0)).collect()
    }
}

type Page = fn(&[Value], Option<&str>) -> Value;

/// A page of Stack's, with this cursor after it.
fn items(users: &[Value], next: Option<String>) -> Value {
    json!({ "items": users, "pagination": { "next_cursor": next } })
}

#[tokio::test]
async fn an_api_that_ignores_the_cursor_is_never_taken_for_whole() {
    let desk = Desk::new("clerk", 1100).await;
    desk.vendor.desk().pages = Some(Box::new(|users, _| json!(users[..500])));

    let filled = desk.run(&["backfill"]).await;
    let looked = desk.run(&["reconcile", "--dry-run"]).await;
    let reconciled = desk.run(&["reconcile"]).await;
    let doctor = desk.run(&["doctor"]).await;

    assert_eq!((filled.code, looked.code, reconciled.code), (2, 2, 2), "{filled:?}");
    for said in [&filled, &looked, &reconciled] {
        assert!(said.err.contains("the provider's list is not whole"), "{said:?}");
    }
    assert_eq!(desk.outcomes().await, ["backfill failed", "reconcile failed"]);
    assert_eq!(desk.findings().await, ["backfill clerk", "reconcile clerk"]);
    assert_eq!(doctor.code, 1, "{doctor:?}");
    assert!(doctor.out.contains("FAIL  api of clerk: the provider's list is not whole"));
}

#[tokio::test]
async fn a_whole_list_ends_the_findings_of_an_incomplete_one() {
    let desk = Desk::new("clerk", 1100).await;
    desk.vendor.desk().pages = Some(Box::new(|users, _| json!(users[..500])));
    desk.run(&["backfill"]).await;
    desk.run(&["reconcile"]).await;
    desk.vendor.desk().pages = None;

    let filled = desk.run(&["backfill"]).await;
    let reconciled = desk.run(&["reconcile"]).await;

    assert_eq!((filled.code, reconciled.code), (0, 0), "{filled:?}");
    assert!(filled.out.starts_with("clerk: 1100 users at Clerk; 600 were missing"), "{filled:?}");
    assert!(desk.findings().await.is_empty());
    assert_eq!(desk.mirror.alive().await.len(), 1100);
}

#[tokio::test]
async fn pages_without_a_new_user_end_a_walk() {
    let forever: [Page; 4] = [
        // The same cursor again and again, before the same page.
        |users, _| items(&users[..10], Some("next".into())),
        // A new cursor each time, before the same page.
        |users, cursor| items(&users[..10], Some(format!("{}x", cursor.unwrap_or_default()))),
        // Empty pages.
        |users, cursor| {
            let page = if cursor.is_none() { &users[..10] } else { &[] };
            items(page, Some(format!("{}x", cursor.unwrap_or_default())))
        },
        // Two pages in turn.
        |users, cursor| {
            let cursor = cursor.unwrap_or_default();
            let page = if cursor.len() % 2 == 0 { &users[..10] } else { &users[10..20] };
            items(page, Some(format!("{cursor}x")))
        },
    ];
    for pages in forever {
        let desk = Desk::new("stack", 30).await;
        desk.mirror.backfill(&desk.vendor.client()).await.expect("a backfill");
        desk.vendor.dismiss("user_00000");
        desk.vendor.desk().pages = Some(Box::new(pages));

        let result = desk.reconciled().await;
        let filled = desk.mirror.backfill(&desk.vendor.client()).await;

        assert!(result.is_err());
        assert!(matches!(filled, Err(backfill::Error::Incomplete(_))), "{filled:?}");
        assert_eq!(desk.mirror.alive().await.len(), 30);
    }
}

#[tokio::test]
async fn pages_that_show_many_users_twice_may_leave_others_out() {
    let desk = Desk::new("stack", 40).await;
    desk.vendor.desk().pages = Some(Box::new(|users, cursor| match cursor {
        None => items(&users[..20], Some("second".into())),
        Some(_) => items(&users[10..30], None),
    }));

    assert_eq!(desk.reconciled().await, Err(Incomplete::Repeats { repeats: 10 }));
}

#[tokio::test]
async fn the_user_of_a_cursor_may_be_on_both_pages() {
    let desk = Desk::new("stack", 40).await;
    desk.vendor.desk().pages = Some(Box::new(|users, cursor| match cursor {
        None => items(&users[..20], Some("second".into())),
        Some(_) => items(&users[19..], None),
    }));

    assert_eq!(desk.reconciled().await, Ok(()));
    assert_eq!(desk.mirror.alive().await.len(), 40);
}

#[tokio::test]
async fn a_list_is_held_against_the_count_of_the_provider() {
    let short = |total| Err(Incomplete::Short { met: 20, total });
    let cases = [
        ((200, json!(40)), short(40)),
        ((200, json!(23)), short(23)),
        ((200, json!(22)), Ok(())),
        ((200, json!(20)), Ok(())),
        // Users were deleted meanwhile: no user is left out.
        ((200, json!(10)), Ok(())),
        // Nothing depends on the count.
        ((500, json!(null)), Ok(())),
        ((404, json!(null)), Ok(())),
        ((200, json!("many")), Ok(())),
    ];
    for (total, expected) in cases {
        let desk = Desk::new("clerk", 20).await;
        desk.vendor.desk().total = Some(total.clone());

        assert_eq!(desk.reconciled().await, expected, "{total:?}");
    }
}

#[tokio::test]
async fn pages_that_are_shorter_than_asked_for_are_no_end_of_the_list() {
    let desk = Desk::new("clerk", 300).await;
    desk.vendor.desk().pages = Some(Box::new(|users, cursor| {
        let after = |id: &str| users.iter().position(|user| user["id"] == id).map(|at| at + 1);
        let start = cursor.and_then(after).unwrap_or_default();
        json!(users[start..(start + 100).min(users.len())])
    }));

    let filled = desk.run(&["backfill"]).await;

    assert_eq!(filled.code, 2, "{filled:?}");
    assert!(filled.err.contains("shows 100 users, and the provider counts 300"), "{filled:?}");
}
