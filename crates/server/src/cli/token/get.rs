//! `countersign token get`: the client credentials grant.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use crate::cli::calling::{Call, Caller};
use crate::cli::connection::{ProjectArgs, ServerArgs, environment, id};
use crate::cli::env_file::EnvFile;
use crate::cli::exit::Exit;
use crate::cli::printing::{Output, note, print};
use crate::cli::secret_input;

/// Get an access token for a client. Prints the token alone, so that it can be piped.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  countersign token get --from billing.env
  countersign token get --from billing.env --scope read:usage | countersign token verify -
  curl -H \"Authorization: Bearer $(countersign token get --from billing.env)\" $URL/usage

The file is one of `client create --save`. Flags win over it, and it wins over the environment.")]
pub(super) struct GetArgs {
    /// File with COUNTERSIGN_CLIENT_ID, COUNTERSIGN_CLIENT_SECRET and, if it likes, project and URL; - for standard input.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// The client [env: COUNTERSIGN_CLIENT_ID].
    #[arg(long, value_name = "CLIENT_ID", value_parser = id)]
    client: Option<String>,
    /// File with the client's secret, - for standard input [env: COUNTERSIGN_CLIENT_SECRET].
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// A scope to ask for; may be repeated [default: all that the client has].
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ' ')]
    scopes: Vec<String>,
    /// Whom the token is for (RFC 8707); may be repeated [default: the project].
    #[arg(long = "resource", value_name = "URI")]
    resources: Vec<String>,
    /// No line end after the token, and no note.
    #[arg(long)]
    raw: bool,
}

impl GetArgs {
    pub(super) async fn run(
        &self,
        server: &ServerArgs,
        project: &ProjectArgs,
        output: Output,
    ) -> anyhow::Result<()> {
        let file = self
            .from
            .as_deref()
            .map(EnvFile::read)
            .transpose()?
            .unwrap_or_default();
        let project_id = project.id_or(file.get("COUNTERSIGN_PROJECT_ID"))?;
        let server = server.server_or(file.get("COUNTERSIGN_URL"), file.get("COUNTERSIGN_CA_FILE"))?;
        let body = self.body(&file)?;
        let call = Call::post(&["v1", "public", &project_id, "oauth2", "token"]).json(body);
        let answer = server.ask(call, &Caller::Nobody).await?.good()?;
        if output.json {
            return output.as_it_came(&answer);
        }
        let token = answer.text_at("/access_token")?;
        if self.raw {
            return print(token);
        }
        print(&format!("{token}\n"))?;
        if std::io::stderr().is_terminal()
            && let Some(seconds) = answer.value.get("expires_in").and_then(Value::as_i64)
        {
            note(&format!("It is valid for {seconds} seconds."));
        }
        Ok(())
    }

    fn body(&self, file: &EnvFile) -> anyhow::Result<Value> {
        let client_id = self.client.clone();
        let client_id = client_id.or_else(|| file.get("COUNTERSIGN_CLIENT_ID").map(str::to_owned));
        let client_id = client_id.or_else(|| environment("COUNTERSIGN_CLIENT_ID"));
        let client_id = client_id.ok_or_else(|| {
            Exit::Usage.because("name the client: --from FILE, --client, or COUNTERSIGN_CLIENT_ID")
        })?;
        let mut body = Map::new();
        body.insert("grant_type".to_owned(), json!("client_credentials"));
        body.insert("client_id".to_owned(), json!(client_id));
        body.insert(
            "client_secret".to_owned(),
            json!(self.secret(file)?.expose_secret()),
        );
        if !self.scopes.is_empty() {
            body.insert("scope".to_owned(), json!(self.scopes.join(" ")));
        }
        if !self.resources.is_empty() {
            body.insert("resource".to_owned(), json!(self.resources));
        }
        Ok(Value::Object(body))
    }

    fn secret(&self, file: &EnvFile) -> anyhow::Result<SecretString> {
        match (&self.secret_file, file.secret("COUNTERSIGN_CLIENT_SECRET")) {
            (None, Some(secret)) => Ok(secret.clone()),
            (named, _) => secret_input::given(
                named.as_deref(),
                "COUNTERSIGN_CLIENT_SECRET",
                "--from or --secret-file",
            ),
        }
    }
}
