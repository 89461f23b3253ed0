//! Nodes of two versions on one database, side by side under load: the one before and this one, there and back again.

use std::time::{Duration, Instant};

use anyhow::ensure;
use countersign_cluster::{Cluster, Durability};
use countersign_e2e::{Options, Proxy, Server, places};

use super::load::Load;
use super::{new_database, options};

/// Only of `cargo xtask e2e --full`, which builds the version before.
#[tokio::test(flavor = "multi_thread")]
async fn the_version_before_and_this_one_serve_one_database_side_by_side() -> anyhow::Result<()> {
    if std::env::var_os("COUNTERSIGN_E2E_FULL").is_none() {
        return Ok(());
    }
    let previous = places::previous_binary()?;
    let cluster = Cluster::start(Durability::Quick, &[])?;
    let database = new_database(&cluster)?;
    let new = || Server::start(options("version-new", cluster.port(), &database));
    let old = || {
        Server::start(Options {
            binary: Some(previous.clone()),
            ..options("version-old", cluster.port(), &database)
        })
    };
    let schema = || cluster.sql(&database, "SELECT max(version) FROM _sqlx_migrations");

    let (one, two) = tokio::try_join!(old(), old())?;
    let proxy = Proxy::start([one.address(), two.address()]).await?;
    let load = Load::start(&proxy).await?;
    let old_schema = schema()?;
    // There: each takes the place of one that serves, while the other goes on.
    let one = replace(&proxy, 0, one, new).await?;
    assert_ne!(schema()?, old_schema);
    let two = replace(&proxy, 1, two, new).await?;
    // And back again: the schema stays.
    let one = replace(&proxy, 0, one, old).await?;
    let new_schema = schema()?;
    let told = load.stop().await?;
    assert_eq!(told.lost, Vec::<String>::new());
    told.check(&one.backend()).await?;
    told.check(&two.backend()).await?;
    println!(
        "schema {old_schema} to {new_schema}: {} requests, {} answered with success, none failed",
        proxy.requests(),
        told.answered
    );
    one.stop().await?;
    two.stop().await
}

/// Starts a node beside the old one, puts it into its place and stops the old one; both answer calls before the next step.
async fn replace<F: Future<Output = anyhow::Result<Server>>>(
    proxy: &Proxy,
    place: usize,
    old: Server,
    start: impl Fn() -> F,
) -> anyhow::Result<Server> {
    let new = start().await?;
    answer_more(proxy, [0, 1]).await?;
    proxy.replace(place, new.address())?;
    answer_more(proxy, [0, 1]).await?;
    old.stop().await?;
    Ok(new)
}

/// Waits until the nodes in these places have answered a hundred calls more.
async fn answer_more(proxy: &Proxy, places: [usize; 2]) -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(60);
    for place in places {
        let enough = proxy.answered_by(place) + 100;
        while proxy.answered_by(place) < enough {
            ensure!(Instant::now() < deadline, "node {place} answers nobody");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    Ok(())
}
