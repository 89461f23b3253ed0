//! Creates on PostgreSQL, beside inserts without anything around them, by PostgreSQL's own load tool.

use std::process::Command;

use anyhow::{Context, bail};
use countersign_cluster::{Cluster, Durability};
use countersign_core::pepper::{PepperId, Peppers};
use countersign_store::{PostgresOptions, PostgresStore, PostgresUrl, Store as _};

use super::{CONNECTIONS, SECONDS, creating};
use crate::countersign_process::{Countersign, MASTER_KEY, project_id};
use crate::load::Plan;
use crate::process::{SERVER_CORE, pinned, run_load};
use crate::report::{Figure, Reach};
use crate::rounds::medians;

/// What a create leaves behind: a client, its scope, the event and the change, in one statement as the store sends it.
const SAME_ROWS: &str = "WITH made AS (
    INSERT INTO client (project_id, client_id, version, name, description, status, metadata, secret_number,
        secret_digest, secret_last_four, secret_created_at, created_at, updated_at)
    VALUES ('project-test-bench', 'm2m-client-test-' || gen_random_uuid(), 1, 'bench', '', 'active', '{}', 1,
        'hmac-sha256.bench.' || repeat('x', 43), 'xxxx', 0, 0, 0) RETURNING ordinal),
scope AS (
    INSERT INTO client_scope (client_ordinal, position, project_id, scope)
    SELECT ordinal, 0, 'project-test-bench', 'read.bench' FROM made),
event AS (
    INSERT INTO audit (id, at, actor_kind, actor_id, action, project_id, object, after, request_id, address)
    VALUES ('event-' || gen_random_uuid(), 0, 'project_secret', 'project-secret-bench', 'client_created',
        'project-test-bench', 'm2m-client-test-' || gen_random_uuid(), repeat('x', 250),
        'request-id-test-' || gen_random_uuid(), '127.0.0.1'))
INSERT INTO change (at, kind, project_id, client_id)
    VALUES (0, 'client', 'project-test-bench', 'm2m-client-test-' || gen_random_uuid());
";
/// The same bytes in one row of a table with one index.
const ONE_ROW: &str = "INSERT INTO raw (body) VALUES (repeat('x', 900));\n";
const RAW_TABLE: &str =
    "CREATE TABLE raw (ordinal BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body TEXT NOT NULL)";

/// Creates over HTTP beside inserts, each a commit, from as many connections to the same server.
pub(super) fn figures() -> anyhow::Result<Vec<Figure>> {
    let cluster = Cluster::start(Durability::Durable, &[])?;
    let data_dir = tempfile::tempdir()?;
    let countersign = Countersign::start(
        data_dir.path(),
        &[
            ("COUNTERSIGN_DATABASE_URL", &cluster.database()?),
            ("COUNTERSIGN_DATABASE_CONNECTIONS", &CONNECTIONS.to_string()),
            ("COUNTERSIGN_MASTER_KEY", MASTER_KEY),
        ],
    )?;
    let same_rows = Inserts::of_the_same_rows(cluster.database()?)?;
    let one_row = Inserts::of_one_row(cluster.database()?)?;
    let rates = medians(
        &[None, Some(&same_rows), Some(&one_row)],
        |inserts| match inserts {
            None => Ok(run_load(&beside_postgres(&countersign))?.per_second),
            Some(inserts) => inserts.per_second(),
        },
    )?;
    let beside = |what: &str, other| Figure {
        name: format!("creates/s over HTTP at {CONNECTIONS} connections ÷ {what} at as many, on PostgreSQL"),
        ours: rates[0],
        other,
        reach: Reach::AtLeast(0.6),
    };
    Ok(vec![
        beside("inserts/s of the same rows", rates[1]),
        beside("inserts/s of one row into one table", rates[2]),
    ])
}

/// A load that sleeps: PostgreSQL works on its core too.
fn beside_postgres(countersign: &Countersign) -> Plan {
    Plan {
        sleeps: true,
        ..creating(&countersign.server, SECONDS)
    }
}

/// pgbench with one statement.
struct Inserts {
    url: String,
    script: tempfile::NamedTempFile,
}

impl Inserts {
    fn of_one_row(url: String) -> anyhow::Result<Self> {
        let made = Command::new(countersign_cluster::program("psql")?)
            .args(["--quiet", "--command", RAW_TABLE, &url])
            .status()?;
        if !made.success() {
            bail!("the table could not be made");
        }
        Self::new(url, ONE_ROW)
    }

    fn of_the_same_rows(url: String) -> anyhow::Result<Self> {
        let options = PostgresOptions {
            urls: vec![PostgresUrl::parse(&url)?],
            connections: 1,
        };
        let runtime = tokio::runtime::Runtime::new()?;
        runtime.block_on(async {
            let store = PostgresStore::open(&options).await?;
            let peppers = Peppers::new(PepperId::from_stored("bench"), &[1; 32]);
            crate::scale::insert_bench_project(&store, &project_id()?, &peppers).await?;
            store.close().await;
            anyhow::Ok(())
        })?;
        Self::new(url, SAME_ROWS)
    }

    fn new(url: String, statement: &str) -> anyhow::Result<Self> {
        let script = tempfile::NamedTempFile::new()?;
        std::fs::write(script.path(), statement)?;
        Ok(Self { url, script })
    }

    fn per_second(&self) -> anyhow::Result<f64> {
        let output = pinned(SERVER_CORE, &countersign_cluster::program("pgbench")?)
            .args(["--no-vacuum", "--protocol", "prepared", "--jobs", "1"])
            .args([
                "--client",
                &CONNECTIONS.to_string(),
                "--time",
                &SECONDS.to_string(),
            ])
            .arg("--file")
            .arg(self.script.path())
            .arg(&self.url)
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() || text.contains("aborted") {
            bail!("pgbench: {text}{}", String::from_utf8_lossy(&output.stderr));
        }
        let rate = text.lines().find_map(|line| line.strip_prefix("tps = "));
        let rate = rate.and_then(|rest| rest.split_whitespace().next());
        rate.context("pgbench gave no rate")?.parse().context("pgbench")
    }
}
