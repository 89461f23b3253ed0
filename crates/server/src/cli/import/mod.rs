//! `countersign import …`: clients that come from elsewhere.

mod foreign;

use clap::Args;

use super::printing::Output;

/// Bring clients here from another service, with their ids, scopes and secrets.
///
/// Calls a running server with an operator's key, a client at a time. What is there already is left alone, so an import that
/// was interrupted is simply run again. Ends with a report of what could not be carried.
#[derive(Debug, Args)]
#[command(after_help = foreign::EXAMPLES)]
pub(super) struct ImportArgs {
    #[command(flatten)]
    foreign: foreign::ForeignArgs,
}

impl ImportArgs {
    pub(super) async fn run(&self, output: Output) -> anyhow::Result<()> {
        self.foreign.run(output).await
    }
}
