//! `countersign import --from …`: clients of other services, read from their exports or from their live API.
//!
//! A source says of each of its clients what it is ([`Entry`]): one to carry, with what has no place here, or none to carry,
//! with the reason. [`carrying`] brings the former to a running Countersign, and [`report`] tells of all.

mod auth0;
mod candidate;
mod carrying;
mod documents;
mod fields;
mod hydra;
mod keycloak;
mod report;
mod stytch;

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};
use countersign_core::old_service::OldServiceName;
use serde::Serialize;
use strum::Display;

use crate::cli::calling::Connected;
use crate::cli::connection::{OperatorKeyArgs, ProjectArgs, ServerArgs};
use crate::cli::exit::Exit;
use crate::cli::printing::Output;
use carrying::Carrier;
use report::ReportFile;

pub(super) const EXAMPLES: &str = "\
Examples:
  countersign import --from hydra hydra-clients.jsonl --dry-run
  countersign import --from keycloak payments-realm.json --report left-behind.json
  countersign import --from auth0 clients.json client-grants.json
  countersign import --from stytch --old-project project-live-… --old-secret-file stytch.secret \\
    --dual-run stytch

Exit codes: 0 when every machine client is here now, also if some of its fields have no place here;
1 when one was left out; others as everywhere. How each export is made: /guide/coming-from";

/// Where clients come from, and how.
#[derive(Debug, Args)]
pub(super) struct ForeignArgs {
    /// The other service.
    #[arg(long, value_name = "SERVICE")]
    from: Kind,
    /// Its exports, - for standard input. None with stytch, which is asked itself.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Clients whose secret the other service does not tell log in by a dual run: it is asked at the first login of each. The
    /// name must stand in dual_run.services of the server's configuration. For stytch, and keycloak's masked secrets.
    #[arg(long, value_name = "NAME")]
    dual_run: Option<OldServiceName>,
    /// Say what would become of each client, and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Write the whole report to this new file, as JSON.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    stytch: stytch::StytchArgs,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    operator_key: OperatorKeyArgs,
}

/// The services that clients can come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Display)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
enum Kind {
    /// A live API of Stytch's, paged by search.
    Stytch,
    /// Ory Hydra: rows of its table hydra_client as JSON.
    Hydra,
    /// Keycloak: the export of a realm.
    Keycloak,
    /// Auth0: clients and client grants of its Management API.
    Auth0,
}

impl ForeignArgs {
    pub(super) async fn run(&self, output: Output) -> anyhow::Result<()> {
        self.check_usage()?;
        let project_id = self.project.id()?;
        let connected = Connected {
            server: self.server.server()?,
            caller: self.operator_key.caller()?,
        };
        let file = self.report.as_deref().map(ReportFile::create).transpose()?;
        let mut carrier = Carrier::new(connected, &project_id, self.from, self.dry_run)?;
        let carried = self.carry(&mut carrier).await;
        let report = carrier.report();
        if let Some(file) = file {
            file.write(&report)?;
        }
        report.show(output)?;
        carried?;
        report.judge()
    }

    /// What was carried before it failed is in the report all the same.
    async fn carry(&self, carrier: &mut Carrier) -> anyhow::Result<()> {
        let entries = match self.from {
            Kind::Stytch => return self.carry_pages(carrier).await,
            Kind::Hydra => hydra::entries(documents::read(&self.files)?),
            Kind::Keycloak => keycloak::entries(documents::read(&self.files)?, self.dual_run.as_ref())?,
            Kind::Auth0 => auth0::entries(documents::read(&self.files)?)?,
        };
        let total = entries.len();
        carrier.carry(entries, total).await
    }

    async fn carry_pages(&self, carrier: &mut Carrier) -> anyhow::Result<()> {
        let service = self.dual_run.clone().context("--dual-run")?;
        let mut pages = self.stytch.pages(service)?;
        while let Some((entries, total)) = pages.next().await? {
            carrier.carry(entries, total).await?;
        }
        Ok(())
    }

    fn check_usage(&self) -> anyhow::Result<()> {
        let complaint = match (self.from, &self.dual_run) {
            (Kind::Stytch, None) => {
                "Stytch tells nobody its clients' secrets. Choose: --dual-run NAME asks it at each client's first login; or \
                 make the clients anew with `countersign client create --id`, and hand out their new secrets"
            }
            (Kind::Stytch, _) if !self.files.is_empty() => "stytch is asked itself and takes no files",
            (Kind::Hydra | Kind::Auth0, Some(_)) => {
                "--dual-run is for stytch and keycloak: the exports of hydra and auth0 hold what is needed"
            }
            (Kind::Hydra | Kind::Keycloak | Kind::Auth0, _) if self.files.is_empty() => {
                "name the files of the export"
            }
            (Kind::Hydra | Kind::Keycloak | Kind::Auth0, _) if self.stytch.are_given() => {
                "--old-url, --old-project and --old-secret-file are for stytch"
            }
            _ => return Ok(()),
        };
        Err(Exit::Usage.because(complaint))
    }
}
