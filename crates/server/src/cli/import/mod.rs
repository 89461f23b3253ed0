//! `countersign import`: what was elsewhere, here. An installation of Countersign from its export, or clients of another
//! service.

mod foreign;
mod native;

use std::path::PathBuf;

use clap::Args;

use super::exit::Exit;
use super::passphrase::PassphraseArgs;
use super::printing::Output;
use super::serve::ConfigArgs;

/// Take in an installation that `export` wrote; or, with --from, clients of another service.
///
/// Without --from it fills an empty database, with no server on it. The file is read from end to end first; nothing is written of
/// one that is damaged or was altered. Interrupted, even by a power failure, run the same command again: it goes on where it
/// stopped, and until then no server starts on the database. It ends by reading everything back and comparing it with the file.
///
/// With --from it brings clients to a running server, with their ids, scopes and secrets, by an operator's key and a client at a
/// time. What is there already is left alone, so an import that was interrupted is simply run again. It ends with a report of
/// what could not be carried.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  countersign import move.jsonl --passphrase-file passphrase --data-dir /var/lib/countersign
  COUNTERSIGN_DATABASE_URL=postgres://… countersign import move.jsonl --passphrase-file passphrase
  countersign import --from hydra hydra-clients.jsonl --dry-run
  countersign import --from keycloak payments-realm.json --report left-behind.json
  countersign import --from auth0 clients.json client-grants.json
  countersign import --from stytch --old-project project-live-… --old-secret-file stytch.secret \\
    --dual-run stytch

Exit codes with --from: 0 when every machine client is here now, also if some of its fields have no
place here; 1 when one was left out; others as everywhere. How each export is made:
/guide/coming-from. How an installation moves: /guide/moving")]
pub(crate) struct ImportArgs {
    /// The export of an installation; or the exports of another service, - for standard input, and none with stytch, which is
    /// asked itself.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The other service.
    #[arg(long, value_name = "SERVICE")]
    from: Option<foreign::Kind>,
    #[command(flatten, next_help_heading = "Without --from")]
    passphrase: PassphraseArgs,
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten, next_help_heading = "With --from")]
    foreign: foreign::ForeignArgs,
}

impl ImportArgs {
    pub(super) async fn run(&self, output: Output) -> anyhow::Result<()> {
        match (self.from, self.files.as_slice()) {
            (Some(_), _) if self.passphrase.is_given() || self.config.is_given() => {
                let complaint =
                    "--from calls a running server, and takes neither a passphrase nor a configuration";
                Err(Exit::Usage.because(complaint))
            }
            (Some(kind), files) => self.foreign.run(kind, files, output).await,
            (None, _) if self.foreign.is_given() => {
                Err(Exit::Usage.because("say by --from from which service clients shall come"))
            }
            (None, [file]) => native::run(file, &self.passphrase, &self.config.load()?, output).await,
            (None, _) => {
                Err(Exit::Usage
                    .because("name the one file that `export` wrote, or by --from another service"))
            }
        }
    }
}
