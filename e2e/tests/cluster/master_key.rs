//! The master key is rotated under two nodes that go on serving; a node that was not given the new one says so.

use anyhow::{Context as _, ensure};
use countersign_cluster::{Cluster, Durability, PASSWORD};
use countersign_e2e::{Options, Server, engine::MASTER_KEY, identity, program};
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use super::new_database;

const NEXT_KEY: &str = "a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90";
/// Ids of the master keys that anything in the database is sealed with.
const SEALED_WITH: &str = "SELECT string_agg(DISTINCT split_part(sealed, '.', 2), ' ') FROM
    (SELECT check_sealed AS sealed FROM installation UNION ALL SELECT sealed FROM pepper UNION ALL SELECT sealed FROM signing_key) s";

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_hold_the_next_master_key_serve_on_while_it_is_rotated() -> anyhow::Result<()> {
    let cluster = Cluster::start(Durability::Quick, &[])?;
    let database = new_database(&cluster)?;
    let folder = tempfile::tempdir()?;
    let next_file = folder.path().join("next.key");
    std::fs::write(&next_file, NEXT_KEY)?;
    let next = next_file.display().to_string();
    let prepared = node(&cluster, &database, Some(&next)).await?;
    let forgotten = node(&cluster, &database, None).await?;
    let made = prepared.backend().create(&json!({})).await?.ok()?;
    let field = |name: &str| {
        made["m2m_client"][name]
            .as_str()
            .map(str::to_owned)
            .context("no client")
    };
    let (id, secret) = (field("client_id")?, field("client_secret")?);
    for server in [&prepared, &forgotten] {
        server.backend().token(&id, &secret).await?.ok()?;
    }
    let before = cluster.sql(&database, SEALED_WITH)?;

    let mut rotate = program::countersign(&[])?;
    rotate
        .args(["master-key", "rotate", "--new-key-file", &next, "--data-dir"])
        .arg(folder.path())
        .env("COUNTERSIGN_DATABASE_URL", url(&cluster, &database))
        .env("COUNTERSIGN_MASTER_KEY", MASTER_KEY);
    let rotated = program::run(rotate).await?;
    ensure!(
        rotated.status.success(),
        "{}",
        String::from_utf8_lossy(&rotated.stderr)
    );
    let after = cluster.sql(&database, SEALED_WITH)?;
    ensure!(after != before && !after.contains(' '), "{before}, then {after}");

    // The nodes hear of it within a second, and forget what they hold.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    prepared.backend().token(&id, &secret).await?.ok()?;
    ensure!(ask(prepared.request(Method::GET, "/readyz")).await?.0 == 200);
    // What this node makes from now on is sealed with the new key.
    let rotate_key = format!("/admin/v1/projects/{}/keys/rotate", identity::PROJECT_ID);
    for (path, body) in [
        (rotate_key.as_str(), json!({ "algorithm": "ES256" })),
        ("/admin/v1/projects", json!({ "name": "later" })),
    ] {
        let (status, body) = ask(prepared.by_operator(Method::POST, path).json(&body)).await?;
        ensure!(status == 200, "{body}");
    }
    ensure!(
        cluster.sql(&database, SEALED_WITH)? == after,
        "a key of before was used"
    );

    // The other one makes nothing that others could not open, and tells the load balancer.
    let project = json!({ "name": "never" });
    let (status, body) = ask(forgotten
        .by_operator(Method::POST, "/admin/v1/projects")
        .json(&project))
    .await?;
    ensure!(status == 503, "{body}");
    let refused = forgotten.backend().token(&id, &secret).await?;
    ensure!(refused.status == 503, "{}: {}", refused.status, refused.body);
    let (status, body) = ask(forgotten.request(Method::GET, "/readyz")).await?;
    ensure!(status == 503 && body.contains("master key"), "{body}");
    ensure!(cluster.sql(&database, SEALED_WITH)? == after);
    prepared.stop().await?;
    forgotten.stop().await
}

async fn node(cluster: &Cluster, database: &str, next_file: Option<&str>) -> anyhow::Result<Server> {
    let mut environment = vec![
        ("COUNTERSIGN_DATABASE_URL", url(cluster, database)),
        ("COUNTERSIGN_MASTER_KEY", MASTER_KEY.to_owned()),
    ];
    environment.extend(next_file.map(|file| ("COUNTERSIGN_MASTER_KEY_NEXT_FILE", file.to_owned())));
    Server::start(Options {
        name: "cluster-master-key",
        environment,
        ..Options::default()
    })
    .await
}

fn url(cluster: &Cluster, database: &str) -> String {
    format!(
        "postgres://countersign:{PASSWORD}@127.0.0.1:{}/{database}",
        cluster.port()
    )
}

async fn ask(request: RequestBuilder) -> anyhow::Result<(u16, String)> {
    let answer = request.send().await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}
