//! What is written about the program, held against the program.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::process::Command;

use serde_json::json;
use users_sync::config::{Config, Environment, Purpose};
use users_sync::db::rights::{self, Object, Right};
use users_sync::http::Limits;
use users_sync::model::Outcome;

use crate::harness::{Answer, SECRET, Service, ServiceSettings, Signed, TestDatabase, body};

const README: &str = include_str!("../../README.md");
const ENV_EXAMPLE: &str = include_str!("../../.env.example");

/// Asked for, but not ours to document: what every process is given, and no operator sets for us.
const OF_THE_SYSTEM: [&str; 4] = ["HOME", "PATH", "USER", "XDG_DATA_HOME"];

fn environment(variables: &[(&str, &str)]) -> Environment {
    let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Environment::of(owned.collect())
}

/// Every variable that the program asks for, with a database of its own and with a given one.
fn asked() -> BTreeSet<String> {
    let embedded = environment(&[("USERS_SYNC_DATA_DIR", "/nowhere")]);
    Config::parse(&embedded, Purpose::Serve).expect("nothing has to be set");
    let given = environment(&[("DATABASE_URL", "postgres://"), ("CLERK_WEBHOOK_SECRET", SECRET)]);
    Config::parse(&given, Purpose::Serve).expect("a URL and a secret are enough");

    let mut asked: BTreeSet<_> = embedded.asked().union(&given.asked()).cloned().collect();
    for name in OF_THE_SYSTEM {
        asked.remove(name);
    }
    asked
}

/// The commented-out variables of `.env.example`, with their examples.
fn examples() -> BTreeMap<&'static str, &'static str> {
    let example = |line: &'static str| {
        let (name, value) = line.strip_prefix('#')?.split_once('=')?;
        let is_name = name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        is_name.then_some((name, value))
    };
    ENV_EXAMPLE.lines().filter_map(example).collect()
}

/// The text of the README below a heading, up to the next of the same depth.
fn section(heading: &str) -> &'static str {
    let (_, after) = README.split_once(&format!("\n## {heading}\n")).expect("the heading exists");
    after.split("\n## ").next().expect("a split has a first part")
}

/// The rows of the first table of a section, without its head.
fn rows(heading: &str) -> impl Iterator<Item = Vec<&'static str>> {
    let lines = section(heading).lines().skip_while(|line| !line.starts_with('|'));
    let table = lines.take_while(|line| line.starts_with('|')).skip(2);
    table.map(|row| row.trim_matches('|').split('|').map(str::trim).collect())
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn env_example_has_the_variables_that_are_asked_for_and_no_others() {
    let described: BTreeSet<_> = examples().into_keys().map(str::to_owned).collect();

    assert_eq!(described, asked());
}

#[test]
fn env_example_can_be_copied_as_it_is() {
    let set: Vec<_> =
        ENV_EXAMPLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();

    assert_eq!(set, Vec::<&str>::new());
}

/// The examples that are no paths of files.
fn example_values() -> HashMap<String, String> {
    let files = ["PGPASSFILE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY"];
    let is_file = |name: &str| name.ends_with("_FILE") || files.contains(&name);
    examples()
        .into_iter()
        .filter(|(name, _)| !is_file(name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Those that open the service: an example of them is known to everybody.
const OPEN_THE_SERVICE: [&str; 4] =
    ["CLERK_WEBHOOK_SECRET", "CLERK_WEBHOOK_SIGNING_SECRET", "STACK_WEBHOOK_SECRET", "ADMIN_TOKEN"];

#[test]
fn every_example_in_env_example_is_a_value_that_is_taken() {
    let mut values = example_values();
    for name in OPEN_THE_SERVICE {
        values.insert(name.to_owned(), SECRET.to_owned());
    }

    let config = Config::parse(&Environment::of(values), Purpose::Serve);

    assert!(config.is_ok(), "{}", config.expect_err("it is not"));
}

#[test]
fn an_example_of_a_secret_in_env_example_opens_nothing() {
    let values = example_values();

    for name in OPEN_THE_SERVICE {
        let url = ("DATABASE_URL", "postgres://");
        let example = environment(&[url, ("CLERK_SECRET_KEY", "sk"), (name, &values[name])]);

        let refused = Config::parse(&example, Purpose::Serve).expect_err(name).to_string();

        assert!(refused.contains(&format!("  {name}: ")), "{refused}");
        assert!(!refused.contains(&values[name]), "{refused}");
    }
}

#[test]
fn the_readme_has_a_row_for_every_variable_and_no_others() {
    let described: BTreeSet<_> =
        rows("Variables").flat_map(|row| quoted(row[0])).map(str::to_owned).collect();

    assert_eq!(described, asked());
}

#[test]
fn the_readme_has_a_row_for_every_right_and_no_others() {
    let row = |right: &Right| {
        let on = match right.object {
            Object::Schema(name) => format!("schema `{name}`"),
            Object::Table(name) => format!("`{name}`"),
            Object::Functions => "functions of `users_sync`".to_owned(),
        };
        vec![on, right.privileges.join(", "), right.purpose.to_owned()]
    };
    let needed: Vec<_> = rights::ALL.iter().map(row).collect();

    let described: Vec<_> = rows("Production").collect();

    assert_eq!(described, needed);
}

#[test]
fn the_readme_tells_the_commands_in_the_words_of_the_help() {
    let help = Command::new(env!("CARGO_BIN_EXE_users-sync"))
        .arg("--help")
        .env_remove("COLUMNS")
        .output()
        .expect("the program runs");
    let help = String::from_utf8(help.stdout).expect("the help is text");
    let (_, commands) = help.split_once("Commands:\n").expect("the help lists the commands");
    let (commands, _) = commands.split_once("\n\n").expect("the list ends");
    // A description that is wrapped goes on in a line that is set in deeper.
    let commands = commands.replace("\n    ", " ");
    let told: Vec<_> = commands
        .lines()
        .filter_map(|line| line.trim().split_once(' '))
        .map(|(name, words)| (name, words.split_whitespace().collect::<Vec<_>>().join(" ")))
        .filter(|(name, _)| *name != "help")
        .collect();

    let written: Vec<_> =
        rows("Commands").map(|row| (row[0].trim_matches('`'), row[1].to_owned())).collect();

    assert_eq!(written, told);
}

#[test]
fn every_link_of_the_readme_that_stays_here_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let anchor = |heading: &str| heading.to_lowercase().replace(' ', "-");
    let anchors: BTreeSet<_> =
        README.lines().filter_map(|line| line.strip_prefix("## ")).map(anchor).collect();
    let targets: Vec<_> =
        README.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect();

    assert!(!targets.is_empty());
    for target in targets {
        match target.strip_prefix('#') {
            Some(place) => assert!(anchors.contains(place), "there is no heading for #{place}"),
            None if target.starts_with("https://") => {}
            None => assert!(root.join(target).exists(), "{target} does not exist"),
        }
    }
}

#[tokio::test]
async fn every_snippet_of_sql_in_the_readme_runs_where_there_are_users() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    for (event_type, id) in [("user.created", "user_1"), ("user.deleted", "user_2")] {
        let body = body("clerk", event_type, id, &json!({})).to_string();
        assert_eq!(service.post(&Signed::new("clerk", body)).await.outcome(), "applied");
    }
    let unreadable = service.post(&Signed::new("clerk", "not JSON")).await;
    assert_eq!(unreadable.outcome(), "quarantined");
    let client = database.client().await;

    let snippets: Vec<_> =
        README.split("\n```sql\n").skip(1).filter_map(|rest| rest.split("\n```").next()).collect();

    assert!(!snippets.is_empty());
    for snippet in snippets {
        let done = client.batch_execute(snippet).await;
        assert!(done.is_ok(), "{snippet}\n{}", done.expect_err("it is not"));
    }
}

#[test]
fn the_readme_has_a_row_for_every_outcome() {
    let (_, outcomes) = section("Answers").split_once("| outcome |").expect("there is a table");
    let described: Vec<_> = outcomes
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(name, _)| name)
        .collect();

    assert_eq!(described, Outcome::ALL.map(Outcome::as_str));
}

#[tokio::test]
async fn the_readme_tells_what_a_refused_request_is_answered_and_why() {
    let database = TestDatabase::new().await;
    let limits = Limits { body: 1024, ..Limits::default() };
    let settings = ServiceSettings { limits, ..ServiceSettings::default() };
    let service = Service::start_with(database.url(), settings).await;
    let signed = Signed::new("clerk", "{}");
    let unnamed = Signed { source: "nobody", ..signed.clone() };
    let now = signed.timestamp;

    let answers = [
        service.post(&unnamed).await,
        service.post(&signed.clone().with_id("")).await,
        service.post(&signed.clone().signed_with(b"another key")).await,
        service.post(&signed.clone().sent_at(now - 1000)).await,
        service.post(&signed.sent_at(now + 1000)).await,
        service.get("/webhooks/clerk").await,
        service.post(&Signed::new("clerk", "x".repeat(1025))).await,
    ];
    service.drain().await.expect("it drains");

    let statuses = answers.each_ref().map(|answer| answer.status);
    assert_eq!(statuses, [404, 400, 401, 401, 401, 405, 413]);
    for answer in &answers {
        assert!(is_told(answer), "{answer:?} is not in the README");
    }
}

/// Whether the table of answers has the status, and the one of troubles the reason of a 401, up to its number.
fn is_told(answer: &Answer) -> bool {
    let status = answer.status.to_string();
    let reason = answer.body["reason"].as_str().filter(|_| answer.status == 401);
    let words = reason.map(|reason| reason.split(|c: char| c.is_ascii_digit()).next());
    let has = |heading, text: &str| section(heading).contains(text);
    has("Answers", &status)
        && words.flatten().is_none_or(|words| has("Trouble", &format!("401 `{words}")))
}
