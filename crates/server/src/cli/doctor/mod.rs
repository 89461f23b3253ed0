//! `countersign doctor`: looks at a live deployment as callers, verifiers and operators see it.

mod attack;
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
use attack::{AttackArgs, Rights};
use report::{Check, Report, fail};

/// Check a live deployment.
///
/// Without credentials it looks at what anyone sees; with a project, at what verifiers of its tokens see; with an operator's
/// key, at keys, rotations and what lies unused. Changes nothing. Three of its calls bring wrong credentials, on purpose.
///
/// With --attack it also tries at the gateway what attackers try, and prints what got through.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  countersign doctor
  countersign doctor --url https://id.example.com --json
  countersign doctor --attack

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
    #[command(flatten)]
    attack: AttackArgs,
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
        let as_caller = |caller| Connected {
            server: server.clone(),
            caller,
        };
        let project = project_id.zip(secret);
        let project = project.map(|(id, secret)| as_caller(Caller::Project { id, secret }));
        let operator = operator_key.map(|key| as_caller(Caller::Operator(key)));
        if let Some(project) = &project {
            surface::project_secret(&server, &project.caller, &mut report).await;
        }
        if let Some(operator) = &operator {
            installation::examine(operator, SystemClock.now(), &mut report).await;
        }
        let attacked = self
            .attack(project.as_ref(), operator.as_ref(), &mut report)
            .await;
        report.print(output)?;
        attacked?;
        match report.failures() {
            0 => Ok(()),
            1 => Err(Exit::Failed.because("1 check failed")),
            failures => Err(Exit::Failed.because(format!("{failures} checks failed"))),
        }
    }
}

impl DoctorArgs {
    async fn attack(
        &self,
        project: Option<&Connected>,
        operator: Option<&Connected>,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        if !self.attack.attack {
            return Ok(());
        }
        let needed = "--attack makes clients of its own: name the project, and give it the project's secret";
        let project = project.ok_or_else(|| Exit::Usage.because(needed))?;
        attack::examine(&self.attack, &Rights { project, operator }, report).await
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
