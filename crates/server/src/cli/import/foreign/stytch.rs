//! Stytch, or whoever speaks its M2M API: the live list of clients, page by page.
//!
//! Nobody is told a secret by it, nor a digest. So clients log in by a dual run.

use std::collections::HashSet;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use countersign_core::client::ClientStatus;
use countersign_core::old_service::OldServiceName;
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

use super::candidate::{Candidate, Entry, Found, NotCarried, OldSecret};
use super::carrying::ask_patiently;
use super::fields::{Fields, WrongType};
use crate::cli::calling::{Call, Caller, Connected, Server};
use crate::cli::connection::environment;
use crate::cli::exit::Exit;
use crate::cli::secret_input;
use crate::dual_run::may_carry_secrets;

/// Clients a page.
const PAGE: u32 = 500;
const LIVE: &str = "https://api.stytch.com";
const TEST: &str = "https://test.stytch.com";

/// Which live API, and whose.
#[derive(Debug, Args)]
#[command(next_help_heading = "Stytch")]
pub(super) struct StytchArgs {
    /// Where the old service is [default: Stytch's host for the kind of the project].
    #[arg(long, value_name = "URL")]
    old_url: Option<String>,
    /// The project there [env: COUNTERSIGN_OLD_PROJECT_ID].
    #[arg(long, value_name = "PROJECT_ID")]
    old_project: Option<String>,
    /// File with its secret, - for standard input [env: COUNTERSIGN_OLD_PROJECT_SECRET].
    #[arg(long, value_name = "FILE")]
    old_secret_file: Option<PathBuf>,
}

/// The pages of the list.
pub(super) struct Pages {
    old: Connected,
    service: OldServiceName,
    next: Next,
    /// Cursors that were followed, or it might never end.
    seen: HashSet<String>,
}

/// Where to go on.
enum Next {
    First,
    At(String),
    Nowhere,
}

impl StytchArgs {
    /// Whether any was given.
    pub(super) fn are_given(&self) -> bool {
        self.old_url.is_some() || self.old_project.is_some() || self.old_secret_file.is_some()
    }

    /// The pages, not read yet.
    pub(super) fn pages(&self, service: OldServiceName) -> anyhow::Result<Pages> {
        let named = self.old_project.clone();
        let id = named.or_else(|| environment("COUNTERSIGN_OLD_PROJECT_ID"));
        let id = id.ok_or_else(|| {
            Exit::Usage.because("name the old project: --old-project, or COUNTERSIGN_OLD_PROJECT_ID")
        })?;
        let usual = if id.starts_with("project-live-") {
            LIVE
        } else {
            TEST
        };
        let url = self.old_url.as_deref().unwrap_or(usual);
        let secret = self.secret()?;
        Ok(Pages {
            old: Connected {
                server: server(url)?,
                caller: Caller::Project { id, secret },
            },
            service,
            next: Next::First,
            seen: HashSet::new(),
        })
    }

    fn secret(&self) -> anyhow::Result<SecretString> {
        let file = self.old_secret_file.as_deref();
        secret_input::given(file, "COUNTERSIGN_OLD_PROJECT_SECRET", "--old-secret-file")
    }
}

/// The old service, trusted by the authorities of the system: COUNTERSIGN_CA_FILE is about the server here.
fn server(url: &str) -> anyhow::Result<Server> {
    if !Url::parse(url).is_ok_and(|url| may_carry_secrets(&url)) {
        return Err(Exit::Usage.because("--old-url: must be https, except on this machine"));
    }
    Server::at(url, None).context("--old-url")
}

impl Pages {
    /// The next clients, and how many there are in all, as far as that is told.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<(Vec<Entry>, usize)>> {
        let cursor = match &self.next {
            Next::First => None,
            Next::At(cursor) => Some(cursor.clone()),
            Next::Nowhere => return Ok(None),
        };
        let call = || {
            let body = json!({ "limit": PAGE, "cursor": cursor });
            Call::post(&["v1", "m2m", "clients", "search"]).json(body)
        };
        let reply = ask_patiently(&self.old, call).await.context("the old service")?;
        let answer = reply.good().context("the old service")?;
        let Some(clients) = answer.value.pointer("/m2m_clients").and_then(Value::as_array) else {
            bail!("the old service's answer lacks m2m_clients");
        };
        let total = answer
            .value
            .pointer("/results_metadata/total")
            .and_then(Value::as_u64);
        let next = answer.value.pointer("/results_metadata/next_cursor");
        self.next = match next.and_then(Value::as_str).filter(|next| !next.is_empty()) {
            None => Next::Nowhere,
            Some(next) if clients.is_empty() || !self.seen.insert(next.to_owned()) => {
                bail!("the old service's list does not come to an end");
            }
            Some(next) => Next::At(next.to_owned()),
        };
        let entries = clients.iter().map(|client| self.entry(client)).collect();
        let total = total.and_then(|total| usize::try_from(total).ok());
        Ok(Some((entries, total.unwrap_or_default())))
    }

    fn entry(&self, client: &Value) -> Entry {
        let id = client
            .get("client_id")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let found = found(client.clone(), &self.service);
        Entry {
            id: id.to_owned(),
            found: found.unwrap_or_else(|wrong| Found::LeftOut(wrong.to_string())),
        }
    }
}

fn found(client: Value, service: &OldServiceName) -> Result<Found, WrongType> {
    let mut fields = Fields::of(client)?;
    let status = fields.text("status")?;
    let Ok(status) = status.parse::<ClientStatus>() else {
        return Ok(Found::LeftOut(
            "its status is neither active nor inactive".to_owned(),
        ));
    };
    let candidate = Candidate {
        client_id: fields.text("client_id")?,
        name: fields.text("client_name")?,
        description: fields.text("client_description")?,
        scopes: fields.texts("scopes")?,
        metadata: fields.object("trusted_metadata")?,
        status,
        secret: OldSecret::KnownTo(service.clone()),
        last_four: Some(fields.text("client_secret_last_four")?),
    };
    let is_rotating = !fields.text("next_client_secret_last_four")?.is_empty();
    let mut not_carried = fields.rest(&[]);
    if is_rotating {
        let reason =
            "a rotation is open there: of the two secrets only that of the first login will work here";
        not_carried.push(NotCarried::new("next_client_secret", reason));
    }
    Ok(Found::Candidate {
        candidate: Box::new(candidate),
        not_carried,
    })
}
