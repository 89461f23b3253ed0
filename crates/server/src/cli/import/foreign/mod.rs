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

use anyhow::{Context, bail};
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

/// Where clients come from, and how.
#[derive(Debug, Args)]
pub(super) struct ForeignArgs {
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
pub(super) enum Kind {
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
    /// Whether any of what only an import from elsewhere takes was given.
    pub(super) fn is_given(&self) -> bool {
        self.dual_run.is_some()
            || self.dry_run
            || self.report.is_some()
            || self.stytch.are_given()
            || self.server.url.is_some()
            || self.project.is_given()
            || self.operator_key.is_given()
    }

    pub(super) async fn run(&self, from: Kind, files: &[PathBuf], output: Output) -> anyhow::Result<()> {
        self.check_usage(from, files)?;
        let project_id = self.project.id()?;
        let connected = Connected {
            server: self.server.server()?,
            caller: self.operator_key.caller()?,
        };
        let file = self.report.as_deref().map(ReportFile::create).transpose()?;
        let mut carrier = Carrier::new(connected, &project_id, from, self.dry_run)?;
        let carried = self.carry(from, files, &mut carrier).await;
        let report = carrier.report();
        if let Some(file) = file {
            file.write(&report)?;
        }
        report.show(output)?;
        carried?;
        report.judge()
    }

    /// What was carried before it failed is in the report all the same.
    async fn carry(&self, from: Kind, files: &[PathBuf], carrier: &mut Carrier) -> anyhow::Result<()> {
        let entries = match from {
            Kind::Stytch => return self.carry_pages(carrier).await,
            Kind::Hydra => hydra::entries(documents::read(files)?),
            Kind::Keycloak => keycloak::entries(documents::read(files)?, self.dual_run.as_ref())?,
            Kind::Auth0 => auth0::entries(documents::read(files)?)?,
        };
        let total = entries.len();
        if total == 0 {
            // What wrote the file may have failed.
            bail!("there are no clients in these files");
        }
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

    fn check_usage(&self, from: Kind, files: &[PathBuf]) -> anyhow::Result<()> {
        let complaint = match (from, &self.dual_run) {
            (Kind::Stytch, None) => {
                "Stytch tells nobody its clients' secrets. Choose: --dual-run NAME asks it at each client's first login; or \
                 make the clients anew with `countersign client create --id`, and hand out their new secrets"
            }
            (Kind::Stytch, _) if !files.is_empty() => "stytch is asked itself and takes no files",
            (Kind::Hydra | Kind::Auth0, Some(_)) => {
                "--dual-run is for stytch and keycloak: the exports of hydra and auth0 hold what is needed"
            }
            (Kind::Hydra | Kind::Keycloak | Kind::Auth0, _) if files.is_empty() => {
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
