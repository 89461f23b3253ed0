//! `countersign doctor`: looks at a live deployment as callers, verifiers and operators see it.

mod certificate;
mod installation;
mod judgement;
mod key_set;
mod report;
mod surface;
mod verifier;

use clap::Args;
use countersign_core::Timestamp;
use jiff::SignedDuration;
use serde_json::Value;

use super::calling::{Caller, Connected};
use super::connection::{OperatorKeyArgs, ProjectArgs, ProjectSecretArgs, ServerArgs};
use super::exit::Exit;
use super::printing::Output;
use crate::clock::{Clock, SystemClock};
use report::{Check, Report, fail};

/// Check a live deployment.
///
/// Without credentials it looks at what anyone sees; with a project, at what verifiers of its tokens see; with an operator's
/// key, at keys, rotations and what lies unused. Changes nothing. Three of its calls bring wrong credentials, on purpose.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  countersign doctor
  countersign doctor --url https://id.example.com --json

Each finding leads to its page, {url}/guide/doctor#{check}. Ends with 0 when nothing failed,
warnings or not; with 1 when something did; with 6 when the server cannot be reached.")]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    project_secret: ProjectSecretArgs,
    #[command(flatten)]
    operator_key: OperatorKeyArgs,
}

impl DoctorArgs {
    pub(super) async fn run(&self, output: Output) -> anyhow::Result<()> {
        let server = self.server.server()?;
        let (project_id, secret) = (self.project.find(), self.project_secret.find()?);
        let operator_key = self.operator_key.find()?;
        let mut report = Report::new(server.url());
        if let Err(error) = surface::examine(&server, project_id.as_deref(), &mut report).await {
            report.add(Check::Reachable, None, fail(format!("{error:#}")));
            report.print(output)?;
            return Err(error);
        }
        if let Some(id) = &project_id {
            verifier::examine(&server, id, &mut report).await;
        }
        if let (Some(id), Some(secret)) = (project_id, secret) {
            let caller = Caller::Project { id, secret };
            surface::project_secret(&server, &caller, &mut report).await;
        }
        if let Some(key) = operator_key {
            let caller = Caller::Operator(key);
            installation::examine(&Connected { server, caller }, SystemClock.now(), &mut report).await;
        }
        report.print(output)?;
        match report.failures() {
            0 => Ok(()),
            1 => Err(Exit::Failed.because("1 check failed")),
            failures => Err(Exit::Failed.because(format!("{failures} checks failed"))),
        }
    }
}

/// The time at `pointer`.
fn time(object: &Value, pointer: &str) -> Option<Timestamp> {
    object.pointer(pointer)?.as_str()?.parse().ok()
}

/// Whole days.
fn days(duration: SignedDuration) -> i64 {
    duration.as_hours() / 24
}
