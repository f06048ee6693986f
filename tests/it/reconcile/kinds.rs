//! Organizations, memberships, roles and grants against the provider's lists.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use users_sync::api::Client;
use users_sync::model::{Change, Key, Kind, Reading};
use users_sync::sync::guard::Why;
use users_sync::sync::reconcile::{Drift, Error, Report, Settings, reconcile};

use crate::harness::{Fault, Mirror, Vendor};

/// A vendor with some of every kind, and tables that have them for a while.
async fn in_sync(provider: &'static str) -> (Vendor, Mirror) {
    let (vendor, mirror) = (Vendor::new(provider).await, Mirror::new().await);
    fill(&vendor, &mirror, "").await;
    (vendor, mirror)
}

/// All their ids begin with `prefix`.
async fn fill(vendor: &Vendor, mirror: &Mirror, prefix: &str) {
    let id = |name: &str| format!("{prefix}{name}");
    for user in ["user_a", "user_b", "user_c"] {
        vendor.put(&id(user), &json!({}));
    }
    for organization in ["org_1", "org_2", "org_3", "org_4"] {
        vendor.found(&id(organization), &json!({}));
    }
    for (organization, user) in
        [("org_1", "user_a"), ("org_1", "user_b"), ("org_2", "user_a"), ("org_4", "user_a")]
    {
        vendor.join(&id(organization), &id(user), &json!({}));
    }
    for role in ["viewer", "editor", "owner"] {
        vendor.define(&id(role), &["read"], &json!({}));
    }
    if vendor.client().kinds().contains(&Kind::Grant) {
        for (team, user) in [("org_1", "user_a"), ("org_1", "user_b"), ("org_2", "user_a")] {
            vendor.permit(Some(&id(team)), &id(user), "team_member");
        }
        vendor.permit(None, &id("user_a"), "beta");
    }
    let client = vendor.client();
    for kind in client.kinds() {
        mirror.backfill_of(&client, kind).await.expect("a backfill");
    }
    mirror.settle().await;
    mirror.execute("update users_sync.ledger set fence = fence - interval '1 hour'").await;
}

/// What a look at the entities of a kind finds, by id.
async fn look(mirror: &Mirror, client: &Client, kind: Kind) -> Vec<(String, Drift)> {
    let settings = Settings { kind, sole: true, dry_run: true, ..Settings::default() };
    drift(&reconcile(&mirror.tables, client, settings).await.expect("a look"))
}

fn drift(report: &Report) -> Vec<(String, Drift)> {
    let mut found: Vec<_> =
        report.findings.iter().map(|finding| (finding.id.clone(), finding.drift)).collect();
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    found
}

fn member(provider: &str, organization: &str, user: &str) -> String {
    match provider {
        "clerk" => format!("orgmem_{organization}_{user}"),
        _ => format!("{organization}/{user}"),
    }
}

fn deleted(source: &str, kind: Kind, id: &str, seconds_ago: i64) -> Reading {
    let at = Timestamp::now() - SignedDuration::from_secs(seconds_ago);
    let change = Change::Deleted { key: Key::new(kind, id), at };
    Reading { source: source.into(), change }
}

const BESIDES: [Kind; 4] = [Kind::Organization, Kind::Role, Kind::Membership, Kind::Grant];

/// By id, after a rename, a dissolution, a founding, a joining, a leaving, and changes of roles and permissions.
fn differences(provider: &str, kind: Kind) -> Vec<(String, Drift)> {
    let member = |organization, user| member(provider, organization, user);
    match kind {
        Kind::User => vec![],
        Kind::Organization => vec![
            ("org_2".into(), Drift::Stale),
            ("org_4".into(), Drift::Gone),
            ("org_5".into(), Drift::Missing),
        ],
        Kind::Role => vec![("auditor".into(), Drift::Missing), ("viewer".into(), Drift::Stale)],
        Kind::Membership => vec![
            (member("org_1", "user_b"), Drift::Gone),
            (member("org_2", "user_b"), Drift::Missing),
            (member("org_4", "user_a"), Drift::Gone),
        ],
        Kind::Grant => vec![
            ("org_1/user_b/team_member".into(), Drift::Gone),
            ("org_2/user_b/team_admin".into(), Drift::Missing),
        ],
    }
}

#[tokio::test]
async fn missing_stale_and_gone_rows_of_every_kind_are_repaired() {
    for provider in ["clerk", "stack"] {
        let (vendor, mirror) = in_sync(provider).await;
        vendor.found("org_2", &json!({ "name": "Renamed", "display_name": "Renamed" }));
        vendor.found("org_5", &json!({}));
        vendor.dissolve("org_4");
        vendor.join("org_2", "user_b", &json!({}));
        vendor.leave("org_1", "user_b");
        vendor.define("viewer", &["read", "list"], &json!({}));
        vendor.define("auditor", &["read"], &json!({}));
        vendor.permit(Some("org_2"), "user_b", "team_admin");
        let client = vendor.client();
        for kind in client.kinds() {
            let repaired = mirror.reconcile_of(&client, kind).await.expect("a repair");
            assert_eq!(drift(&repaired), differences(provider, kind), "{provider} {kind}");
        }

        for kind in client.kinds() {
            assert_eq!(look(&mirror, &client, kind).await, [], "{provider} {kind}");
        }
        let renamed = "select count(*) from neon_auth.organizations_sync where name = 'Renamed'";
        assert_eq!(mirror.count(renamed).await, 1);
    }
}

#[tokio::test]
async fn a_feature_that_is_switched_off_deletes_nothing_and_is_no_finding() {
    let (vendor, mirror) = in_sync("clerk").await;
    let runs = "select count(*) from users_sync.runs";
    let (client, before) = (vendor.client(), mirror.count(runs).await);
    vendor.desk().others.are_on = false;

    for kind in [Kind::Organization, Kind::Role, Kind::Membership] {
        let alive = mirror.alive_of(kind).await;
        let report = mirror.reconcile_of(&client, kind).await.expect("nothing is wrong");
        let filled = mirror.backfill_of(&client, kind).await.expect("nothing is wrong");

        assert!(report.is_off && filled.is_off, "{kind}");
        assert_eq!(mirror.alive_of(kind).await, alive);
    }

    assert_eq!(mirror.count(runs).await, before);
    assert_eq!(mirror.count("select count(*) from users_sync.findings").await, 0);
}

#[tokio::test]
async fn a_key_of_another_instance_deletes_nothing_of_any_kind() {
    for provider in ["clerk", "stack"] {
        let (_vendor, mirror) = in_sync(provider).await;
        let (other, elsewhere) = (Vendor::new(provider).await, Mirror::new().await);
        fill(&other, &elsewhere, "strange_").await;
        let client = other.client();

        for kind in client.kinds() {
            let alive = mirror.alive_of(kind).await;
            let result = mirror.reconcile_of(&client, kind).await;
            let Err(Error::Refused(refusal)) = result else { panic!("{kind}: {result:?}") };
            assert_eq!((refusal.why, refusal.kind), (Why::Strangers, Kind::User), "{kind}");
            mirror.backfill_of(&client, kind).await.expect_err("it is refused");
            assert_eq!(mirror.alive_of(kind).await, alive, "{provider} {kind}");
        }
    }
}

#[tokio::test]
async fn a_list_that_lacks_most_of_the_rows_deletes_nothing_of_any_kind() {
    for provider in ["clerk", "stack"] {
        let (vendor, mirror) = in_sync(provider).await;
        vendor.desk().others.unlisted = Box::new(|_| true);
        let client = vendor.client();

        for kind in BESIDES.into_iter().filter(|kind| client.kinds().contains(kind)) {
            let alive = mirror.alive_of(kind).await;
            let result = mirror.reconcile_of(&client, kind).await;
            match result {
                Err(Error::Refused(refusal)) => {
                    assert!(matches!(refusal.why, Why::FewListed { .. }), "{refusal:?}");
                }
                // Stack's second list of roles does not exist here: nothing is missing of it.
                result => assert_eq!((provider, kind), ("stack", Kind::Role), "{result:?}"),
            }
            assert_eq!(mirror.alive_of(kind).await, alive, "{provider} {kind}");
        }
    }
}

#[tokio::test]
async fn a_row_missing_from_the_list_stays_if_the_api_shows_it() {
    let (vendor, mirror) = in_sync("clerk").await;
    vendor.desk().others.unlisted =
        Box::new(|one| one["id"] == "org_3" || one["id"] == "orgmem_org_2_user_a");
    let client = vendor.client();

    for kind in [Kind::Organization, Kind::Membership] {
        let alive = mirror.alive_of(kind).await;
        let report = mirror.reconcile_of(&client, kind).await.expect("a repair");
        assert_eq!(drift(&report), []);
        assert_eq!(mirror.alive_of(kind).await, alive);
    }
}

#[tokio::test]
async fn a_list_that_breaks_off_deletes_nothing() {
    let (vendor, mirror) = in_sync("stack").await;
    vendor.leave("org_1", "user_b");
    vendor.desk().others.faults = vec![
        ("/team-member-profiles", Fault::Html(500)),
        ("/project-permissions", Fault::Html(500)),
    ];

    for kind in [Kind::Membership, Kind::Grant] {
        let alive = mirror.alive_of(kind).await;
        let result = mirror.reconcile_of(&vendor.client(), kind).await;
        assert!(matches!(result, Err(Error::Api(_))), "{result:?}");
        assert_eq!(mirror.alive_of(kind).await, alive);
    }
}

#[tokio::test]
async fn a_deleted_row_that_is_alive_at_the_provider_is_restored() {
    for (provider, kind, id) in [
        ("clerk", Kind::Organization, "org_3"),
        ("clerk", Kind::Membership, "orgmem_org_2_user_a"),
        ("clerk", Kind::Role, "owner"),
        ("stack", Kind::Organization, "org_3"),
        ("stack", Kind::Membership, "org_2/user_a"),
        ("stack", Kind::Grant, "user_a/beta"),
    ] {
        let (vendor, mirror) = in_sync(provider).await;
        let alive = mirror.alive_of(kind).await;
        let deletion = [deleted(provider, kind, id, 600)];
        mirror.accept(&deletion).await;
        assert_eq!(mirror.alive_of(kind).await.len(), alive.len() - 1, "{provider} {id}");

        let report = mirror.reconcile_of(&vendor.client(), kind).await.expect("a repair");

        assert_eq!(drift(&report), [(id.to_owned(), Drift::Alive)], "{provider}");
        // The delivery comes once more, late.
        mirror.accept(&deletion).await;
        assert_eq!(mirror.alive_of(kind).await, alive, "{provider}");
    }
}

#[tokio::test]
async fn a_fresh_deletion_and_a_fresh_membership_wait_for_the_settling_time() {
    let (vendor, mirror) = in_sync("stack").await;
    vendor.join("org_3", "user_c", &json!({}));
    let client = vendor.client();
    mirror.reconcile_of(&client, Kind::Membership).await.expect("a repair");
    mirror.accept(&[deleted("stack", Kind::Membership, "org_2/user_a", 1)]).await;
    vendor.leave("org_3", "user_c");

    let report = mirror.reconcile_of(&client, Kind::Membership).await.expect("a repair");

    assert_eq!(drift(&report), []);
    let alive = mirror.alive_of(Kind::Membership).await;
    assert!(alive.contains(&"org_3/user_c".to_owned()), "{alive:?}");
    assert!(!alive.contains(&"org_2/user_a".to_owned()), "{alive:?}");
}

#[tokio::test]
async fn of_two_sources_each_leaves_the_rows_of_the_other_alone() {
    let mirror = Mirror::new().await;
    let (clerk, stack) = (Vendor::new("clerk").await, Vendor::new("stack").await);
    fill(&clerk, &mirror, "c_").await;
    fill(&stack, &mirror, "s_").await;

    for vendor in [&clerk, &stack] {
        let client = vendor.client();
        for kind in client.kinds() {
            let settings = Settings { kind, ..Settings::default() };
            let report = reconcile(&mirror.tables, &client, settings).await.expect("a repair");
            assert_eq!(drift(&report), [], "{kind}");
        }
    }

    assert_eq!(mirror.alive_of(Kind::Organization).await.len(), 8);
    assert_eq!(mirror.alive_of(Kind::Membership).await.len(), 8);
}

#[tokio::test]
async fn each_kind_has_its_own_runs_and_findings() {
    let (vendor, mirror) = in_sync("clerk").await;
    vendor.desk().others.unlisted = Box::new(|one| one["object"] == "organization");
    let client = vendor.client();

    mirror.reconcile_of(&client, Kind::Organization).await.expect_err("most are missing");
    mirror.reconcile_of(&client, Kind::User).await.expect("a repair");

    let finding = "select count(*) from users_sync.findings where id = 'clerk organizations'";
    assert_eq!(mirror.count(finding).await, 1);
    let refused = "select count(*) from users_sync.runs where entity = 'organization' and outcome = 'refused'";
    assert_eq!(mirror.count(refused).await, 1);
}
