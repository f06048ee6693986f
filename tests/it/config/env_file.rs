//! The file `.env`, which users-sync shares with other programs.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use crate::harness::{Finished, Program, SECRET, Scratch, TestDatabase};

/// The program's output with this file: `migrate` needs a database, and there is none.
async fn migrate_with(file: impl AsRef<[u8]>) -> Finished {
    let scratch = Scratch::new().await;
    fs::write(scratch.path().join(".env"), file).expect("it can be written");
    Program::run(scratch.path(), &["migrate"], &[("DATABASE_URL", "mysql://x")]).await
}

/// The status for the token from a service whose `.env` holds this line.
async fn opens(line: &str, token: &str) -> u16 {
    let (scratch, database) = (Scratch::new().await, TestDatabase::new().await);
    let url = database.url();
    let file = format!("NOTE=first\nDATABASE_URL={url}\nCLERK_WEBHOOK_SECRET={SECRET}\n{line}\n");
    fs::write(scratch.path().join(".env"), file).expect("it can be written");
    let program = Program::serve(scratch.path(), &[]).await;
    let asked = reqwest::Client::new().get(format!("http://{}/api/status", program.address));
    let status = asked.bearer_auth(token).send().await.expect("it answers").status().as_u16();
    program.stop().await;
    status
}

const LINES_OF_OTHERS: &str = r#"
APP_NAME=My App
MOTTO=it's
my-key=1
export X=1
not a line of any kind
EMPTY=
UNCLOSED="it goes on
=nothing
KEY="-----BEGIN KEY-----
LOG_FORMAT=inside
-----END KEY-----"
PRICE=$5 and ${MORE
"#;

#[tokio::test]
async fn lines_of_other_programs_are_ignored() {
    let file = format!("{LINES_OF_OTHERS}JOURNAL_BODIES=some\nNAME=caf\u{e9}\n{LINES_OF_OTHERS}");
    let mut latin = file.into_bytes();
    latin.extend(b"CITY=M\xfcnchen\n");

    let refused = migrate_with(latin).await;

    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("  JOURNAL_BODIES: is none of"), "{refused:?}");
    assert_eq!(refused.stderr.lines().count(), 3, "{refused:?}");
}

#[tokio::test]
async fn an_error_about_our_line_names_the_variable_and_never_quotes_it() {
    for (file, problem) in [
        ("ADMIN_TOKEN=\"hunter2", "ADMIN_TOKEN: begins in .env with a quote"),
        ("ADMIN_TOKEN='hunter2' hunter2", "ADMIN_TOKEN: begins in .env with a quote"),
        ("ADMIN_TOKEN hunter2", "ADMIN_TOKEN: has no = after its name"),
        ("ADMIN_TOKEN: hunter2=", "ADMIN_TOKEN: has no = after its name"),
        ("ADMIN_TOKEN=hunter2${HUNTER2}", "ADMIN_TOKEN: refers to another variable"),
        ("HUNTER2=hunter2\nADMIN_TOKEN=hunter2$HUNTER2", "ADMIN_TOKEN: refers to another variable"),
    ] {
        let refused = migrate_with(file).await;

        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.stderr.contains(problem), "{file}: {refused:?}");
        assert!(!refused.stderr.to_lowercase().contains("hunter2"), "{file}: {refused:?}");
    }
    let refused = migrate_with(b"ADMIN_TOKEN=hunter2\xff").await;
    assert!(refused.stderr.contains("ADMIN_TOKEN: is not text in UTF-8"), "{refused:?}");
}

#[tokio::test]
async fn an_unreadable_file_is_named() {
    let utf16 = |mark: &[u8], text: &str| {
        let units = text.encode_utf16().flat_map(u16::to_le_bytes);
        mark.iter().copied().chain(units).collect::<Vec<_>>()
    };
    for file in [utf16(b"\xff\xfe", "A=1\n"), utf16(b"", "A=1\n")] {
        let refused = migrate_with(file).await;
        assert!(refused.stderr.contains("  .env: is written in UTF-16"), "{refused:?}");
    }
    let scratch = Scratch::new().await;
    fs::create_dir(scratch.path().join(".env")).expect("it does not exist yet");

    let refused = Program::run(scratch.path(), &["migrate"], &[]).await;

    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("  .env: is a directory"), "{refused:?}");
}

#[tokio::test]
async fn a_value_is_read_literally_with_or_without_quotes() {
    let token = "to$ken#of=a'neighbour";

    for line in [
        "ADMIN_TOKEN=to$ken#of=a'neighbour",
        "export ADMIN_TOKEN = to$ken#of=a'neighbour # a comment\r",
        "ADMIN_TOKEN=\"to$ken#of=a'neighbour\" # a comment",
        "ADMIN_TOKEN=\"to\\$ken#of=a'neighbour\"",
        "ADMIN_TOKEN=`to$ken#of=a'neighbour`",
        "ADMIN_TOKEN=of an earlier line\nADMIN_TOKEN=to$ken#of=a'neighbour",
    ] {
        assert_eq!(opens(line, token).await, 200, "{line}");
    }
    assert_eq!(opens("ADMIN_TOKEN='a ${DOLLAR} of its own'", "a ${DOLLAR} of its own").await, 200);
}

#[tokio::test]
async fn a_byte_order_mark_is_not_part_of_the_first_name() {
    let refused = migrate_with("\u{feff}JOURNAL_BODIES=some\r\n").await;

    assert!(refused.stderr.contains("  JOURNAL_BODIES: is none of"), "{refused:?}");
}

#[tokio::test]
async fn a_file_cannot_choose_programs_that_users_sync_runs() {
    let scratch = Scratch::new().await;
    let bin = scratch.path().join("bin");
    fs::create_dir(&bin).expect("it does not exist yet");
    let run = scratch.path().join("it-ran");
    for name in ["initdb", "postgres", "npm", "node"] {
        let script = format!("#!/bin/sh\ntouch '{}'\n", run.display());
        fs::write(bin.join(name), script).expect("it can be written");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(bin.join(name), mode).expect("the test owns it");
    }
    let (data_dir, bin) = (scratch.path().join("data"), bin.display());
    let data_dir = data_dir.to_str().expect("it is text");
    let file = format!("PATH={bin}\nHOME={bin}\nPG_BIN_DIR={bin}\n");
    fs::write(scratch.path().join(".env"), file).expect("it can be written");

    let mut command = Program::command(scratch.path(), &["migrate", "--data-dir", data_dir], &[]);
    let refused = Finished::of(command.env_remove("PG_BIN_DIR").output().await.expect("it runs"));
    fs::write(scratch.path().join(".env"), format!("PATH={bin}\nHOME={bin}\n")).expect("it can be");
    let passed_over = command.output().await.expect("it runs");
    fs::write(scratch.path().join(".env"), "USERS_SYNC_DATA_DIR=elsewhere\n").expect("it can be");
    let elsewhere = Program::run(scratch.path(), &["migrate"], &[("HOME", data_dir)]).await;

    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("  PG_BIN_DIR: is set in .env"), "{refused:?}");
    assert!(passed_over.status.success(), "{passed_over:?}");
    assert!(elsewhere.stderr.contains("  USERS_SYNC_DATA_DIR: is set in .env"), "{elsewhere:?}");
    assert!(!run.exists());
    let beside_another_database = migrate_with("USERS_SYNC_DATA_DIR=x\nPG_BIN_DIR=x\n").await;
    assert!(!beside_another_database.stderr.contains(".env"), "{beside_another_database:?}");
}

#[tokio::test]
async fn a_variable_that_is_not_text_is_an_error() {
    let scratch = Scratch::new().await;
    let mut command = Program::command(scratch.path(), &["migrate"], &[("HOME", "/nowhere")]);
    command.env("DATABASE_URL", OsStr::from_bytes(b"postgres://app:\xff@db.example.com/app"));
    command.env("HOME", OsStr::from_bytes(b"/home/\xff"));

    let refused = Finished::of(command.output().await.expect("the program starts"));

    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("  DATABASE_URL: is not text in UTF-8"), "{refused:?}");
    assert_eq!(refused.stderr.lines().count(), 2, "{refused:?}");
}

#[tokio::test]
async fn an_unreadable_secret_is_one_mistake() {
    let scratch = Scratch::new().await;
    let file = format!("CLERK_WEBHOOK_SECRET=\"{SECRET}\"x\n");
    fs::write(scratch.path().join(".env"), file).expect("it can be written");

    let url = [("DATABASE_URL", "postgres://nowhere.invalid/x")];
    let refused = Program::run(scratch.path(), &["serve"], &url).await;

    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("  CLERK_WEBHOOK_SECRET: begins in .env"), "{refused:?}");
    assert!(!refused.stderr.contains("no webhook secret is set"), "{refused:?}");
}
