use std::{env, path::PathBuf, process::ExitCode};

use tokio::signal::unix::{SignalKind, signal};
use users_sync::embedded::{self, Embedded, Settings};

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1);
    if args.next().is_some_and(|command| command == "embedded-guard") {
        return embedded::guard(args);
    }
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("{err}");
            ExitCode::FAILURE
        }
    }
}

/// Holds the place of the service: the embedded server, until a signal comes.
#[tokio::main]
async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    let dir = |name| env::var_os(name).map(PathBuf::from);
    let settings = Settings {
        data_dir: dir("USERS_SYNC_DATA_DIR").ok_or("USERS_SYNC_DATA_DIR is not set")?,
        pg_bin_dir: dir("PG_BIN_DIR"),
        path: env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default(),
        guard: env::current_exe()?,
    };
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let embedded = tokio::select! {
        embedded = Embedded::start(&settings) => embedded?,
        _ = interrupt.recv() => return Ok(()),
        _ = terminate.recv() => return Ok(()),
    };
    tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
    Ok(embedded.stop().await?)
}
