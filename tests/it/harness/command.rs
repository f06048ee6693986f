//! Runs commands that end by themselves, and captures their output.

use std::path::Path;
use std::process::Stdio;

use tokio::io::AsyncWriteExt;

use super::program::{Finished, Program, SECRET};

/// The output of a command, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// Its output as JSON, if it succeeded.
    pub(crate) fn json(&self) -> serde_json::Value {
        assert_eq!(self.code, 0, "{self:?}");
        serde_json::from_str(&self.out).unwrap_or_else(|err| panic!("{err}: {self:?}"))
    }
}

/// Runs a command with these variables and an empty standard input.
pub(crate) async fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Said {
    run_with(arguments, variables, "").await
}

/// As [`run`], with this text on its standard input.
pub(crate) async fn run_with(arguments: &[&str], variables: &[(&str, &str)], input: &str) -> Said {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut command = Program::command(dir, arguments, variables);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    // If the program ended without reading, its status shows the reason.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = child.wait_with_output().await.expect("the program ends");
    let Finished { code, stdout, stderr } = Finished::of(output);
    Said { code: code.expect("no signal ended it"), out: stdout, err: stderr }
}

/// As [`run`], with this database and the secrets of the tests' sources.
pub(crate) async fn users_sync(database_url: &str, arguments: &[&str]) -> Said {
    let variables = [
        ("DATABASE_URL", database_url),
        ("CLERK_WEBHOOK_SECRET", SECRET),
        ("STACK_WEBHOOK_SECRET", SECRET),
    ];
    run(arguments, &variables).await
}
