//! Several nodes on one PostgreSQL.

mod failover;
mod first_start;
mod keys;
mod ledger;
mod load;
mod master_key;
mod nodes;
mod propagation;
mod roles;
mod versions;

use anyhow::Context as _;
use countersign_cluster::{Cluster, Link, PASSWORD};
use countersign_e2e::{Options, Server, engine::MASTER_KEY};

/// A node on a database, reached over the port given.
pub(crate) async fn node(name: &'static str, port: u16, database: &str) -> anyhow::Result<Server> {
    Server::start(options(name, port, database)).await
}

/// What a node is started with.
fn options(name: &'static str, port: u16, database: &str) -> Options {
    Options {
        name,
        environment: vec![
            ("COUNTERSIGN_DATABASE_URL", url(port, database)),
            ("COUNTERSIGN_MASTER_KEY", MASTER_KEY.to_owned()),
            (
                "COUNTERSIGN_LIMITS_REFUSALS_PER_SOURCE_PER_MINUTE",
                "0".to_owned(),
            ),
            // At trace level, what hundreds of refusals a second write is more than the test has to say.
            ("COUNTERSIGN_LOG_LEVEL", "info".to_owned()),
        ],
        ..Options::default()
    }
}

fn url(port: u16, database: &str) -> String {
    url_of("countersign", port, database)
}

fn url_of(role: &str, port: u16, database: &str) -> String {
    format!("postgres://{role}:{PASSWORD}@127.0.0.1:{port}/{database}")
}

/// A new database of the cluster, by name.
pub(crate) fn new_database(cluster: &Cluster) -> anyhow::Result<String> {
    let url = cluster.database()?;
    Ok(url.rsplit_once('/').context("no database")?.1.to_owned())
}

/// Two nodes on a new database: the first reaches it directly, the second over a link.
struct Pair {
    near: Server,
    far: Server,
    link: Link,
    database: String,
}

impl Pair {
    async fn start(cluster: &Cluster) -> anyhow::Result<Self> {
        let database = new_database(cluster)?;
        let link = Link::to(cluster.port())?;
        let near = node("cluster-near", cluster.port(), &database).await?;
        let far = node("cluster-far", link.port(), &database).await?;
        Ok(Self {
            near,
            far,
            link,
            database,
        })
    }

    async fn stop(self) -> anyhow::Result<()> {
        self.near.stop().await?;
        self.far.stop().await
    }
}
