//! Whatever is lost, late or repeated, and whichever pages are read in between: after a reconcile the table is the list.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use users_sync::ksuid;
use users_sync::model::{Kind, Reading};
use users_sync::sync::{self, Readings, refetch};

use crate::harness::{Mirror, Service, Signed, Vendor, body};

#[derive(Clone, Debug)]
enum Step {
    /// Creates or changes a user at the provider; its delivery arrives after so many further steps.
    Change {
        user: usize,
        arrivals: Vec<usize>,
    },
    Delete {
        user: usize,
        arrivals: Vec<usize>,
    },
    /// Fetches what deliveries have marked.
    Fetch,
    /// Reads the list, and writes what was read so many steps later, or never.
    Read {
        written: Option<usize>,
    },
}

/// Lost, at once, late, repeated.
fn any_arrivals() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..8_usize, 0..3)
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0..3_usize, any_arrivals()).prop_map(|(user, arrivals)| Step::Change { user, arrivals }),
        2 => (0..3_usize, any_arrivals()).prop_map(|(user, arrivals)| Step::Delete { user, arrivals }),
        1 => Just(Step::Fetch),
        3 => prop::option::of(0..8_usize).prop_map(|written| Step::Read { written }),
    ]
}

/// What happens at a step besides its own.
enum Arrival {
    Delivery(usize, Signed),
    Page(Vec<Reading>),
}

/// By the vendor's clock, which is not that of the test.
const ARRIVED_LONG_AGO: &str =
    "update users_sync.journal set received_at = '2000-01-01', processed_at = '2000-01-01'";

struct World {
    provider: &'static str,
    vendor: Vendor,
    mirror: Mirror,
    service: Service,
}

fn at(step: usize) -> Timestamp {
    let step = i64::try_from(step).expect("few steps");
    Timestamp::from_second(1_700_000_000 + 10 * step).expect("a time")
}

impl World {
    async fn new(provider: &'static str, options: sync::Options) -> Self {
        let (vendor, mirror) = (Vendor::new(provider).await, Mirror::new().await);
        let service = mirror.serve(&vendor, options).await;
        Self { provider, vendor, mirror, service }
    }

    fn delivery(&self, event: &str, id: &str, step: usize) -> Signed {
        let time = at(step).as_millisecond();
        let fields = json!({ "first_name": format!("{step}"), "display_name": format!("{step}"), "updated_at": time });
        let fields = if event == "user.deleted" { json!({}) } else { fields };
        let mut body = body(self.provider, event, id, &fields);
        if self.provider == "clerk" {
            body["timestamp"] = json!(time);
        }
        if event != "user.deleted" {
            self.vendor.put(id, &body["data"]);
        }
        let id = format!("msg_{}", ksuid::new(at(step)));
        Signed::new(self.provider, body.to_string()).with_id(&id)
    }

    /// Plays a history; afterwards everything that was not lost has arrived. Answers who was in a delivery that came after
    /// the last change of the user.
    async fn play(&self, steps: &[Step]) -> BTreeSet<usize> {
        self.mirror
            .execute("truncate users_sync.ledger, users_sync.journal, users_sync.marks, neon_auth.users_sync")
            .await;
        self.vendor.desk().users.clear();
        let (mut due, mut deleted) = (BTreeMap::<usize, Vec<Arrival>>::new(), BTreeSet::new());
        let mut announced = BTreeSet::new();
        for (place, step) in steps.iter().enumerate() {
            self.vendor.desk().date = Some(at(place) + SignedDuration::from_secs(2));
            for (after, arrival) in self.take(step, place, &mut deleted, &mut announced).await {
                due.entry(place + after).or_default().push(arrival);
            }
            for arrival in due.remove(&place).unwrap_or_default() {
                self.arrive(arrival, &mut announced).await;
            }
        }
        for arrival in due.into_values().flatten() {
            self.arrive(arrival, &mut announced).await;
        }
        announced
    }

    /// Takes one step, and answers what arrives how many steps later.
    async fn take(
        &self,
        step: &Step,
        place: usize,
        deleted: &mut BTreeSet<usize>,
        announced: &mut BTreeSet<usize>,
    ) -> Vec<(usize, Arrival)> {
        let (user, event, arrivals) = match step {
            Step::Fetch => {
                refetch::fetch_due(&self.service.users).await.expect("a fetch");
                return Vec::new();
            }
            Step::Read { written } => {
                let page = self.vendor.client().page(Kind::User, None, None).await.expect("a page");
                return written
                    .map(|after| (after, Arrival::Page(page.readings)))
                    .into_iter()
                    .collect();
            }
            Step::Change { user, arrivals } => (*user, "user.updated", arrivals),
            Step::Delete { user, arrivals } => (*user, "user.deleted", arrivals),
        };
        // An id is never given again.
        if deleted.contains(&user) {
            return Vec::new();
        }
        announced.remove(&user);
        let id = format!("user_{user}");
        if event == "user.deleted" {
            deleted.insert(user);
            self.vendor.dismiss(&id);
        }
        let delivery = self.delivery(event, &id, place);
        let arrival = |after: &usize| (*after, Arrival::Delivery(user, delivery.clone()));
        arrivals.iter().map(arrival).collect()
    }

    async fn arrive(&self, arrival: Arrival, announced: &mut BTreeSet<usize>) {
        match arrival {
            Arrival::Delivery(user, signed) => {
                assert_eq!(self.service.post(&signed).await.status, 200);
                announced.insert(user);
            }
            Arrival::Page(readings) => {
                let mut writer = Readings::new(&self.mirror.tables);
                writer.accept_news(readings).await.expect("they are written");
            }
        }
    }

    /// Who is alive, and by what name, at the provider and in the table.
    async fn compared(&self) -> (Vec<(String, String)>, Vec<(String, String)>) {
        let field = if self.provider == "clerk" { "first_name" } else { "display_name" };
        let named = |user: &serde_json::Value| {
            let text = |field: &str| user[field].as_str().expect("a text").to_owned();
            (text("id"), text(field))
        };
        let mut there: Vec<_> = self.vendor.desk().users.iter().map(named).collect();
        there.sort();
        let rows = self.mirror.rows().await;
        let alive = rows.values().filter(|row| row.deleted_at.is_none());
        (there, alive.map(|row| named(&row.raw)).collect())
    }
}

fn after_a_reconcile_the_table_is_the_list(provider: &'static str) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let world = runtime.block_on(World::new(provider, sync::Options::default()));
    let mut runner = TestRunner::new(Config { cases: 100, ..Config::default() });

    let holds = runner.run(&prop::collection::vec(any_step(), 1..20), |steps| {
        let (there, here, drift) = runtime.block_on(async {
            world.play(&steps).await;
            world.vendor.desk().date = Some(at(1000));
            world.mirror.execute(ARRIVED_LONG_AGO).await;
            let client = world.vendor.client();
            // Of so few users most may be gone.
            world.mirror.reconcile_allowing(&client, 3).await.expect("a repair");
            let (there, here) = world.compared().await;
            (there, here, world.mirror.dry_run(&client).await.expect("a look"))
        });
        prop_assert_eq!(there, here);
        prop_assert_eq!(drift.findings, vec![]);
        Ok(())
    });

    let _guard = runtime.enter();
    drop(world);
    assert!(holds.is_ok(), "{holds:?}");
}

#[test]
fn after_a_reconcile_the_table_is_the_list_of_clerk() {
    after_a_reconcile_the_table_is_the_list("clerk");
}

#[test]
fn after_a_reconcile_the_table_is_the_list_of_stack() {
    after_a_reconcile_the_table_is_the_list("stack");
}

#[test]
fn with_refetch_a_user_delivered_after_the_last_change_equals_the_providers() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let options = sync::Options { refetch: ["stack".into()].into(), ..sync::Options::default() };
    let world = runtime.block_on(World::new("stack", options));
    let mut runner = TestRunner::new(Config { cases: 100, ..Config::default() });

    let holds = runner.run(&prop::collection::vec(any_step(), 1..20), |steps| {
        let (announced, there, here) = runtime.block_on(async {
            let announced = world.play(&steps).await;
            world.vendor.desk().date = Some(at(1000));
            refetch::fetch_due(&world.service.users).await.expect("a fetch");
            let (there, here) = world.compared().await;
            (announced, there, here)
        });
        for user in announced.iter().map(|user| format!("user_{user}")) {
            if let Some(found) = there.iter().find(|(id, _)| *id == user) {
                prop_assert!(here.contains(found), "{:?} is not in {:?}", found, here);
            }
        }
        Ok(())
    });

    let _guard = runtime.enter();
    drop(world);
    assert!(holds.is_ok(), "{holds:?}");
}
