//! `countersign recover`: going on when the master key is lost.

use std::io::{IsTerminal, Write};

use anyhow::{Context, bail};
use clap::Args;
use countersign_core::seal::MasterKey;
use countersign_store::{Page, Store};
use secrecy::ExposeSecret;
use serde_json::json;
use zeroize::Zeroizing;

use super::env_file::{NewEnvFile, Reader, lines};
use super::exit::Exit;
use super::offline;
use super::printing::{Output, note, print};
use super::serve::ConfigArgs;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::start::data_dir::DataDir;
use crate::start::database::open_store;
use crate::start::master_key;
use crate::start::recover::{Recovered, abandon_master_key};
use crate::start::refuse_unfinished_import;

/// Projects read at a time.
const PAGE: u32 = 500;

/// Go on without a lost master key. Works offline, and cannot be undone.
///
/// Clients, scopes, metadata and providers stay. What the lost key sealed or guarded is gone: every project gets new signing
/// keys and a new secret, there is a new operator, every client needs a new secret (`client rotate start`, `complete`), and
/// every provider its credentials. Tokens already out are refused. A key that still fits is not abandoned: rotate it.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  countersign recover --abandon-master-key --data-dir /var/lib/countersign

New credentials are shown on a terminal; otherwise they go to a file in the data folder that only
its owner can read.")]
pub(crate) struct RecoverArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Says what is about to happen: the lost master key, and all that it sealed, is given up.
    #[arg(long, required = true)]
    abandon_master_key: bool,
    /// Does not ask.
    #[arg(long)]
    yes: bool,
}

impl RecoverArgs {
    pub(super) async fn run(&self, output: Output) -> anyhow::Result<()> {
        let config = self.config.load()?;
        offline::refuse_unless_there(&config)?;
        let data_dir = DataDir::lock(&config.server.data_dir)?;
        let store = open_store(&config).await?;
        let result = self.recover(&config, &data_dir, store.as_ref(), output).await;
        store.close().await;
        result
    }

    async fn recover(
        &self,
        config: &Config,
        data_dir: &DataDir,
        store: &dyn Store,
        output: Output,
    ) -> anyhow::Result<()> {
        refuse_unfinished_import(store).await?;
        refuse_if_it_fits(config, data_dir, store).await?;
        let given = new_key(config, data_dir)?;
        let projects = count_projects(store).await?;
        if !self.yes {
            confirm(projects)?;
        }
        let now = SystemClock.now();
        let shown = std::io::stdout().is_terminal() && !output.json;
        let name = format!("recovered-{}.env", now.strftime("%Y%m%dT%H%M%SZ"));
        // Made before the secrets are, which else might have no place to go.
        let mut file = NewEnvFile::create(&data_dir.path().join(name))?;
        let recovered = abandon_master_key(store, data_dir.path(), given, now).await?;
        let secrets = as_text(&recovered)?;
        if shown {
            return print(&secrets);
        }
        if let Err(error) = file.write(&secrets) {
            note(&format!(
                "{error:#}; the new credentials follow, because they would be lost"
            ));
            return print(&secrets);
        }
        let path = file.path().display().to_string();
        output.own(&json!({ "projects": projects, "file": path }), || {
            format!("New credentials of projects ({projects}) and of a new operator are in {path}\n")
        })
    }
}

/// A key that fits is not lost.
async fn refuse_if_it_fits(config: &Config, data_dir: &DataDir, store: &dyn Store) -> anyhow::Result<()> {
    let installation = store.installation().await?;
    let installation =
        installation.ok_or_else(|| Exit::NotFound.because("the database holds no installation"))?;
    match master_key::find(config, data_dir.path(), &installation) {
        Ok(_) => Err(Exit::Refused
            .because("the master key fits, so nothing is lost; to change it: countersign master-key rotate")),
        Err(_) => Ok(()),
    }
}

/// The new key, where keys are given from outside; `None` where one is made in the data folder.
fn new_key(config: &Config, data_dir: &DataDir) -> anyhow::Result<Option<MasterKey>> {
    if !master_key::is_given_from_outside(config) {
        return Ok(None);
    }
    master_key::configured(config, data_dir.path())
        .context("the master key is given from outside: put a new one in its place first")
}

async fn count_projects(store: &dyn Store) -> anyhow::Result<usize> {
    let (mut count, mut after) = (0, 0);
    loop {
        let rows = store.project_ids(Page { after, limit: PAGE }).await?;
        let Some(last) = rows.last() else {
            return Ok(count);
        };
        after = last.ordinal;
        count += rows.len();
    }
}

/// Typing a number is no reflex, as `y` is.
fn confirm(projects: usize) -> anyhow::Result<()> {
    if !std::io::stdin().is_terminal() {
        return Err(Exit::Usage.because("this cannot be undone: say --yes, or run it on a terminal"));
    }
    let mut terminal = std::io::stderr();
    write!(
        terminal,
        "This cannot be undone. Projects: {projects}. They and all their clients need new secrets.\n\
         Type the number of projects to go on: "
    )?;
    terminal.flush()?;
    let mut typed = String::new();
    std::io::stdin().read_line(&mut typed)?;
    if typed.trim() != projects.to_string() {
        bail!("that is not {projects}; nothing was changed");
    }
    Ok(())
}

/// A block for each project; the operator's key first, because it makes everything else.
fn as_text(recovered: &Recovered) -> anyhow::Result<Zeroizing<String>> {
    let key = recovered.operator_key.expose_secret();
    let mut text = lines(&[("COUNTERSIGN_OPERATOR_KEY", key)], Reader::Shell)?;
    for (project_id, secret) in &recovered.project_secrets {
        let values = [
            ("COUNTERSIGN_PROJECT_ID", project_id.as_str()),
            ("COUNTERSIGN_PROJECT_SECRET", secret.expose_secret()),
        ];
        text.push('\n');
        text.push_str(&lines(&values, Reader::Shell)?);
    }
    Ok(text)
}
