//! Where commands find the server and their credentials: flags, then the environment. Secrets come from a file, standard
//! input or the environment; an argument would be seen by every process of the machine, and kept in the shell's history.

use std::path::{Path, PathBuf};

use clap::Args;
use secrecy::SecretString;

use super::calling::{Caller, Connected, Server};
use super::exit::Exit;
use super::secret_input;

const DEFAULT_URL: &str = "http://127.0.0.1:4000";

/// Which server.
#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// Where Countersign is [env: COUNTERSIGN_URL] [default: http://127.0.0.1:4000].
    #[arg(long, global = true, value_name = "URL", help_heading = "Connection")]
    pub(crate) url: Option<String>,
}

/// Which project.
#[derive(Debug, Args)]
pub(crate) struct ProjectArgs {
    /// The project [env: COUNTERSIGN_PROJECT_ID].
    #[arg(long, global = true, value_name = "PROJECT_ID", help_heading = "Connection")]
    project: Option<String>,
}

/// A project's credentials.
#[derive(Debug, Args)]
pub(crate) struct ProjectSecretArgs {
    /// File with the project's secret, - for standard input [env: COUNTERSIGN_PROJECT_SECRET].
    #[arg(long, global = true, value_name = "FILE", help_heading = "Connection")]
    project_secret_file: Option<PathBuf>,
}

/// An operator's key.
#[derive(Debug, Args)]
pub(crate) struct OperatorKeyArgs {
    /// File with the operator's key, - for standard input [env: COUNTERSIGN_OPERATOR_KEY].
    #[arg(long, global = true, value_name = "FILE", help_heading = "Connection")]
    operator_key_file: Option<PathBuf>,
}

/// What an operator's command needs.
#[derive(Debug, Args)]
pub(crate) struct OperatorConnection {
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    key: OperatorKeyArgs,
}

impl ServerArgs {
    /// The server to call.
    pub(crate) fn server(&self) -> anyhow::Result<Server> {
        self.server_or(None, None)
    }

    /// The server to call: that of the flag, else the one given, else that of the environment.
    pub(crate) fn server_or(&self, url: Option<&str>, ca_file: Option<&str>) -> anyhow::Result<Server> {
        let set = environment("COUNTERSIGN_URL");
        let url = self.url.as_deref().or(url).or(set.as_deref());
        let ca_set = ca_file
            .map(str::to_owned)
            .or_else(|| environment("COUNTERSIGN_CA_FILE"));
        Server::at(url.unwrap_or(DEFAULT_URL), ca_set.as_deref().map(Path::new))
    }
}

impl ProjectArgs {
    /// Whether a flag names it.
    pub(crate) fn is_given(&self) -> bool {
        self.project.is_some()
    }

    /// The project, if one was named.
    pub(crate) fn find(&self) -> Option<String> {
        self.project
            .clone()
            .or_else(|| environment("COUNTERSIGN_PROJECT_ID"))
    }

    /// The project.
    pub(crate) fn id(&self) -> anyhow::Result<String> {
        self.id_or(None)
    }

    /// The project: that of the flag, else the one given, else that of the environment.
    pub(crate) fn id_or(&self, id: Option<&str>) -> anyhow::Result<String> {
        let named = self.project.clone().or_else(|| id.map(str::to_owned));
        let found = named.or_else(|| environment("COUNTERSIGN_PROJECT_ID"));
        found.ok_or_else(|| Exit::Usage.because("name the project: --project, or COUNTERSIGN_PROJECT_ID"))
    }
}

impl ProjectSecretArgs {
    /// The project's secret.
    pub(crate) fn secret(&self) -> anyhow::Result<SecretString> {
        let file = self.project_secret_file.as_deref();
        secret_input::given(file, "COUNTERSIGN_PROJECT_SECRET", "--project-secret-file")
    }

    /// The project's secret, if there is one.
    pub(crate) fn find(&self) -> anyhow::Result<Option<SecretString>> {
        secret_input::find(self.project_secret_file.as_deref(), "COUNTERSIGN_PROJECT_SECRET")
    }
}

impl OperatorKeyArgs {
    /// Whether a flag names its file.
    pub(crate) fn is_given(&self) -> bool {
        self.operator_key_file.is_some()
    }

    /// The operator as a caller.
    pub(crate) fn caller(&self) -> anyhow::Result<Caller> {
        let file = self.operator_key_file.as_deref();
        secret_input::given(file, "COUNTERSIGN_OPERATOR_KEY", "--operator-key-file").map(Caller::Operator)
    }

    /// The operator's key, if there is one.
    pub(crate) fn find(&self) -> anyhow::Result<Option<SecretString>> {
        secret_input::find(self.operator_key_file.as_deref(), "COUNTERSIGN_OPERATOR_KEY")
    }
}

impl OperatorConnection {
    /// The server, called by the operator.
    pub(crate) fn connect(&self) -> anyhow::Result<Connected> {
        Ok(Connected {
            server: self.server.server()?,
            caller: self.key.caller()?,
        })
    }
}

/// A variable that is set to something.
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// An id that can stand in a path. The empty one would name the list, and dots another folder.
pub(crate) fn id(text: &str) -> Result<String, String> {
    match text {
        "" | "." | ".." => Err("not an id".to_owned()),
        id => Ok(id.to_owned()),
    }
}
