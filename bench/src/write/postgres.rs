//! Creates on PostgreSQL, beside single-row inserts into a table without anything else, by PostgreSQL's own load tool.

use std::process::Command;

use anyhow::{Context, bail};
use countersign_cluster::{Cluster, Durability};

use super::{CONNECTIONS, SECONDS, creating};
use crate::countersign_process::Countersign;
use crate::load::Plan;
use crate::process::{SERVER_CORE, pinned, run_load};
use crate::report::{Figure, Reach};
use crate::rounds::medians;

/// As many bytes as the rows of one create have together.
const RAW_TABLE: &str =
    "CREATE TABLE raw (ordinal BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body TEXT NOT NULL)";
const RAW_INSERT: &str = "INSERT INTO raw (body) VALUES (repeat('x', 900));\n";

/// Creates over HTTP beside inserts of one row, each a commit, from as many connections to the same server.
pub(super) fn figure() -> anyhow::Result<Figure> {
    let cluster = Cluster::start(Durability::Durable, &[])?;
    let data_dir = tempfile::tempdir()?;
    let countersign = Countersign::start(
        data_dir.path(),
        &[
            ("COUNTERSIGN_DATABASE_URL", &cluster.database()?),
            ("COUNTERSIGN_DATABASE_CONNECTIONS", &CONNECTIONS.to_string()),
            ("COUNTERSIGN_MASTER_KEY", crate::countersign_process::MASTER_KEY),
        ],
    )?;
    let raw = Raw::new(&cluster.database()?)?;
    let rates = medians(&[true, false], |creates| {
        if *creates {
            Ok(run_load(&beside_postgres(&countersign))?.per_second)
        } else {
            raw.per_second()
        }
    })?;
    Ok(Figure {
        name: format!(
            "creates/s over HTTP at {CONNECTIONS} connections ÷ one-row inserts/s at as many, on PostgreSQL"
        ),
        ours: rates[0],
        other: rates[1],
        reach: Reach::AtLeast(0.6),
    })
}

/// A load that sleeps: PostgreSQL works on its core too.
fn beside_postgres(countersign: &Countersign) -> Plan {
    Plan {
        sleeps: true,
        ..creating(&countersign.server, SECONDS)
    }
}

/// pgbench with one statement.
struct Raw {
    url: String,
    script: tempfile::NamedTempFile,
}

impl Raw {
    fn new(url: &str) -> anyhow::Result<Self> {
        let script = tempfile::NamedTempFile::new()?;
        std::fs::write(script.path(), RAW_INSERT)?;
        let made = Command::new(countersign_cluster::program("psql")?)
            .args(["--quiet", "--command", RAW_TABLE, url])
            .status()?;
        if !made.success() {
            bail!("the table could not be made");
        }
        Ok(Self {
            url: url.to_owned(),
            script,
        })
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
        if !output.status.success() {
            bail!("pgbench: {}", String::from_utf8_lossy(&output.stderr));
        }
        let text = String::from_utf8(output.stdout)?;
        let rate = text.lines().find_map(|line| line.strip_prefix("tps = "));
        let rate = rate.and_then(|rest| rest.split_whitespace().next());
        rate.context("pgbench gave no rate")?.parse().context("pgbench")
    }
}
