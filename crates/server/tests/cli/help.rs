//! What `--help` says, of every command.

use clap::Command;

use crate::support::Deployment;

/// Every command with the words that lead to it.
fn visit(command: &Command, path: &[&str], visitor: &mut impl FnMut(&Command, &[&str])) {
    visitor(command, path);
    for verb in command.get_subcommands() {
        visit(verb, &[path, &[verb.get_name()]].concat(), visitor);
    }
}

#[test]
fn every_commands_help_is_as_it_was_reviewed() {
    let deployment = Deployment::empty();
    visit(&countersign::cli::command(), &[], &mut |_, path| {
        let help = deployment.ok(&[path, &["--help"]].concat());
        // The library ends some lines with spaces; a snapshot had better not.
        let lines: Vec<_> = help.lines().map(str::trim_end).collect();
        let name = [&["countersign"], path].concat().join("_");
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, lines.join("\n"));
        });
    });
}

#[test]
fn every_verb_shows_an_example_that_can_be_pasted() {
    visit(&countersign::cli::command(), &[], &mut |command, path| {
        let after = command
            .get_after_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        // What is longer is wrapped, and a wrapped command is another one.
        assert!(
            after.lines().all(|line| line.chars().count() <= 100),
            "{path:?}\n{after}"
        );
        if command.has_subcommands() {
            return;
        }
        let call = format!("countersign {}", path.join(" "));
        assert!(
            after.contains(&call),
            "{path:?} has no example with {call:?}\n{after}"
        );
    });
}

#[test]
fn no_option_takes_a_secret() {
    const HARMLESS: &[&str] = &[
        "token-profile",
        "secret-id",
        // An address, an id that every request shows, and a way of writing.
        "token-url",
        "access-key-id",
        "key-encoding",
    ];
    visit(&countersign::cli::command(), &[], &mut |command, path| {
        for argument in command
            .get_arguments()
            .filter(|argument| argument.get_action().takes_values())
        {
            let name = argument.get_id().as_str().replace('_', "-");
            let sounds_secret = ["secret", "key", "token", "password"]
                .iter()
                .any(|word| name.contains(word));
            assert!(
                !sounds_secret || name.ends_with("-file") || HARMLESS.contains(&name.as_str()),
                "{path:?} --{name}"
            );
        }
    });
}
