//! The real program, as a user runs it: arguments, environment, signals and exit code.

use std::env;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

/// The text of the key that every test's sender signs with.
pub(crate) const SECRET: &str = "whsec_dGhlIGtleSBvZiB0aGUgdGVzdHM6IDMyIGJ5dGVzICE=";

/// A running `users-sync`, killed when this is dropped.
pub(crate) struct Program {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// Where it listens, according to its first line.
    pub(crate) address: SocketAddr,
}

impl Program {
    /// The program in `dir`, with only these variables in its environment.
    pub(crate) fn command(dir: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_users-sync"));
        command.args(arguments);
        Self::prepared(command, dir, variables)
    }

    fn prepared(mut command: Command, dir: &Path, variables: &[(&str, &str)]) -> Command {
        command.current_dir(dir).env_clear().envs(variables.iter().copied());
        command.envs(env::vars_os().filter(|(name, _)| name == "PATH" || name == "PG_BIN_DIR"));
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Runs a command to its end.
    pub(crate) async fn run(
        dir: &Path,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Finished {
        let output = Self::command(dir, arguments, variables).output().await;
        Finished::of(output.expect("the program starts"))
    }

    /// Starts the service on a free port and waits until it prints its address.
    pub(crate) async fn serve(dir: &Path, variables: &[(&str, &str)]) -> Self {
        Self::serve_with(dir, &[], variables).await
    }

    /// As [`Program::serve`], with this limit of open files.
    pub(crate) async fn serve_with_files(
        files: usize,
        dir: &Path,
        variables: &[(&str, &str)],
    ) -> Self {
        let mut command = Command::new("sh");
        let script = format!("ulimit -n {files}; exec \"$0\" serve");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_users-sync")]);
        Self::spawn(Self::prepared(command, dir, variables), variables).await
    }

    /// As [`Program::serve`], with these flags.
    pub(crate) async fn serve_with(dir: &Path, flags: &[&str], variables: &[(&str, &str)]) -> Self {
        let command = Self::command(dir, &[&["serve"], flags].concat(), variables);
        Self::spawn(command, variables).await
    }

    async fn spawn(mut command: Command, variables: &[(&str, &str)]) -> Self {
        if !variables.iter().any(|(name, _)| ["LISTEN_ADDR", "PORT"].contains(name)) {
            command.env("LISTEN_ADDR", "127.0.0.1:0");
        }
        Self::started(&mut command).await
    }

    /// Starts a service and waits until it prints its address.
    pub(crate) async fn started(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).await.expect("it is text");
        let address = line.trim().rsplit('/').next().and_then(|address| address.parse().ok());
        let address = address.unwrap_or_else(|| panic!("it did not say where it listens: {line}"));
        Self { child, stdout, address }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("it was not waited for")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        signal_to(&self.child, signal);
    }

    /// Its exit code after it has ended; `None` if a signal ended it.
    pub(crate) async fn ended(&mut self) -> Option<i32> {
        self.child.wait().await.expect("it is our child").code()
    }

    /// Ends it, and returns the rest of its standard output.
    pub(crate) async fn stop(mut self) -> String {
        self.signal(Signal::TERM);
        assert_eq!(self.ended().await, Some(0));
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).await.expect("it is text");
        rest
    }
}

/// Sends a signal to a process whose end was not collected yet.
pub(crate) fn signal_to(child: &Child, signal: Signal) {
    let pid = child.id().expect("it was not waited for").cast_signed();
    let pid = Pid::from_raw(pid).expect("the number of a process");
    kill_process(pid, signal).expect("it is our child");
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("its output is text");
        Self {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}
