//! A large installation moves from SQLite to PostgreSQL: killed in the middle, in little memory, and whole.

mod multiply;

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use countersign_cluster::{Cluster, Durability};
use countersign_e2e::engine::MASTER_KEY;
use countersign_e2e::{Options, Server, leaks, program};
use serde_json::json;
use tempfile::TempDir;

use crate::cluster::{new_database, node};
use multiply::multiply;

const CLIENTS: i64 = 100_000;
const PASSPHRASE: &str = "tundra-violin-harvest-moss";
/// Memory that neither command may exceed, however large the installation.
const PEAK_MIB_MAX: u64 = 200;
/// Longest time for one command, beside other tests.
const TIMEOUT: Duration = Duration::from_secs(300);
/// How often to look at memory, which is there to be looked at only while the command runs.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How often to ask the database how far an import is; each time is a process of its own.
const ASK_EVERY: Duration = Duration::from_millis(200);

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_of_100_000_clients_moves_whole_though_killed_on_the_way() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let large = folder.path().join("large");
    let secret = make_large(&large).await?;
    let file = folder.path().join("move.jsonl");
    let mut export = command("export")?;
    export.arg("--data-dir").arg(&large).arg("--to").arg(&file);
    let exported = Running::start(export, &folder.path().join("exported"))?.until_it_succeeds()?;

    let cluster = Cluster::start(Durability::Quick, &[])?;
    let database = new_database(&cluster)?;
    let import = || -> anyhow::Result<Command> {
        let mut import = command("import")?;
        import
            .arg(&file)
            .arg("--data-dir")
            .arg(folder.path().join("node"))
            .env("COUNTERSIGN_DATABASE_URL", cluster.url(&database))
            .env("COUNTERSIGN_MASTER_KEY", MASTER_KEY);
        Ok(import)
    };
    let killed = Running::start(import()?, &folder.path().join("killed"))?;
    let rows = row_count(&file)?;
    let written = killed.kill_when(|| {
        // Until the schema is there, there is nothing to ask.
        let written = cluster
            .sql(&database, "SELECT written FROM import")
            .unwrap_or_default();
        Ok(written.parse().ok().filter(|written: &u64| *written > rows / 3))
    })?;
    let count = cluster.sql(&database, "SELECT count(*) FROM client")?;
    println!("killed after {written} of {rows} rows, {count} of {CLIENTS} clients");
    ensure!(written < rows, "it was killed too late");
    let imported = Running::start(import()?, &folder.path().join("imported"))?.until_it_succeeds()?;
    ensure!(
        content(&exported.said)? == content(&imported.said)?,
        "{} became {}",
        exported.said,
        imported.said
    );
    println!(
        "peak memory: export {} MiB, import {} MiB",
        exported.peak_mib, imported.peak_mib
    );
    for ran in [&exported, &imported] {
        ensure!(ran.peak_mib < PEAK_MIB_MAX, "it took {} MiB", ran.peak_mib);
    }
    for table in ["client", "usage_secret"] {
        let count = cluster.sql(&database, &format!("SELECT count(*) FROM {table}"))?;
        ensure!(count == CLIENTS.to_string(), "{count} rows in {table}");
    }

    let server = node("transfer", cluster.port(), &database).await?;
    for number in [1, CLIENTS / 2, CLIENTS] {
        let client = format!("client-{number}");
        server.backend().token(&client, &secret).await?.ok()?;
    }
    server
        .backend()
        .create(&json!({ "client_id": "new" }))
        .await?
        .ok()?;
    server.stop().await?;
    let mut search = leaks::Search::default();
    search.for_secret("the passphrase", PASSPHRASE)?;
    search.for_secret("a client's secret", &secret)?;
    leaks::none(&search.files(folder.path())?)
}

/// Makes the installation, and gives the secret of its clients.
async fn make_large(large: &Path) -> anyhow::Result<String> {
    let small = TempDir::new()?;
    let server = Server::start(Options {
        name: "transfer-source",
        data_dir: Some(small.path().to_owned()),
        ..Options::default()
    })
    .await?;
    let backend = server.backend();
    let draft = json!({
        "client_id": "template",
        "client_name": "service",
        "scopes": ["read:a"],
        "trusted_metadata": { "team": "billing", "cost_centre": 4711 },
    });
    let made = backend.create(&draft).await?.ok()?;
    let secret = made["m2m_client"]["client_secret"]
        .as_str()
        .context("no secret")?
        .to_owned();
    // So that there is usage.
    backend.token("template", &secret).await?.ok()?;
    server.stop().await?;
    multiply(small.path(), large, CLIENTS).await?;
    Ok(secret)
}

fn command(verb: &str) -> anyhow::Result<Command> {
    let mut command = program::countersign(&[])?;
    command.arg(verb).env("COUNTERSIGN_EXPORT_PASSPHRASE", PASSPHRASE);
    Ok(command)
}

/// The rows of an export: all its lines but the first and the last two.
fn row_count(file: &Path) -> anyhow::Result<u64> {
    use std::io::BufRead as _;
    let lines = std::io::BufReader::new(File::open(file)?).lines().count();
    Ok(lines.saturating_sub(3) as u64)
}

fn content(said: &str) -> anyhow::Result<&str> {
    let line = said.lines().find(|line| line.starts_with("content sha256:"));
    line.with_context(|| format!("no checksum in {said}"))
}

/// A command under way; dropped, it is killed.
struct Running {
    child: Child,
    out: std::path::PathBuf,
}

struct Ran {
    said: String,
    peak_mib: u64,
}

impl Running {
    fn start(mut command: Command, out: &Path) -> anyhow::Result<Self> {
        let file = File::create(out)?;
        command.stdout(file.try_clone()?).stderr(file);
        Ok(Self {
            child: command.spawn().context("cannot start the command")?,
            out: out.to_owned(),
        })
    }

    /// Waits until it succeeds, and looks at its memory all the while.
    fn until_it_succeeds(mut self) -> anyhow::Result<Ran> {
        let mut peak_mib = 0;
        let status = self.watch(LOOK_EVERY, |child| {
            peak_mib = peak_mib.max(peak(child).unwrap_or(0));
            Ok(None::<()>)
        })?;
        let said = std::fs::read_to_string(&self.out)?;
        match status {
            Ended::ByItself(status) if status.success() => Ok(Ran { said, peak_mib }),
            _ => bail!("it failed: {said}"),
        }
    }

    /// Kills it when `found` finds something.
    fn kill_when(mut self, mut found: impl FnMut() -> anyhow::Result<Option<u64>>) -> anyhow::Result<u64> {
        match self.watch(ASK_EVERY, |_| found())? {
            Ended::Seen(seen) => Ok(seen),
            Ended::ByItself(status) => {
                bail!("it ended with {status}: {}", std::fs::read_to_string(&self.out)?)
            }
        }
    }

    fn watch<T>(
        &mut self,
        pause: Duration,
        mut look: impl FnMut(&Child) -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<Ended<T>> {
        let deadline = Instant::now() + TIMEOUT;
        while Instant::now() < deadline {
            if let Some(seen) = look(&self.child)? {
                self.child.kill()?;
                self.child.wait()?;
                return Ok(Ended::Seen(seen));
            }
            if let Some(status) = self.child.try_wait()? {
                return Ok(Ended::ByItself(status));
            }
            std::thread::sleep(pause);
        }
        bail!("not done after {} seconds", TIMEOUT.as_secs())
    }
}

enum Ended<T> {
    ByItself(ExitStatus),
    Seen(T),
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The most memory it has had so far, in MiB.
fn peak(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib / 1024)
}
