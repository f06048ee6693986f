//! Arguments → command → exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    users_sync::cli::main()
}
