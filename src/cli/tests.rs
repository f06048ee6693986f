//! Tests of the help of every command.

use clap::{Command, CommandFactory};

use super::Cli;

#[test]
fn every_command_and_every_argument_is_described() {
    let mut nameless = Vec::new();
    undescribed(&Cli::command(), "users-sync", &mut nameless);

    assert_eq!(nameless, Vec::<String>::new());
}

fn undescribed(command: &Command, name: &str, nameless: &mut Vec<String>) {
    if command.is_hide_set() {
        return;
    }
    let is_blank = |text: Option<String>| text.is_none_or(|text| text.trim().is_empty());
    if is_blank(command.get_about().map(ToString::to_string)) {
        nameless.push(name.to_owned());
    }
    let arguments = command.get_arguments().filter(|argument| !argument.is_hide_set());
    for argument in arguments.filter(|one| is_blank(one.get_help().map(ToString::to_string))) {
        nameless.push(format!("{name} {}", argument.get_id()));
    }
    for sub in command.get_subcommands() {
        undescribed(sub, &format!("{name} {}", sub.get_name()), nameless);
    }
}
