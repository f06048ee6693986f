//! What is printed for others: schemas for applications, completions, the manual.

use users_sync::db::mirror;

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
async fn every_schema_has_every_mirror_with_its_columns() {
    for form in ["--sql", "--drizzle", "--prisma", "--typescript"] {
        let said = run(&["schema", form], &[]).await;

        for mirror in &mirror::ALL {
            assert!(said.out.contains(mirror.name()), "{form} lacks {}", mirror.name());
            for column in mirror.columns {
                assert!(said.out.contains(column.name), "{form} lacks {}", column.name);
            }
        }
    }
}

#[tokio::test]
async fn the_schemas_of_sql_drizzle_and_typescript_have_the_views() {
    for (form, words) in [
        ("--sql", ["organizations_active o", "memberships_active m", "users_active"]),
        ("--drizzle", ["organizationsActive =", "membershipsActive =", "usersActive ="]),
        ("--typescript", ["OrganizationActive =", "interface MembershipActive", "UserActive ="]),
    ] {
        let said = run(&["schema", form], &[]).await;

        for word in words {
            assert!(said.out.contains(word), "{form} lacks {word}");
        }
    }
}

/// Every command as its words, with its help; users do not call `man` and the guard.
async fn every_help() -> Vec<(Vec<String>, String)> {
    let mut left = vec![Vec::<String>::new()];
    let mut helps = Vec::new();
    while let Some(command) = left.pop() {
        let arguments: Vec<_> = command.iter().map(String::as_str).chain(["--help"]).collect();
        let help = run(&arguments, &[]).await.out;
        let (_, listed) = help.split_once("Commands:\n").unwrap_or_default();
        for line in listed.lines().take_while(|line| !line.is_empty()) {
            // A description that is wrapped goes on in a line that is set in deeper.
            let name = line.strip_prefix("  ").filter(|line| !line.starts_with(' '));
            let name = name.and_then(|line| line.split(' ').next());
            let below = name.filter(|name| *name != "help").map(str::to_owned);
            left.extend(below.map(|name| [&command[..], &[name]].concat()));
        }
        helps.push((command, help));
    }
    helps
}

#[tokio::test]
async fn the_help_of_every_command_has_examples_of_that_command() {
    let helps = every_help().await;

    assert!(helps.len() > 18, "{helps:?}");
    for (command, help) in helps {
        let (_, examples) = help.split_once("\nExamples:\n").unwrap_or_default();
        let example = format!("users-sync {}", command.join(" "));
        assert!(examples.contains(example.trim()), "{command:?}: {help}");
    }
}

#[tokio::test]
async fn every_command_that_prints_a_result_prints_it_as_json_too() {
    // They say nothing, are JSON already, or print what is meant for a file.
    let exempt = [
        "",
        "serve",
        "users",
        "users get",
        "users sync",
        "users create",
        "users delete",
        "send",
        "healthcheck",
        "completions",
        "schema",
    ];

    for (command, help) in every_help().await {
        let command = command.join(" ");
        assert_eq!(help.contains("--json"), !exempt.contains(&&*command), "{command}: {help}");
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
