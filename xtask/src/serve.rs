//! `cargo xtask serve`: the server from this source, on SQLite in `./countersign-data`.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::Context as _;

use crate::{Verb, product};

pub(crate) const VERB: Verb = Verb {
    name: "serve",
    arguments: "[arguments]",
    about: "build and start the server, with the arguments of `countersign serve`",
    run: serve,
};

fn serve(arguments: &[String]) -> anyhow::Result<()> {
    let binary = product::build()?;
    // Replaces this process: signals, the terminal and the exit code are the server's own.
    let error = Command::new(&binary).arg("serve").args(arguments).exec();
    Err(error).with_context(|| format!("cannot start {}", binary.display()))
}
