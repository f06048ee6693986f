//! Who else has a hand in the directory of the embedded server, and what they can see of it.

use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use users_sync::embedded::{self, running};

use super::start;
use crate::harness::{Program, Scratch, settings};

/// A directory of this mode with a link in it to a file that only we may write, and that file.
fn with_a_link(scratch: &Path, mode: u32, name: &str) -> (PathBuf, PathBuf) {
    let (dir, victim) = (scratch.join("data"), scratch.join("victim"));
    DirBuilder::new().create(&dir).expect("it is new");
    fs::set_permissions(&dir, Permissions::from_mode(mode)).expect("it is ours");
    fs::write(&victim, "precious").expect("it can be written");
    symlink(&victim, dir.join(name)).expect("it is new");
    (dir, victim)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").mode() & 0o777
}

#[tokio::test]
async fn a_directory_that_others_can_write_is_refused_and_no_link_is_followed() {
    for mode in [0o777, 0o1777, 0o757] {
        let scratch = Scratch::new().await;
        let (dir, victim) = with_a_link(scratch.path(), mode, "lock");

        let refused = embedded::start(&settings(&dir)).await.expect_err("others can write");

        assert!(refused.to_string().contains("other users can write in"), "{refused}");
        assert!(refused.to_string().contains("USERS_SYNC_DATA_DIR"), "{refused}");
        assert_eq!(fs::read_to_string(&victim).expect("it is there"), "precious");
        assert_eq!(running(&dir), None);
    }
}

#[tokio::test]
async fn a_directory_of_another_user_or_group_is_refused() {
    let scratch = Scratch::new().await;
    let (dir, victim) = with_a_link(scratch.path(), 0o775, "lock");
    if chown(&dir, None, Some(4242)).is_err() {
        // Only root can give a directory away: what others can write stands for it.
        fs::set_permissions(&dir, Permissions::from_mode(0o777)).expect("it is ours");
    }
    let of_another_group = embedded::start(&settings(&dir)).await.expect_err("it is shared");
    let given = chown(&dir, Some(4242), Some(4242)).is_ok();
    let of_another_user = embedded::start(&settings(&dir)).await.expect_err("it is another's");

    assert!(
        of_another_group.to_string().contains("other users can write in"),
        "{of_another_group}"
    );
    let problem = if given { "belongs to user id 4242" } else { "other users can write in" };
    assert!(of_another_user.to_string().contains(problem), "{of_another_user}");
    assert_eq!(fs::read_to_string(&victim).expect("it is there"), "precious");
}

#[tokio::test]
async fn a_link_in_a_directory_of_ours_is_not_followed() {
    for (name, code) in
        [("lock", Some(1)), ("webhook-secrets.env", Some(1)), ("postgres.log", Some(0))]
    {
        let scratch = Scratch::new().await;
        let (dir, victim) = with_a_link(scratch.path(), 0o711, name);
        let dir = dir.to_str().expect("it is text");
        let variables = [("USERS_SYNC_DATA_DIR", dir), ("LISTEN_ADDR", "127.0.0.1:0")];

        let ended = match code {
            Some(0) => Program::run(scratch.path(), &["migrate"], &variables).await,
            _ => Program::run(scratch.path(), &["serve"], &variables).await,
        };

        assert_eq!(ended.code, code, "{name}: {ended:?}");
        assert!(!ended.stderr.contains("precious"), "{ended:?}");
        assert_eq!(fs::read_to_string(&victim).expect("it is there"), "precious");
    }
}

#[tokio::test]
async fn the_directory_and_the_log_are_for_nobody_elses_eyes() {
    let scratch = Scratch::new().await;
    let dir = scratch.path().join("new/data");

    start(&dir).await.stop().await.expect("it stops");
    let log = dir.join("postgres.log");
    fs::set_permissions(&log, Permissions::from_mode(0o644)).expect("as an older version made it");
    start(&dir).await.stop().await.expect("it stops");

    // The server of root runs as another user, who has to pass through.
    let expected = if rustix::process::geteuid().is_root() { 0o711 } else { 0o700 };
    assert_eq!(mode(&dir), expected);
    for file in ["postgres.log", "postgres.log.1", "lock"] {
        assert_eq!(mode(&dir.join(file)), 0o600, "{file}");
    }
    assert_eq!(mode(&dir.join("postgres")), 0o700);
}
