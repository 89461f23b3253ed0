//! What is peculiar to PostgreSQL: lost connections, late commits, nodes that start together, and the schema beside that of
//! SQLite. What every engine does is in `tests/contract`.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod feed;
mod losses;
mod schema;
mod versions;
#[expect(dead_code, reason = "shared with the contract, whose stories need more of it")]
#[path = "../contract/world.rs"]
mod world;

use std::sync::Arc;

use countersign_cluster::{Cluster, Durability, Link, PASSWORD};
use countersign_store::{PostgresOptions, PostgresStore, PostgresUrl};
use world::World;

/// A cluster with a database, and a world in it.
struct Fresh {
    world: World,
    cluster: Cluster,
    url: String,
}

async fn open(url: &str) -> Arc<PostgresStore> {
    let options = PostgresOptions {
        urls: vec![PostgresUrl::parse(url).unwrap()],
        connections: 4,
    };
    Arc::new(PostgresStore::open(&options).await.unwrap())
}

async fn fresh() -> Fresh {
    let cluster = Cluster::start(Durability::Quick, &[]).unwrap();
    let url = cluster.database().unwrap();
    let world = World::new(open(&url).await, Box::new(())).await;
    Fresh { world, cluster, url }
}

impl Fresh {
    fn database(&self) -> &str {
        self.url.rsplit_once('/').unwrap().1
    }

    fn sql(&self, sql: &str) -> String {
        self.cluster.sql(self.database(), sql).unwrap()
    }

    /// A link to the server, and the store behind it.
    async fn behind_a_link(&self) -> (Link, Arc<PostgresStore>) {
        let link = Link::to(self.cluster.port()).unwrap();
        let url = format!(
            "postgres://countersign:{PASSWORD}@127.0.0.1:{}/{}",
            link.port(),
            self.database()
        );
        let store = open(&url).await;
        (link, store)
    }
}
