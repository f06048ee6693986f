//! `users-sync completions` and the hidden `users-sync man`: made from the arguments themselves.

use std::path::PathBuf;

use clap::{Args, Command};
use clap_complete::Shell;

use super::Failure;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  users-sync completions bash > /etc/bash_completion.d/users-sync\n  users-sync completions zsh > ~/.zfunc/_users-sync"
)]
pub(super) struct Arguments {
    /// The shell that reads the script
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments, mut command: Command) -> Result<(), Failure> {
    clap_complete::generate(arguments.shell, &mut command, "users-sync", &mut std::io::stdout());
    Ok(())
}

/// Writes the manual: one page to stdout, or a page for every command into a directory.
#[derive(Args)]
pub(super) struct Man {
    /// The directory for the pages of all commands
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn man(arguments: &Man, command: Command) -> Result<(), Failure> {
    match &arguments.dir {
        Some(dir) => clap_mangen::generate_to(command, dir).map_err(Failure::of),
        None => clap_mangen::Man::new(command).render(&mut std::io::stdout()).map_err(Failure::of),
    }
}
