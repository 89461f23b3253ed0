//! `bench cluster`: processor time per token and per create, for one node and for two on one PostgreSQL.
//!
//! All nodes share the server's core, so this shows what a second node costs and not what it brings: nodes that cost the
//! same beside each other as alone add up. PostgreSQL runs on both cores, as its processes come.

use anyhow::Context;
use countersign_cluster::{Cluster, Durability};

use crate::countersign_process::{Countersign, MASTER_KEY};
use crate::load::{Outcome, Plan};
use crate::process::{Server, run_load};
use crate::report::{Figure, Reach, publish};
use crate::rounds::median;
use crate::token::{PROFILES, asking};
use crate::write::creating;

const ROUNDS: usize = 5;
const SECONDS: f64 = 3.0;
/// Connections of the load, to all nodes together.
const CONNECTIONS: usize = 32;
/// How long idle nodes are watched.
const IDLE: std::time::Duration = std::time::Duration::from_secs(10);

/// Measures and publishes.
pub(crate) fn bench() -> anyhow::Result<()> {
    let cluster = Cluster::start(Durability::Durable, &[])?;
    let folders = (tempfile::tempdir()?, tempfile::tempdir()?);
    let url = cluster.database()?;
    let settings = [
        ("COUNTERSIGN_DATABASE_URL", url.as_str()),
        ("COUNTERSIGN_MASTER_KEY", MASTER_KEY),
    ];
    let one = Countersign::start(folders.0.path(), &settings)?;
    let two = Countersign::start(folders.1.path(), &settings)?;
    let both = [&one.server, &two.server];
    let mut figures = Vec::new();
    for (algorithm, profile) in PROFILES {
        let asker = one.client(profile, None)?;
        let plan = |server: &Server| asking(server, &asker, 0);
        let [alone, together] = compare(&cluster, both, plan)?;
        figures.push(figure(
            format!("node µs per {algorithm} token"),
            together.node,
            alone.node,
        ));
        figures.push(figure(
            format!("PostgreSQL µs per {algorithm} token"),
            together.database,
            alone.database,
        ));
    }
    let [alone, together] = compare(&cluster, both, |server| creating(server, SECONDS))?;
    figures.push(figure("node µs per create".to_owned(), together.node, alone.node));
    figures.push(figure(
        "PostgreSQL µs per create".to_owned(),
        together.database,
        alone.database,
    ));
    figures.push(idle(&cluster, both)?);
    let how = format!(
        "Processor time, both nodes on one core, the load on the other, {CONNECTIONS} connections in all, {SECONDS} s a \
         round, medians of {ROUNDS} rounds in turns. Ours: two nodes; held against: one."
    );
    publish("cluster", &how, &figures)
}

fn figure(name: String, ours: f64, other: f64) -> Figure {
    Figure {
        name: format!("{name}: two nodes ÷ one"),
        ours,
        other,
        reach: Reach::Open,
    }
}

/// Microseconds of processor time per answer.
#[derive(Clone, Copy)]
struct Cost {
    node: f64,
    database: f64,
}

/// What an answer costs with the load on one node, and with the same load on two.
fn compare(
    cluster: &Cluster,
    nodes: [&Server; 2],
    plan: impl Fn(&Server) -> Plan,
) -> anyhow::Result<[Cost; 2]> {
    let mut rounds = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        rounds[0].push(cost(cluster, &nodes[..1], &plan)?);
        rounds[1].push(cost(cluster, &nodes, &plan)?);
    }
    Ok(rounds.map(|costs| Cost {
        node: median(costs.iter().map(|cost| cost.node).collect()),
        database: median(costs.iter().map(|cost| cost.database).collect()),
    }))
}

fn cost(cluster: &Cluster, nodes: &[&Server], plan: impl Fn(&Server) -> Plan) -> anyhow::Result<Cost> {
    let used = || nodes.iter().map(|node| node.cpu_seconds()).sum::<f64>();
    let (nodes_before, database_before) = (used(), cluster.cpu_seconds()?);
    let loads: Vec<_> = nodes
        .iter()
        .map(|node| {
            let plan = Plan {
                connections: CONNECTIONS / nodes.len(),
                seconds: SECONDS,
                // Two loads share a core.
                sleeps: true,
                ..plan(node)
            };
            std::thread::spawn(move || run_load(&plan))
        })
        .collect();
    let mut answers = 0;
    for load in loads {
        let outcome: Outcome = load.join().ok().context("a load panicked")??;
        answers += outcome.answers;
    }
    let per_answer = 1e6 / answers as f64;
    Ok(Cost {
        node: (used() - nodes_before) * per_answer,
        database: (cluster.cpu_seconds()? - database_before) * per_answer,
    })
}

/// What PostgreSQL spends on nodes that nobody asks anything: the looks at the change feed.
fn idle(cluster: &Cluster, nodes: [&Server; 2]) -> anyhow::Result<Figure> {
    let before = cluster.cpu_seconds()?;
    std::thread::sleep(IDLE);
    let per_second = (cluster.cpu_seconds()? - before) / IDLE.as_secs_f64();
    Ok(Figure {
        name: "PostgreSQL µs per second and idle node ÷ a second".to_owned(),
        ours: per_second * 1e6 / nodes.len() as f64,
        other: 1e6,
        reach: Reach::Open,
    })
}
