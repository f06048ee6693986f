//! The program itself, run as a person runs it.

use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// What a command said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// Its output as JSON, where it succeeded.
    pub(crate) fn json(&self) -> serde_json::Value {
        assert_eq!(self.code, 0, "{self:?}");
        serde_json::from_str(&self.out).unwrap_or_else(|err| panic!("{err}: {self:?}"))
    }
}

/// Runs the program with these arguments and nothing of the test's environment but `PATH`.
pub(crate) async fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Said {
    run_with(arguments, environment, "").await
}

/// As [`run`], with something on its standard input.
pub(crate) async fn run_with(
    arguments: &[&str],
    environment: &[(&str, &str)],
    input: &str,
) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_users-sync"));
    command.args(arguments).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.envs(environment.iter().copied()).current_dir(env!("CARGO_TARGET_TMPDIR"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().expect("the program starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    // Who does not read it has ended: its status tells.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = child.wait_with_output().await.expect("the program ends");
    let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8");
    let code = output.status.code().expect("no signal ended it");
    Said { code, out: text(output.stdout), err: text(output.stderr) }
}

/// As [`run`], with this database and the secrets of the tests' sources.
pub(crate) async fn users_sync(database_url: &str, arguments: &[&str]) -> Said {
    let secret = super::service::secret();
    let environment = [
        ("DATABASE_URL", database_url),
        ("CLERK_WEBHOOK_SECRET", &*secret),
        ("STACK_WEBHOOK_SECRET", &*secret),
    ];
    run(arguments, &environment).await
}
