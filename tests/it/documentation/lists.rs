//! The tables of the pages list what the program has.

use std::collections::BTreeSet;
use std::process::Command;

use users_sync::db::rights::{self, Object, Right};
use users_sync::http::Limits;
use users_sync::metrics::names;
use users_sync::model::Outcome;

use super::pages::{self, root, rows};
use super::variables;
use crate::harness::{Answer, Service, ServiceSettings, Signed, TestDatabase};

/// The texts between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn the_pages_list_every_variable_and_no_others() {
    let pages = pages::all();
    let rows = pages.iter().filter_map(|page| page.rows("| variable | default |")).flatten();
    let listed: BTreeSet<_> =
        rows.flat_map(|row| quoted(&row[0]).map(str::to_owned).collect::<Vec<_>>()).collect();

    assert_eq!(listed, variables());
}

#[test]
fn the_pages_list_every_right_and_no_others() {
    let row = |right: &Right| {
        let on = match right.object {
            Object::Schema(name) => format!("schema `{name}`"),
            Object::Table(name) => format!("`{name}`"),
            Object::Functions => "functions of `users_sync`".to_owned(),
        };
        vec![on, right.privileges.join(", "), right.purpose.to_owned()]
    };
    let needed: Vec<_> = rights::all().iter().map(row).collect();

    assert_eq!(rows("| on | the role needs |"), needed);
}

#[test]
fn the_pages_list_the_commands_in_the_words_of_the_help() {
    let help = Command::new(env!("CARGO_BIN_EXE_users-sync"))
        .arg("--help")
        .env_remove("COLUMNS")
        .output()
        .expect("the program runs");
    let help = String::from_utf8(help.stdout).expect("the help is text");
    let (_, commands) = help.split_once("Commands:\n").expect("the help lists the commands");
    let (commands, _) = commands.split_once("\n\n").expect("the list ends");
    // The help indents the second line of a long description.
    let commands = commands.replace("\n    ", " ");
    let in_the_help: Vec<_> = commands
        .lines()
        .filter_map(|line| line.trim().split_once(' '))
        .map(|(name, words)| (name, words.split_whitespace().collect::<Vec<_>>().join(" ")))
        .filter(|(name, _)| *name != "help")
        .collect();

    let rows = rows("| command |");
    let listed: Vec<_> =
        rows.iter().map(|row| (row[0].trim_matches('`'), row[1].clone())).collect();

    assert_eq!(listed, in_the_help);
}

#[test]
fn the_pages_list_every_outcome() {
    let rows = rows("| outcome |");
    let listed: Vec<_> = rows.iter().map(|row| row[0].trim_matches('`')).collect();

    assert_eq!(listed, Outcome::ALL.map(Outcome::as_str));
}

#[test]
fn the_pages_name_only_metrics_that_exist() {
    let pages = pages::all();
    let in_backticks = pages.iter().flat_map(|page| quoted(&page.text));
    let named: BTreeSet<_> = in_backticks
        .filter(|name| name.starts_with("users_sync_") && !name.contains(' '))
        .map(|name| name.strip_suffix("_total").unwrap_or(name))
        .collect();

    assert!(!named.is_empty());
    assert!(named.is_subset(&names::ALL.into()), "{named:?}");
}

#[test]
fn the_pages_list_the_modules_in_the_order_of_the_library() {
    let library = std::fs::read_to_string(root().join("src/lib.rs")).expect("it exists");
    let modules = library.lines().filter_map(|line| line.strip_prefix("pub mod "));
    let modules: Vec<_> =
        modules.map(|name| format!("src/{}.rs", name.trim_end_matches(';'))).collect();

    let pages = pages::all();
    let lines = pages.iter().flat_map(|page| page.snippets("text")).flat_map(str::lines);
    let listed: Vec<_> = lines
        .filter(|line| line.starts_with("src/"))
        .filter_map(|line| line.split_whitespace().next())
        .collect();

    assert_eq!(listed, modules);
}

#[tokio::test]
async fn the_pages_list_the_answer_to_each_refused_request() {
    let database = TestDatabase::new().await;
    let limits = Limits { body: 1024, ..Limits::default() };
    let settings = ServiceSettings { limits, ..ServiceSettings::default() };
    let service = Service::start_with(database.url(), settings).await;
    let signed = Signed::new("clerk", "{}");
    let unnamed = Signed { source: "unknown", ..signed.clone() };
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
        assert!(is_listed(answer), "no page lists {answer:?}");
    }
}

/// Whether a page lists the status and, of a 401, the reason up to its number.
fn is_listed(answer: &Answer) -> bool {
    let status = answer.status.to_string();
    let statuses = rows("| request to a webhook endpoint |");
    if !statuses.iter().any(|row| row[1].contains(&status)) {
        return false;
    }
    let reason = answer.body["reason"].as_str().filter(|_| answer.status == 401);
    let words = reason.and_then(|reason| reason.split(|c: char| c.is_ascii_digit()).next());
    let messages = rows("| what you see |");
    words.is_none_or(|words| messages.iter().any(|row| row[0].contains(&format!("401 `{words}"))))
}
