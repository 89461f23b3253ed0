//! Processes pinned to a core.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail};

use crate::load::{Outcome, Plan};

/// The core that what is measured runs on.
pub(crate) const SERVER_CORE: &str = "0";
/// The core that the load runs on.
pub(crate) const LOAD_CORE: &str = "1";

/// A server that runs until it is dropped.
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Server {
    /// Starts a program on the server's core and waits for its line `listening on http://…`.
    pub(crate) fn start(program: &Path, configure: impl FnOnce(&mut Command)) -> anyhow::Result<Self> {
        let mut command = pinned(SERVER_CORE, program);
        configure(&mut command);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("taskset")?;
        let output = child.stdout.take().context("no output")?;
        let mut lines = BufReader::new(output).lines();
        let address = lines
            .find_map(|line| line.ok()?.strip_prefix("listening on http://")?.parse().ok())
            .with_context(|| format!("{} did not start", program.display()))?;
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { child, address })
    }

    /// Seconds of processor time used so far.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        countersign_cluster::cpu_seconds(self.child.id())
    }

    /// Resident memory in MiB.
    pub(crate) fn resident_mib(&self) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .context("no VmRSS")?;
        let kib: f64 = line.split_whitespace().next().context("no VmRSS")?.parse()?;
        Ok(kib / 1024.0)
    }
}

/// A program bound to a core.
pub(crate) fn pinned(core: &str, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", core]).arg(program);
    command
}

/// A folder on the disk that everything was built on, where nobody takes it for a source.
pub(crate) fn folder() -> anyhow::Result<tempfile::TempDir> {
    let program = std::env::current_exe()?;
    let beside = program.parent().context("a program in no folder")?;
    Ok(tempfile::tempdir_in(beside)?)
}

/// A program built beside this one.
pub(crate) fn sibling(name: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    if path.exists() {
        Ok(path)
    } else {
        bail!("{} is not built; use cargo xtask bench", path.display())
    }
}

/// Runs a load on its core.
pub(crate) fn run_load(plan: &Plan) -> anyhow::Result<Outcome> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), serde_json::to_vec(plan)?)?;
    let output = pinned(LOAD_CORE, &std::env::current_exe()?)
        .arg("load")
        .arg(file.path())
        .output()?;
    if !output.status.success() {
        bail!("the load failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
