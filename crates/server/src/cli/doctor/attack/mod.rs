//! `countersign doctor --attack`: what attackers of gateways try, tried against one's own deployment.
//!
//! Each probe is a call that must come to nothing, made beside one that must succeed: a gateway that refuses everything holds nothing.
//! The probes need something of their own to call with and to call, which [`stage`] makes and takes away again.

mod addresses;
mod admission;
mod browser;
mod framing;
mod paths;
mod recorder;
mod stage;
mod upstream;
mod wire;

use std::net::SocketAddr;

use clap::Args;
use url::Url;

use super::report::{Check, Report, Verdict, fail, ok, warn};
use crate::cli::calling::{Caller, Connected, Server};
use recorder::Recorder;
use stage::Stage;
use wire::Wire;

/// How to attack.
#[derive(Debug, Args)]
pub(super) struct AttackArgs {
    /// Attack the gateway, too: with clients and providers of its own, which it deletes again. Needs the project's secret.
    #[arg(long)]
    pub(super) attack: bool,
    /// Where the gateway is, when it has a port of its own [default: at the server].
    #[arg(long, value_name = "URL", requires = "attack")]
    attack_gateway: Option<Url>,
    /// An address of this machine that the server reaches, for the provider that probes have it call [default: loopback, when the
    /// server is on this machine].
    #[arg(long, value_name = "ADDRESS:PORT", requires = "attack")]
    attack_listen: Option<SocketAddr>,
}

/// With whose rights the stage is made.
pub(super) struct Rights<'a> {
    pub(super) project: &'a Connected,
    /// Without an operator's there are no providers of its own.
    pub(super) operator: Option<&'a Connected>,
}

/// Probes of one kind, and which of them got through.
#[derive(Debug, Default)]
struct Tally {
    tried: usize,
    through: Vec<String>,
}

impl Tally {
    /// Notes a probe.
    fn note(&mut self, name: &str, got_through: bool) {
        self.tried += 1;
        if got_through {
            self.through.push(name.to_owned());
        }
    }

    fn verdict(self) -> Verdict {
        let tried = self.tried;
        match self.through.as_slice() {
            [] => ok(format!("{tried} probes, none got through")),
            through => fail(format!(
                "{} of {tried} probes got through: {}",
                through.len(),
                through.join("; ")
            )),
        }
    }
}

/// Makes the probes and tells what got through. An error when they cannot be made.
pub(super) async fn examine(
    args: &AttackArgs,
    rights: &Rights<'_>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let server = &rights.project.server;
    let Caller::Project { id, .. } = &rights.project.caller else {
        return Ok(());
    };
    let id = id.clone();
    let at = args
        .attack_gateway
        .clone()
        .map_or_else(|| Url::parse(server.url()), Ok)?;
    let wire = Wire::to(&at)?;
    let recorder = recorder(args, rights, server).await?;
    let stage = Stage::set(rights, wire, recorder).await?;
    let done = probe(&stage, &id, report).await;
    // Whatever came of them, nothing stays.
    let cleared = stage.clear(rights).await;
    done.and(cleared)
}

async fn recorder(
    args: &AttackArgs,
    rights: &Rights<'_>,
    server: &Server,
) -> anyhow::Result<Option<Recorder>> {
    let loopback =
        super::surface::is_this_machine(server.url()).then(|| SocketAddr::from(([127, 0, 0, 1], 0)));
    let listen = args.attack_listen.or(loopback);
    match listen.filter(|_| rights.operator.is_some()) {
        Some(listen) => Ok(Some(Recorder::listen(listen).await?)),
        None => Ok(None),
    }
}

async fn probe(stage: &Stage, project_id: &str, report: &mut Report) -> anyhow::Result<()> {
    stage.control().await?;
    let id = Some(project_id);
    report.tell(Check::AttackAdmission, id, told(admission::probe(stage).await));
    report.tell(Check::AttackPaths, id, told(paths::probe(stage).await));
    report.tell(Check::AttackFraming, id, told(framing::probe(stage).await));
    report.tell(Check::AttackBrowser, id, told(browser::probe(stage).await));
    let untried = || {
        Ok(warn(
            "not tried: that takes an operator's key, and --attack-listen for a server elsewhere",
        ))
    };
    let Some(acme) = &stage.provider else {
        report.tell(Check::AttackUpstream, id, untried());
        report.tell(Check::AttackAddresses, id, untried());
        return Ok(());
    };
    report.tell(
        Check::AttackUpstream,
        id,
        told(upstream::probe(stage, acme).await),
    );
    report.tell(
        Check::AttackAddresses,
        id,
        told(addresses::probe(stage, acme).await),
    );
    Ok(())
}

fn told(tally: anyhow::Result<Tally>) -> anyhow::Result<Verdict> {
    tally.map(Tally::verdict)
}
