//! `countersign completions`: for shells.

use clap::Args;
use clap_complete::Shell;

use super::printing::print_bytes;

/// Print a shell's completions.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  countersign completions bash > ~/.local/share/bash-completion/completions/countersign")]
pub(crate) struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

impl CompletionsArgs {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        // Into memory first: the generator takes a broken pipe for a reason to panic.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::command(), "countersign", &mut script);
        print_bytes(&script)
    }
}
