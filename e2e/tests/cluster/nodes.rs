//! Nodes behind a load balancer are lost and replaced under load: a lost one takes no call with it but those it had and that
//! must not be repeated, and one that is replaced takes none.

use std::time::{Duration, Instant};

use anyhow::ensure;
use countersign_cluster::{Cluster, Durability};
use countersign_e2e::proxy::Flight;
use countersign_e2e::{Proxy, Server};

use super::load::Load;
use super::{new_database, node};

/// Rounds of `cargo xtask e2e --full`.
const ROUNDS: usize = 10;
/// How long the load goes on before, between and after what happens.
const LOADED_FOR: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_node_takes_only_what_it_had_and_must_not_be_repeated() -> anyhow::Result<()> {
    let cluster = Cluster::start(Durability::Quick, &[])?;
    for round in 0..rounds() {
        println!("round {round}: {}", kill_one(&cluster).await?);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_while_all_nodes_are_replaced() -> anyhow::Result<()> {
    let cluster = Cluster::start(Durability::Quick, &[])?;
    for round in 0..rounds() {
        println!("round {round}: {}", replace_both(&cluster).await?);
    }
    Ok(())
}

fn rounds() -> usize {
    let full = std::env::var_os("COUNTERSIGN_E2E_FULL").is_some();
    if full { ROUNDS } else { 1 }
}

async fn kill_one(cluster: &Cluster) -> anyhow::Result<String> {
    let database = new_database(cluster)?;
    let start = || node("nodes", cluster.port(), &database);
    let (mut one, two) = tokio::try_join!(start(), start())?;
    let proxy = Proxy::start([one.address(), two.address()]).await?;
    let load = Load::start(&proxy).await?;
    tokio::time::sleep(LOADED_FOR).await;

    let killed = Instant::now();
    one.kill_at_once()?;
    let dead = Instant::now();
    tokio::time::sleep(LOADED_FOR).await;
    one.kept_its_secrets()?;
    let one = start().await?;
    let before = proxy.answered_by(0);
    proxy.replace(0, one.address())?;
    tokio::time::sleep(LOADED_FOR).await;
    let told = load.stop().await?;
    ensure!(proxy.answered_by(0) > before, "the new node answers nothing");

    // What a caller was not answered is a call that the dead node had, begun before it was dead.
    let flights = proxy.flights();
    let at_the_kill = |flight: &&Flight| flight.node == 0 && flight.began <= dead && flight.ended >= killed;
    let in_flight = flights.iter().filter(at_the_kill).count();
    let lost: Vec<_> = flights.iter().filter(|flight| flight.is_lost).collect();
    ensure!(
        lost.iter().all(at_the_kill),
        "lost, and not in flight at the kill: {lost:?}"
    );
    ensure!(
        told.lost.len() == lost.len(),
        "{:?} failed, {lost:?} were lost",
        told.lost
    );
    told.check(&two.backend()).await?;
    let numbers = format!(
        "{}, {} answered with success; at the kill {in_flight} in flight that must not be repeated, {} of them failed",
        counted(&proxy),
        told.answered,
        lost.len()
    );
    stop([one, two]).await?;
    Ok(numbers)
}

async fn replace_both(cluster: &Cluster) -> anyhow::Result<String> {
    let database = new_database(cluster)?;
    let start = || node("nodes", cluster.port(), &database);
    let nodes = tokio::try_join!(start(), start())?;
    let proxy = Proxy::start([nodes.0.address(), nodes.1.address()]).await?;
    let load = Load::start(&proxy).await?;
    let mut replaced = Vec::new();
    for (place, old) in [nodes.0, nodes.1].into_iter().enumerate() {
        tokio::time::sleep(LOADED_FOR).await;
        old.stop().await?;
        let before = proxy.answered_by(place);
        let new = start().await?;
        proxy.replace(place, new.address())?;
        tokio::time::sleep(LOADED_FOR).await;
        ensure!(proxy.answered_by(place) > before, "the new node answers nothing");
        replaced.push(new);
    }
    let told = load.stop().await?;
    ensure!(told.lost.is_empty(), "failed: {:?}", told.lost);
    told.check(&replaced[0].backend()).await?;
    let numbers = format!(
        "{}, {} answered with success, none failed",
        counted(&proxy),
        told.answered
    );
    stop(replaced).await?;
    Ok(numbers)
}

fn counted(proxy: &Proxy) -> String {
    format!(
        "{} requests, {} given to another node",
        proxy.requests(),
        proxy.retried()
    )
}

async fn stop(nodes: impl IntoIterator<Item = Server>) -> anyhow::Result<()> {
    for node in nodes {
        node.stop().await?;
    }
    Ok(())
}
