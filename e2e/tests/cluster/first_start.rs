//! Nodes that start together on an empty database make one of everything.

use countersign_cluster::{Cluster, Durability};

use super::{new_database, node};

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_start_together_make_one_project_one_operator_and_one_key() -> anyhow::Result<()> {
    let cluster = Cluster::start(Durability::Quick, &[])?;
    let database = new_database(&cluster)?;
    let port = cluster.port();
    let (one, two, three) = tokio::try_join!(
        node("together", port, &database),
        node("together", port, &database),
        node("together", port, &database),
    )?;
    let count = |table: &str| cluster.sql(&database, &format!("SELECT count(*) FROM {table}"));
    assert_eq!(count("installation")?, "1");
    assert_eq!(count("pepper")?, "1");
    assert_eq!(count("project")?, "1");
    assert_eq!(count("project_secret")?, "1");
    assert_eq!(count("operator")?, "1");
    let doubled =
        "SELECT count(*) FROM (SELECT algorithm FROM signing_key GROUP BY algorithm HAVING count(*) > 1) d";
    assert_eq!(cluster.sql(&database, doubled)?, "0");
    // What one makes, the others serve.
    let made = one.backend().create(&serde_json::json!({})).await?.ok()?;
    let client = &made["m2m_client"];
    let credentials = (client["client_id"].as_str(), client["client_secret"].as_str());
    let (Some(id), Some(secret)) = credentials else {
        anyhow::bail!("no client in {made}")
    };
    for server in [&one, &two, &three] {
        server.backend().token(id, secret).await?.ok()?;
    }
    for server in [one, two, three] {
        server.stop().await?;
    }
    Ok(())
}
