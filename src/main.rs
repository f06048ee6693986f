use std::process::ExitCode;

use users_sync::embedded;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|command| command == "embedded-guard") {
        return embedded::guard(args);
    }
    ExitCode::FAILURE
}
