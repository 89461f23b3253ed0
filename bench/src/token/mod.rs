//! `bench token`: tokens per second of one core, beside the raw signing rate and the least server that could issue them.

pub(crate) mod raw;

use std::net::{IpAddr, Ipv4Addr};

use crate::countersign_process::{Asker, Countersign};
use crate::load::{FORM, Outcome, Plan};
use crate::process::{Server, run_load, sibling};
use crate::report::{Figure, Reach, publish};
use crate::rounds::{LATENCY_ROUNDS, LATENCY_SECONDS, medians, medians_of};

const SECONDS: f64 = 1.5;
/// Algorithms, and the token profile that signs with each.
pub(crate) const PROFILES: [(&str, &str); 3] = [
    ("RS256", "standard-rs256"),
    ("ES256", "standard-es256"),
    ("EdDSA", "standard-eddsa"),
];
const CONNECTIONS: [usize; 3] = [1, 16, 64];

/// A secret that a person might have chosen, so that it is kept with Argon2id.
const GUESSABLE: &str = "ardent-Mulberry/Quilt.92";

/// Measures and publishes.
pub(crate) fn bench() -> anyhow::Result<()> {
    let data_dir = tempfile::tempdir()?;
    let countersign = Countersign::start(data_dir.path(), &[])?;
    let least = Server::start(&sibling("least")?, |_| {})?;
    let mut figures = Vec::new();
    for (algorithm, profile) in PROFILES {
        let asker = countersign.client(profile, None)?;
        let least_asker = Asker {
            path: format!("/{algorithm}"),
            body: asker.body.clone(),
        };
        let mut highest = 0.0_f64;
        for connections in CONNECTIONS {
            let rates = medians(&[0, 1, 2], |contender| match contender {
                0 => rate(&countersign.server, &asker, connections),
                1 => rate(&least, &least_asker, connections),
                _ => raw::measure(algorithm),
            })?;
            let [ours, least_rate, raw_rate] = rates[..] else {
                unreachable!("three contenders")
            };
            highest = highest.max(ours);
            let decisive = connections != 1;
            let reach = |bound| {
                if decisive {
                    Reach::AtLeast(bound)
                } else {
                    Reach::Open
                }
            };
            let is_rsa = algorithm == "RS256";
            figures.push(Figure {
                name: format!("{algorithm} tokens/s ÷ raw signatures/s, {connections} connections"),
                ours,
                other: raw_rate,
                reach: if is_rsa { reach(0.90) } else { Reach::Open },
            });
            figures.push(Figure {
                name: format!("{algorithm} tokens/s ÷ least server, {connections} connections"),
                ours,
                other: least_rate,
                reach: if is_rsa { Reach::Open } else { reach(0.85) },
            });
        }
        let latencies = medians_of(LATENCY_ROUNDS, &[0, 1], |contender| {
            let (server, asker) = if *contender == 0 {
                (&countersign.server, &asker)
            } else {
                (&least, &least_asker)
            };
            Ok(run_load(&Plan {
                rate: highest / 2.0,
                seconds: LATENCY_SECONDS,
                ..asking(server, asker, 16)
            })?
            .p99)
        })?;
        figures.push(Figure {
            name: format!("{algorithm} p99 in µs at half of the highest load ÷ least server"),
            ours: latencies[0],
            other: latencies[1],
            reach: Reach::AtMost(1.3),
        });
    }
    figures.push(slow_digest(&countersign)?);
    figures.push(beside_guessing(&countersign)?);
    let how = format!(
        "Load: the generator in `bench/`, one core; server: the other core; keep-alive HTTP/1.1, {SECONDS} s a round, \
         medians of {} rounds in turns; latencies at 16 connections, {LATENCY_ROUNDS} rounds of {LATENCY_SECONDS} s.",
        crate::rounds::ROUNDS
    );
    publish("token", &how, &figures)
}

fn slow_digest(countersign: &Countersign) -> anyhow::Result<Figure> {
    let weak = countersign.client("standard-es256", Some(GUESSABLE))?;
    let generated = countersign.client("standard-es256", None)?;
    // The first login pays for the slow digest.
    run_load(&Plan {
        seconds: 0.1,
        ..asking(&countersign.server, &weak, 1)
    })?;
    let rates = medians(&[&weak, &generated], |asker| rate(&countersign.server, asker, 16))?;
    Ok(Figure {
        name: "ES256 tokens/s, imported weak secret after its first login ÷ generated secret".to_owned(),
        ours: rates[0],
        other: rates[1],
        reach: Reach::AtLeast(0.95),
    })
}

/// 1,000 wrong secrets a second from one address, while another gets tokens. After a minute's share of refusals most of
/// them are answered 429 unseen.
fn beside_guessing(countersign: &Countersign) -> anyhow::Result<Figure> {
    let good = countersign.client("standard-rs256", None)?;
    let wrong = Asker {
        body: good.body.replace("client_secret=csk_", "client_secret=csk_x"),
        ..good.clone()
    };
    let rates = medians(&[true, false], |guessed| {
        let guessing = Plan {
            source: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)),
            rate: 1000.0,
            expect: 0,
            sleeps: true,
            ..asking(&countersign.server, &wrong, 4)
        };
        let guesser = guessed.then(|| std::thread::spawn(move || run_load(&guessing)));
        let good = rate(&countersign.server, &good, 16)?;
        if let Some(guesser) = guesser {
            let _outcome: Outcome = guesser
                .join()
                .map_err(|_| anyhow::anyhow!("the guesser panicked"))??;
        }
        Ok(good)
    })?;
    Ok(Figure {
        name: "RS256 tokens/s beside 1,000 wrong secrets/s from another address, soon told to wait ÷ without"
            .to_owned(),
        ours: rates[0],
        other: rates[1],
        reach: Reach::AtLeast(0.95),
    })
}

fn rate(server: &Server, asker: &Asker, connections: usize) -> anyhow::Result<f64> {
    Ok(run_load(&asking(server, asker, connections))?.per_second)
}

/// Asks for tokens as fast as they are answered.
pub(crate) fn asking(server: &Server, asker: &Asker, connections: usize) -> Plan {
    Plan {
        address: server.address,
        source: IpAddr::V4(Ipv4Addr::LOCALHOST),
        path: asker.path.clone(),
        headers: FORM.to_owned(),
        bodies: vec![asker.body.clone()],
        connections,
        seconds: SECONDS,
        rate: 0.0,
        expect: 200,
        sleeps: false,
    }
}
