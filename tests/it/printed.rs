//! What is printed for others: schemas for applications, completions, the manual.

use crate::harness::{Scratch, TestDatabase, run};

const COLUMNS: [&str; 7] =
    ["id", "name", "email", "created_at", "updated_at", "deleted_at", "raw_json"];

#[tokio::test]
async fn every_schema_has_the_columns_of_the_mirror() {
    for form in ["--sql", "--drizzle", "--prisma", "--typescript"] {
        let said = run(&["schema", form], &[]).await;

        assert_eq!(said.code, 0, "{said:?}");
        for column in COLUMNS {
            assert!(said.out.contains(column), "{form} lacks {column}");
        }
    }
}

#[tokio::test]
async fn the_sql_for_an_application_runs_as_it_is_printed() {
    let database = TestDatabase::new().await;
    let said = run(&["schema", "--sql"], &[]).await;
    let role = format!("app_{}", uuid::Uuid::new_v4().simple());
    let client = database.client().await;
    let sql = said.out.replace("to app;", &format!("to {role};"));

    let done = client
        .batch_execute(&format!(
            "begin; create role {role}; set search_path = public; {sql}; rollback"
        ))
        .await;

    assert!(done.is_ok(), "{}", done.expect_err("it is not"));
}

#[tokio::test]
async fn one_form_of_the_schema_has_to_be_chosen() {
    assert_eq!(run(&["schema"], &[]).await.code, 2);
    assert_eq!(run(&["schema", "--sql", "--prisma"], &[]).await.code, 2);
}

#[tokio::test]
async fn completions_know_every_command_but_the_hidden_ones() {
    for shell in ["bash", "zsh", "fish"] {
        let said = run(&["completions", shell], &[]).await;

        assert_eq!(said.code, 0, "{said:?}");
        for command in ["replay", "doctor", "adopt", "purge"] {
            assert!(said.out.contains(command), "{shell} lacks {command}");
        }
    }
}

#[tokio::test]
async fn the_manual_has_a_page_for_every_command() {
    let scratch = Scratch::new().await;
    let dir = scratch.path().to_str().expect("UTF-8");

    let page = run(&["man"], &[]).await;
    let pages = run(&["man", "--dir", dir], &[]).await;

    assert!(page.out.starts_with(".ie") && page.out.contains("users\\-sync"), "{page:?}");
    assert_eq!(pages.code, 0, "{pages:?}");
    assert!(scratch.path().join("users-sync-replay.1").exists());
}

#[tokio::test]
async fn every_command_has_help_with_an_example() {
    let help = run(&["--help"], &[]).await.out;
    let (_, commands) = help.split_once("Commands:\n").expect("it lists commands");
    let (commands, _) = commands.split_once("\n\n").expect("the list ends");
    let names = commands.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names: Vec<_> = names.filter_map(|line| line.split_whitespace().next()).collect();

    assert!(names.contains(&"replay"));
    for name in names.into_iter().filter(|name| !["help", "healthcheck", "users"].contains(name)) {
        let help = run(&[name, "--help"], &[]).await.out;
        assert!(help.contains("Examples:"), "{name} has no example");
    }
}
