//! A node whose role owns no table: somebody else changes the schema.

use anyhow::ensure;
use countersign_cluster::{Cluster, Durability, PASSWORD};
use countersign_e2e::{Server, program};
use serde_json::json;

use super::{new_database, options, url, url_of};

/// What the guide gives it.
const GRANT: &str =
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO countersign_service";

#[tokio::test(flavor = "multi_thread")]
async fn a_node_serves_with_a_role_that_may_not_change_the_schema() -> anyhow::Result<()> {
    let cluster = Cluster::start(Durability::Quick, &[])?;
    let (port, database) = (cluster.port(), new_database(&cluster)?);
    let mut migrate = program::countersign(&[])?;
    migrate
        .arg("migrate")
        .env("COUNTERSIGN_DATABASE_URL", url(port, &database));
    let migrated = program::run(migrate).await?;
    ensure!(migrated.status.success(), "{migrated:?}");
    let role = format!("CREATE ROLE countersign_service LOGIN PASSWORD '{PASSWORD}'");
    cluster.sql(&database, &role)?;
    cluster.sql(&database, GRANT)?;

    let mut options = options("roles", port, &database);
    options.environment[0].1 = url_of("countersign_service", port, &database);
    options
        .environment
        .push(("COUNTERSIGN_DATABASE_MIGRATE", "false".to_owned()));
    let node = Server::start(options).await?;
    let backend = node.backend();
    let made = backend.create(&json!({ "scopes": ["read:a"] })).await?.ok()?;
    let client = &made["m2m_client"];
    let (id, secret) = (client["client_id"].as_str(), client["client_secret"].as_str());
    let (Some(id), Some(secret)) = (id, secret) else {
        anyhow::bail!("no client in {made}")
    };
    backend.token(id, secret).await?.ok()?;
    backend.start_rotation(id).await?.ok()?;
    backend.complete_rotation(id).await?.ok()?;
    backend.delete(id).await?.ok()?;
    node.stop().await
}
