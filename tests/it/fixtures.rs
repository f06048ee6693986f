//! Every delivery in `tests/fixtures/<provider>/`, beside what has to come of it: the outcome with its reason, and every row
//! of every mirror. A file names one `row`, with the `kind` of its mirror, or several `rows`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use users_sync::db::mirror::{self, Mirror};

use crate::harness::{Front, Signed};

/// The delivery that every fixture arrives as: made at 2023-01-19T00:13:51.400Z.
const DELIVERY: &str = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W";

struct Fixture {
    path: PathBuf,
    provider: &'static str,
    body: Vec<u8>,
    expected: Value,
}

fn fixtures() -> Vec<Fixture> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let providers = users_sync::provider::ALL.iter().map(|provider| provider.name);
    let mut fixtures: Vec<_> = providers.flat_map(|name| of_provider(&root, name)).collect();
    fixtures.sort_by(|one, other| one.path.cmp(&other.path));
    fixtures
}

fn of_provider(root: &Path, provider: &'static str) -> Vec<Fixture> {
    let folder = root.join(provider);
    let files = fs::read_dir(&folder).unwrap_or_else(|err| panic!("{}: {err}", folder.display()));
    files
        .map(|file| file.expect("a directory entry").path())
        .filter(|path| !path.to_string_lossy().ends_with(".expected.json"))
        .map(|path| {
            let read = |path: &Path| {
                fs::read(path).unwrap_or_else(|err| panic!("{}: {err}", path.display()))
            };
            let beside = path.with_extension("expected.json");
            let expected = serde_json::from_slice(&read(&beside))
                .unwrap_or_else(|err| panic!("{}: {err}", beside.display()));
            Fixture { body: read(&path), provider, expected, path }
        })
        .collect()
}

/// What comes of a delivery, in the form of the expected results.
async fn result(front: &Front, signed: &Signed) -> Value {
    let outcome = front.receive(signed).await;
    // A body may have an id that counts more than that of the scheme.
    let journal = front.journal(signed.verified().id().as_str()).await;
    let sql = "select exists (select from neon_auth.users_active)";
    json!({
        "outcome": outcome,
        "reason": journal["reason"],
        "rows": rows(front).await,
        "active": front.one(sql, &[]).await.get::<_, bool>(0),
    })
}

/// The rows of every mirror, with their kind and with raw_json as Postgres writes it.
async fn rows(front: &Front) -> Vec<Value> {
    let mut rows = Vec::new();
    for Mirror { kind, table, .. } in &mirror::ALL {
        let sql = format!(
            "select coalesce(jsonb_agg(jsonb_build_object('kind', $1::text, 'row', to_jsonb(m) - 'raw_json',
                'raw_json', raw_json::text) order by id collate \"C\"), '[]') from {table} m"
        );
        let of_kind: Value = front.one(&sql, &[&kind.as_str()]).await.get(0);
        rows.extend(of_kind.as_array().cloned().unwrap_or_default());
    }
    rows
}

/// What a fixture promises, in the same form: where it names one row, its kind is beside it, and `user` is left out.
async fn promised(front: &Front, fixture: &Fixture) -> Value {
    let mut expected = fixture.expected.clone();
    let fields = expected.as_object_mut().expect("an object");
    let kind = fields.remove("kind").unwrap_or_else(|| json!("user"));
    let (row, raw_json) = (fields.remove("row"), fields.remove("raw_json"));
    let of_one = row
        .filter(|row| !row.is_null())
        .map(|row| json!({ "kind": kind, "row": row, "raw_json": raw_json }));
    let rows = fields.entry("rows").or_insert_with(|| of_one.into_iter().collect());
    for row in rows.as_array_mut().expect("rows are an array") {
        row["raw_json"] = json!(promised_raw_json(front, fixture, &row["raw_json"]).await);
    }
    fields.entry("active").or_insert(json!(false));
    expected
}

/// The raw_json that a fixture promises, as Postgres writes it: where the file has a text, the object at this path in the body,
/// such as `"data"` or `"event.user"`.
async fn promised_raw_json(front: &Front, fixture: &Fixture, promised: &Value) -> String {
    if let Some(path) = promised.as_str() {
        let body = String::from_utf8(fixture.body.clone()).expect("UTF-8");
        let sql = "select ($1::text::jsonb #> string_to_array($2, '.'))::text";
        return front.one(sql, &[&body, &path]).await.get(0);
    }
    front.one("select $1::text::jsonb::text", &[&promised.to_string()]).await.get(0)
}

#[tokio::test]
async fn every_fixture_becomes_the_expected_row() {
    let front = Front::new().await;
    let mut wrong = Vec::new();
    for fixture in fixtures() {
        let signed = Signed::new(fixture.provider, fixture.body.clone()).with_id(DELIVERY);
        let expected = promised(&front, &fixture).await;

        front.forget().await;
        let first = result(&front, &signed).await;
        let mut again = result(&front, &signed).await;

        // What was judged is judged once; what could not be read is read again.
        if expected["outcome"] != "quarantined" {
            assert_eq!(again["outcome"], "duplicate", "{}", fixture.path.display());
            again["outcome"] = expected["outcome"].clone();
        }
        for result in [first, again].into_iter().filter(|result| *result != expected) {
            let path = fixture.path.display();
            wrong.push(format!("{path}\n  expected {expected}\n       not {result}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_expectation_stands_beside_a_fixture_and_every_event_of_a_provider_has_one() {
    let fixtures = fixtures();

    for provider in users_sync::provider::ALL {
        let folder =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(provider.name);
        let files = fs::read_dir(&folder).expect("the provider has fixtures").count();
        let of_provider = fixtures.iter().filter(|fixture| fixture.provider == provider.name);
        assert_eq!(files, of_provider.count() * 2, "{}", folder.display());
        for (event, _) in provider.events {
            let whole = folder.join(format!("{event}.json"));
            assert!(whole.exists(), "{} is missing", whole.display());
        }
    }
}
