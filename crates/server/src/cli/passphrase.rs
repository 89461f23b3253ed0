//! The passphrase of an export, on its way in.

use std::path::PathBuf;

use clap::Args;
use secrecy::SecretString;

use super::secret_input;

/// Where the passphrase is.
#[derive(Debug, Args)]
pub(crate) struct PassphraseArgs {
    /// File with the passphrase, - for standard input [env: COUNTERSIGN_EXPORT_PASSPHRASE].
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl PassphraseArgs {
    /// Whether a file with one was named.
    pub(super) fn is_given(&self) -> bool {
        self.passphrase_file.is_some()
    }

    /// The passphrase.
    pub(super) fn read(&self) -> anyhow::Result<SecretString> {
        secret_input::given(
            self.passphrase_file.as_deref(),
            "COUNTERSIGN_EXPORT_PASSPHRASE",
            "--passphrase-file FILE",
        )
    }
}
