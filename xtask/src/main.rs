//! The verbs of daily life: `cargo xtask --help` lists them, each has a file of its own.
//!
//! To add one: a file with a `VERB`, and a line in [`VERBS`].

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this program talks to the person who started it"
)]

mod bench;
mod ci;
mod documents;
mod e2e;
mod lint;
mod npm;
mod openapi;
mod previous;
mod processes;
mod product;
mod run;
mod sdk;
mod serve;
mod stages;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

/// One word after `cargo xtask`.
struct Verb {
    name: &'static str,
    /// What may follow the name, for the help text.
    arguments: &'static str,
    about: &'static str,
    run: fn(&[String]) -> anyhow::Result<()>,
}

const VERBS: &[Verb] = &[
    serve::VERB,
    test::VERB,
    e2e::VERB,
    sdk::EXAMPLES,
    lint::VERB,
    documents::VERB,
    openapi::VERB,
    bench::VERB,
    ci::VERB,
];

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let Some(word) = words
        .next()
        .filter(|word| !matches!(word.as_str(), "help" | "-h" | "--help"))
    else {
        print!("{}", help());
        return ExitCode::SUCCESS;
    };
    let Some(verb) = VERBS.iter().find(|verb| verb.name == word) else {
        eprintln!("error: there is no verb {word:?}\n\n{}", help());
        return ExitCode::from(2);
    };
    match (verb.run)(&words.collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn help() -> String {
    let mut text = "Usage: cargo xtask <verb> [arguments]\n\n".to_owned();
    for Verb {
        name,
        arguments,
        about,
        ..
    } in VERBS
    {
        text += &format!("  {:<22} {about}\n", format!("{name} {arguments}"));
    }
    text
}

/// The one flag that a verb knows: whether it was given. Anything else is an error.
fn only_flag(arguments: &[String], flag: &str) -> anyhow::Result<bool> {
    match arguments {
        [] => Ok(false),
        [given] if given == flag => Ok(true),
        _ => anyhow::bail!("this verb takes {flag} or nothing, not {:?}", arguments.join(" ")),
    }
}

/// For verbs that know no argument.
fn no_arguments(arguments: &[String]) -> anyhow::Result<()> {
    anyhow::ensure!(
        arguments.is_empty(),
        "this verb takes no arguments, not {:?}",
        arguments.join(" ")
    );
    Ok(())
}
