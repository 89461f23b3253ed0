//! `bench transfer`: a large installation from SQLite to PostgreSQL, with a kill in the middle.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use countersign_cluster::{Cluster, Durability};
use serde_json::Value;

use crate::process::sibling;
use crate::report::{Figure, Reach, publish};
use crate::scale::fill;

const PASSPHRASE: &str = "tundra-violin-harvest-moss";
const MASTER_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
/// What neither command may exceed, however large the installation.
const PEAK_MIB_MAX: f64 = 200.0;
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Measures and publishes.
pub(crate) fn bench(clients: usize) -> anyhow::Result<()> {
    let folder = crate::process::folder()?;
    let data_dir = folder.path().join("source");
    fill(&data_dir, clients)?;
    let file = folder.path().join("move.jsonl");
    let exported = Watched::start(&folder.path().join("exported.json"), |command| {
        command
            .args(["export", "--to"])
            .arg(&file)
            .arg("--data-dir")
            .arg(&data_dir);
    })?
    .until_it_succeeds()?;
    let rows = exported.rows()?;

    let cluster = Cluster::start(Durability::Durable, &[])?;
    let url = cluster.database()?;
    let (_, database) = url.rsplit_once('/').context("no database")?;
    let import = || {
        Watched::start(&folder.path().join("imported.json"), |command| {
            command
                .arg("import")
                .arg(&file)
                .arg("--data-dir")
                .arg(folder.path().join("node"))
                .env("COUNTERSIGN_DATABASE_URL", &url)
                .env("COUNTERSIGN_MASTER_KEY", MASTER_KEY);
        })
    };
    let killed = import()?.killed_when(|| {
        // Until the schema is there, there is nothing to ask.
        let written = cluster
            .sql(database, "SELECT written FROM import")
            .unwrap_or_default();
        written.parse().is_ok_and(|written: f64| written > rows / 2.0)
    })?;
    let imported = import()?.until_it_succeeds()?;
    ensure!(
        exported.said.get("content") == imported.said.get("content"),
        "what arrived is not what left"
    );
    let import_seconds = killed.seconds + imported.seconds;
    let figures = [
        Figure {
            name: format!(
                "rows/s of {rows} exported from SQLite ÷ imported into PostgreSQL, killed halfway and resumed"
            ),
            ours: rows / exported.seconds,
            other: rows / import_seconds,
            reach: Reach::Open,
        },
        Figure {
            name: "seconds of the export ÷ of the import, both its parts".to_owned(),
            ours: exported.seconds,
            other: import_seconds,
            reach: Reach::Open,
        },
        Figure {
            name: format!("peak MiB of the export, {clients} clients ÷ {PEAK_MIB_MAX} MiB"),
            ours: exported.peak_mib,
            other: PEAK_MIB_MAX,
            reach: Reach::AtMost(1.0),
        },
        Figure {
            name: format!("peak MiB of the import, {clients} clients ÷ {PEAK_MIB_MAX} MiB"),
            ours: killed.peak_mib.max(imported.peak_mib),
            other: PEAK_MIB_MAX,
            reach: Reach::AtMost(1.0),
        },
    ];
    let how = "A client has two scopes and an audit event. The import checks the file, writes, and reads everything back; the \
        database is on the same disk and waits for it. The checksums of both sides are equal, or there is no table.";
    publish("transfer", how, &figures)
}

/// A command under way; dropped, it is killed.
struct Watched {
    child: Child,
    out: PathBuf,
    started: Instant,
    peak_mib: f64,
}

/// What came of it.
struct Ran {
    said: Value,
    seconds: f64,
    peak_mib: f64,
}

impl Watched {
    fn start(out: &Path, configure: impl FnOnce(&mut Command)) -> anyhow::Result<Self> {
        let mut command = Command::new(sibling("countersign")?);
        command
            .arg("--json")
            .env("COUNTERSIGN_EXPORT_PASSPHRASE", PASSPHRASE)
            .stdin(Stdio::null())
            .stdout(File::create(out)?);
        configure(&mut command);
        Ok(Self {
            child: command.spawn()?,
            out: out.to_owned(),
            started: Instant::now(),
            peak_mib: 0.0,
        })
    }

    fn until_it_succeeds(mut self) -> anyhow::Result<Ran> {
        loop {
            self.look();
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "the command ended with {status}");
                let said = serde_json::from_slice(&std::fs::read(&self.out)?)?;
                return Ok(self.ran(said));
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn killed_when(mut self, mut now: impl FnMut() -> bool) -> anyhow::Result<Ran> {
        while !now() {
            self.look();
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended with {status} before it could be killed");
            }
            std::thread::sleep(LOOK_EVERY);
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(self.ran(Value::Null))
    }

    /// The most memory it has had so far stays readable until it is gone.
    fn look(&mut self) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        self.peak_mib = self.peak_mib.max(kib.unwrap_or(0.0) / 1024.0);
    }

    fn ran(&self, said: Value) -> Ran {
        Ran {
            said,
            seconds: self.started.elapsed().as_secs_f64(),
            peak_mib: self.peak_mib,
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Ran {
    fn rows(&self) -> anyhow::Result<f64> {
        let rows = self
            .said
            .get("rows")
            .and_then(Value::as_object)
            .context("no rows")?;
        Ok(rows.values().filter_map(Value::as_f64).sum())
    }
}
