//! What becomes of the server when processes are signalled or killed.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
};

use rustix::process::{Pid, Signal, getpgid, kill_process, test_kill_process};
use users_sync::embedded::running;
use users_sync_embedded::{Embedded, Error, Postmaster};

use super::{READ, TABLE, data, start};
use crate::harness::{Scratch, TestDatabase, connect, eventually, settings};

/// The real program, under a guard like the server's: when the test ends, it is asked to stop.
struct Service {
    guard: Child,
    pid: i32,
}

impl Service {
    /// Starts it and waits until its server is to be found.
    async fn start(data_dir: &Path) -> (Self, String) {
        let program = env!("CARGO_BIN_EXE_users-sync");
        let mut command = Command::new(program);
        command.args(["embedded-guard", "0", "-", "-", program]).current_dir(data_dir);
        command.env_clear().env("USERS_SYNC_DATA_DIR", data_dir).env("LISTEN_ADDR", "127.0.0.1:0");
        command.env("CLERK_WEBHOOK_SECRET", "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw==");
        command.envs(env::vars_os().filter(|(name, _)| name == "PATH" || name == "PG_BIN_DIR"));
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut guard = command.spawn().expect("the program starts");
        let mut pid = String::new();
        let stdout = guard.stdout.take().expect("it is a pipe");
        BufReader::new(stdout).read_line(&mut pid).expect("the guard says a number");
        let mut service = Self { guard, pid: pid.trim().parse().expect("a number") };
        eventually("the service's server runs", async || {
            assert_eq!(service.ended(), None);
            running(data_dir).is_some()
        })
        .await;
        let url = running(data_dir).expect("it runs");
        (service, url)
    }

    fn ended(&mut self) -> Option<ExitStatus> {
        self.guard.try_wait().expect("it is a child")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _status = self.guard.wait();
    }
}

fn kill(pid: i32, signal: Signal) {
    kill_process(number(pid), signal).expect("the process is there");
}

fn is_gone(pid: i32) -> bool {
    test_kill_process(number(pid)).is_err()
}

fn number(pid: i32) -> Pid {
    Pid::from_raw(pid).expect("the number of a process")
}

fn server(data_dir: &Path) -> i32 {
    Postmaster::running(&data(data_dir)).expect("the server runs").pid
}

/// The server's guard is its parent.
fn guard(server: i32) -> i32 {
    let ppid = match fs::read_to_string(format!("/proc/{server}/status")) {
        Ok(status) => {
            let line = status.lines().find_map(|line| line.strip_prefix("PPid:"));
            line.expect("a process has a parent").to_owned()
        }
        Err(_) => {
            let ps = Command::new("ps").args(["-o", "ppid=", "-p", &server.to_string()]).output();
            String::from_utf8(ps.expect("there is /proc or ps").stdout).expect("a number")
        }
    };
    ppid.trim().parse().expect("a number")
}

async fn assert_kept(url: &str) {
    let kept = connect(url).await.query_one(READ, &[]).await.expect("the table was kept");
    assert_eq!(kept.get::<_, i32>(0), 1);
}

#[tokio::test]
async fn a_service_that_is_killed_leaves_its_data_and_no_server() {
    let scratch = Scratch::new().await;
    let (service, url) = Service::start(scratch.path()).await;
    connect(&url).await.batch_execute(TABLE).await.expect("it is empty");
    let server = server(scratch.path());

    kill(service.pid, Signal::KILL);

    eventually("the server is gone", async || is_gone(server)).await;
    assert_eq!(running(scratch.path()), None);
    let (_service, url) = Service::start(scratch.path()).await;
    assert_kept(&url).await;
}

#[tokio::test]
async fn a_service_that_is_asked_to_stop_stops_its_server_first() {
    let scratch = Scratch::new().await;
    let (mut service, _) = Service::start(scratch.path()).await;
    let server = server(scratch.path());

    kill(service.pid, Signal::TERM);

    let mut ended = None;
    eventually("the service ends", async || {
        ended = service.ended();
        ended.is_some()
    })
    .await;
    assert!(ended.is_some_and(|status| status.success()));
    assert!(is_gone(server));
    assert_eq!(Postmaster::recorded(&data(scratch.path())), None);
}

#[tokio::test]
async fn a_server_whose_service_and_guard_were_killed_is_stopped_by_the_next_start() {
    let scratch = Scratch::new().await;
    let (service, url) = Service::start(scratch.path()).await;
    connect(&url).await.batch_execute(TABLE).await.expect("it is empty");
    let orphan = server(scratch.path());

    kill(guard(orphan), Signal::KILL);
    kill(service.pid, Signal::KILL);
    drop(service);
    assert!(!is_gone(orphan));

    let embedded = start(scratch.path()).await;
    assert_ne!(server(scratch.path()), orphan);
    assert_kept(&embedded.url()).await;
    embedded.stop().await.expect("it stops");
}

#[tokio::test]
async fn a_server_whose_guard_was_killed_is_stopped_all_the_same() {
    let scratch = Scratch::new().await;
    let embedded = start(scratch.path()).await;
    let server = server(scratch.path());

    kill(guard(server), Signal::KILL);
    embedded.stop().await.expect("it stops");

    assert_eq!(Postmaster::recorded(&data(scratch.path())), None);
}

#[tokio::test]
async fn a_second_instance_is_refused_with_the_process_that_has_the_directory() {
    let scratch = Scratch::new().await;
    let (service, url) = Service::start(scratch.path()).await;

    let refused = Embedded::start(&settings(scratch.path())).await;

    let Err(err @ Error::InUse { .. }) = refused else { panic!("{refused:?}") };
    assert!(err.to_string().contains(&format!("process {}", service.pid)), "{err}");
    assert_eq!(running(scratch.path()), Some(url.clone()));
    connect(&url).await.query_one("select 1", &[]).await.expect("the first one is unharmed");
    assert!(Embedded::start(&settings(scratch.path())).await.is_err(), "the second refusal");
}

#[tokio::test]
async fn a_ctrl_c_in_the_terminal_reaches_neither_server_nor_guard() {
    let scratch = Scratch::new().await;
    let (service, _) = Service::start(scratch.path()).await;

    let group = |pid| getpgid(Some(number(pid))).expect("it runs");
    let server = server(scratch.path());

    assert_ne!(group(server), group(service.pid));
    assert_ne!(group(guard(server)), group(service.pid));
}

#[tokio::test]
async fn a_pid_file_left_by_a_crash_that_names_another_process_by_now_does_not_stop_a_start() {
    let scratch = Scratch::new().await;
    let embedded = start(scratch.path()).await;
    connect(&embedded.url()).await.batch_execute(TABLE).await.expect("it is empty");
    kill(server(scratch.path()), Signal::KILL);
    embedded.stop().await.expect("its guard has noticed");
    // A process of the same user, which is what makes Postgres refuse.
    let database = TestDatabase::empty().await;
    let other = database.client().await;
    let row = other.query_one("select pg_backend_pid()", &[]).await.expect("it answers");
    let other_pid: i32 = row.get(0);
    let file = data(scratch.path()).join("postmaster.pid");
    let left = fs::read_to_string(&file).expect("a crash leaves it");
    let (_, rest) = left.split_once('\n').expect("it has lines");
    fs::write(&file, format!("{other_pid}\n{rest}")).expect("it can be written");

    let embedded = start(scratch.path()).await;

    assert_kept(&embedded.url()).await;
    embedded.stop().await.expect("it stops");
    other.query_one("select 1", &[]).await.expect("the other process is unharmed");
}
