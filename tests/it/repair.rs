//! Whatever is lost, late or repeated, and whichever pages are read in between: after a reconcile the table is the list.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use users_sync::ksuid;
use users_sync::model::Reading;
use users_sync::sync::Readings;

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
        3 => prop::option::of(0..8_usize).prop_map(|written| Step::Read { written }),
    ]
}

/// What happens at a step besides its own.
enum Arrival {
    Delivery(Signed),
    Page(Vec<Reading>),
}

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
    async fn new(provider: &'static str) -> Self {
        let (vendor, mirror) = (Vendor::new(provider).await, Mirror::new().await);
        let service = Service::start(mirror.database.url()).await;
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

    /// Plays a history; afterwards everything that was not lost has arrived.
    async fn play(&self, steps: &[Step]) {
        self.mirror
            .execute("truncate users_sync.ledger, users_sync.journal, neon_auth.users_sync")
            .await;
        self.vendor.desk().users.clear();
        let (mut due, mut deleted) = (BTreeMap::<usize, Vec<Arrival>>::new(), BTreeSet::new());
        for (place, step) in steps.iter().enumerate() {
            self.vendor.desk().date = Some(at(place) + SignedDuration::from_secs(2));
            match step {
                // An id is never given again.
                Step::Change { user, .. } | Step::Delete { user, .. } if deleted.contains(user) => {
                }
                Step::Change { user, arrivals } => {
                    let delivery = self.delivery("user.updated", &format!("user_{user}"), place);
                    for after in arrivals {
                        due.entry(place + after)
                            .or_default()
                            .push(Arrival::Delivery(delivery.clone()));
                    }
                }
                Step::Delete { user, arrivals } => {
                    deleted.insert(*user);
                    let id = format!("user_{user}");
                    self.vendor.dismiss(&id);
                    let delivery = self.delivery("user.deleted", &id, place);
                    for after in arrivals {
                        due.entry(place + after)
                            .or_default()
                            .push(Arrival::Delivery(delivery.clone()));
                    }
                }
                Step::Read { written } => {
                    let page = self.vendor.client().page(None).await.expect("a page");
                    if let Some(after) = written {
                        due.entry(place + after).or_default().push(Arrival::Page(page.users));
                    }
                }
            }
            for arrival in due.remove(&place).unwrap_or_default() {
                self.arrive(arrival).await;
            }
        }
        for arrival in due.into_values().flatten() {
            self.arrive(arrival).await;
        }
    }

    async fn arrive(&self, arrival: Arrival) {
        match arrival {
            Arrival::Delivery(signed) => {
                assert_eq!(self.service.post(&signed).await.status, 200);
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
    let world = runtime.block_on(World::new(provider));
    let mut runner = TestRunner::new(Config { cases: 100, ..Config::default() });

    let holds = runner.run(&prop::collection::vec(any_step(), 1..20), |steps| {
        let (there, here, drift) = runtime.block_on(async {
            world.play(&steps).await;
            world.vendor.desk().date = Some(at(1000));
            let client = world.vendor.client();
            world.mirror.reconcile(&client).await.expect("a repair");
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
