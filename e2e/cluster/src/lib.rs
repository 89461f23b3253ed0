//! Private PostgreSQL clusters: real servers on free ports, run by a user that is not root, gone when they are dropped.
//!
//! A server refuses to run as root, so a root starts it as `postgres`, the user that Debian's package makes.

mod link;
mod programs;

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tempfile::TempDir;

pub use link::Link;
pub use programs::program;
use programs::{as_server_user, own};

/// The name of the role that owns everything.
const ROLE: &str = "countersign";
/// Its password: a test that looks for leaks can search for it.
pub const PASSWORD: &str = "cluster-password-0123456789";
/// How long a server may take to start.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// Where tests that may share a cluster find it.
pub const SHARED: &str = "COUNTERSIGN_TEST_POSTGRES";

/// Databases made by this process.
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// Whether a commit waits for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// As in production.
    Durable,
    /// For tests that pull no plug.
    Quick,
}

/// A running server with its data folder.
pub struct Cluster {
    folder: TempDir,
    port: u16,
    settings: Vec<String>,
    server: Option<Child>,
}

impl Cluster {
    /// Makes a cluster and starts it, with further settings such as `max_connections=50`.
    pub fn start(durability: Durability, settings: &[&str]) -> anyhow::Result<Self> {
        let folder = folder()?;
        let password_file = folder.path().join("password");
        std::fs::File::create_new(&password_file)?.write_all(PASSWORD.as_bytes())?;
        own(&password_file)?;
        run(as_server_user(&program("initdb")?)
            .arg("--pgdata")
            .arg(folder.path().join("data"))
            .args([
                "--username",
                ROLE,
                "--auth",
                "scram-sha-256",
                "--encoding",
                "UTF8",
                "--locale",
                "C.UTF-8",
            ])
            .args(["--no-sync", "--pwfile"])
            .arg(&password_file))?;
        let mut all = vec!["shared_buffers=64MB".to_owned(), "max_connections=300".to_owned()];
        if durability == Durability::Quick {
            all.extend(["fsync=off", "full_page_writes=off", "synchronous_commit=off"].map(str::to_owned));
        }
        all.extend(settings.iter().map(|setting| (*setting).to_owned()));
        let mut cluster = Self {
            folder,
            port: free_port()?,
            settings: all,
            server: None,
        };
        cluster.run_server()?;
        Ok(cluster)
    }

    /// Makes a standby that follows this server by streaming, and starts it.
    pub fn standby(&self, name: &str) -> anyhow::Result<Self> {
        let folder = folder()?;
        run(as_server_user(&program("pg_basebackup")?)
            .arg("--pgdata")
            .arg(folder.path().join("data"))
            .args([
                "--host",
                "127.0.0.1",
                "--username",
                ROLE,
                "--port",
                &self.port.to_string(),
            ])
            .args([
                "--checkpoint",
                "fast",
                "--wal-method",
                "stream",
                "--write-recovery-conf",
                "--no-sync",
            ])
            .args(["--dbname", &format!("application_name={name}")])
            .env("PGPASSWORD", PASSWORD))?;
        let mut standby = Self {
            folder,
            port: free_port()?,
            settings: self.settings.clone(),
            server: None,
        };
        standby.run_server()?;
        Ok(standby)
    }

    /// The port that it listens on, at 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where a database of it is.
    pub fn url(&self, database: &str) -> String {
        url(self.port, database)
    }

    /// Makes an empty database.
    pub fn database(&self) -> anyhow::Result<String> {
        Ok(self.url(&new_database(self.port)?))
    }

    /// Runs SQL in a database and gives what it prints, bare.
    pub fn sql(&self, database: &str, sql: &str) -> anyhow::Result<String> {
        psql(self.port, database, sql)
    }

    /// Seconds of processor time that the server and its processes have used so far.
    pub fn cpu_seconds(&self) -> anyhow::Result<f64> {
        let server = self.server.as_ref().context("the server does not run")?.id();
        let below = descendants(server)?;
        let below = below.iter().map(|pid| pid.as_raw_nonzero().get().unsigned_abs());
        Ok(std::iter::once(server).chain(below).map(cpu_seconds).sum())
    }

    /// Starts a session that carries out SQL, and gives its process.
    pub fn session(&self, database: &str, sql: &str) -> anyhow::Result<Child> {
        let mut session = client(self.port, database)?;
        session
            .args(["--command", sql])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        session.spawn().context("psql")
    }

    /// Stops the server in the middle of what it does.
    pub fn pause(&self) -> anyhow::Result<()> {
        self.signal_all(rustix::process::Signal::STOP)
    }

    /// Lets it go on.
    pub fn resume(&self) -> anyhow::Result<()> {
        self.signal_all(rustix::process::Signal::CONT)
    }

    fn signal_all(&self, signal: rustix::process::Signal) -> anyhow::Result<()> {
        let server = self.server.as_ref().context("the server does not run")?.id();
        let itself = i32::try_from(server)
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        for pid in itself.into_iter().chain(descendants(server)?) {
            // One that has ended meanwhile needs no signal.
            let _gone = rustix::process::kill_process(pid, signal);
        }
        Ok(())
    }

    /// Ends the server as a power failure would.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        let Some(mut server) = self.server.take() else {
            return Ok(());
        };
        // Its processes notice that their parent is gone, but one at work may still finish what it does.
        for pid in descendants(server.id())? {
            let _gone = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        server.kill()?;
        server.wait()?;
        Ok(())
    }

    /// Starts it again.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.kill()?;
        let _stale = std::fs::remove_file(self.folder.path().join("data/postmaster.pid"));
        self.run_server()
    }

    /// Makes a standby the primary.
    pub fn promote(&self) -> anyhow::Result<()> {
        run(as_server_user(&program("pg_ctl")?)
            .arg("promote")
            .arg("--pgdata")
            .arg(self.folder.path().join("data")))
    }

    fn run_server(&mut self) -> anyhow::Result<()> {
        let mut command = as_server_user(&program("postgres")?);
        command
            .arg("-D")
            .arg(self.folder.path().join("data"))
            .arg("-k")
            .arg(self.folder.path())
            .args(["-p", &self.port.to_string(), "-h", "127.0.0.1"]);
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        let log = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(self.folder.path().join("log"))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        self.server = Some(command.spawn().context("postgres")?);
        self.wait_until_it_answers()
    }

    fn wait_until_it_answers(&mut self) -> anyhow::Result<()> {
        let started = Instant::now();
        while psql(self.port, "postgres", "SELECT 1").is_err() {
            let ended = self
                .server
                .as_mut()
                .and_then(|server| server.try_wait().ok().flatten());
            if ended.is_some() || started.elapsed() > START_TIMEOUT {
                let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
                bail!("PostgreSQL did not start: {log}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _gone = self.kill();
    }
}

/// An empty database of the cluster that `COUNTERSIGN_TEST_POSTGRES` names by its port, or of one made for the caller.
pub fn database_for_a_test() -> anyhow::Result<(String, Option<Cluster>)> {
    if let Ok(port) = std::env::var(SHARED) {
        let port = port.parse().context(SHARED)?;
        return Ok((url(port, &new_database(port)?), None));
    }
    let cluster = Cluster::start(Durability::Quick, &[])?;
    Ok((cluster.database()?, Some(cluster)))
}

fn url(port: u16, database: &str) -> String {
    format!("postgres://{ROLE}:{PASSWORD}@127.0.0.1:{port}/{database}")
}

fn new_database(port: u16) -> anyhow::Result<String> {
    let number = DATABASES.fetch_add(1, Ordering::Relaxed);
    let name = format!("d_{}_{number}", std::process::id());
    // By default the template is written to the log page by page; a copy of its files is quicker where nothing is synced.
    psql(
        port,
        "postgres",
        &format!("CREATE DATABASE {name} STRATEGY file_copy"),
    )?;
    Ok(name)
}

fn client(port: u16, database: &str) -> anyhow::Result<Command> {
    let mut client = Command::new(program("psql")?);
    client
        .args([
            "--no-psqlrc",
            "--quiet",
            "--tuples-only",
            "--no-align",
            "--set",
            "ON_ERROR_STOP=1",
        ])
        .args([
            "--host",
            "127.0.0.1",
            "--username",
            ROLE,
            "--port",
            &port.to_string(),
        ])
        .args(["--dbname", database])
        .env("PGPASSWORD", PASSWORD);
    Ok(client)
}

fn psql(port: u16, database: &str, sql: &str) -> anyhow::Result<String> {
    let output = client(port, database)?
        .args(["--command", sql])
        .output()
        .context("psql")?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let output = command
        .output()
        .with_context(|| format!("{:?}", command.get_program()))?;
    if !output.status.success() {
        bail!(
            "{:?}: {}",
            command.get_program(),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

/// A folder that the server's user owns.
fn folder() -> anyhow::Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("countersign-pg-").tempdir()?;
    own(folder.path())?;
    Ok(folder)
}

fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

/// The processes below one, all the way down.
fn descendants(of: u32) -> anyhow::Result<Vec<rustix::process::Pid>> {
    let mut found = Vec::new();
    let mut parents = vec![of];
    while let Some(parent) = parents.pop() {
        let children = PathBuf::from(format!("/proc/{parent}/task/{parent}/children"));
        for child in read(&children).split_whitespace() {
            let child: i32 = child.parse()?;
            found.extend(rustix::process::Pid::from_raw(child));
            parents.push(child.unsigned_abs());
        }
    }
    Ok(found)
}

/// Seconds of processor time that a process has used so far; 0 when it is gone.
pub fn cpu_seconds(process: u32) -> f64 {
    let stat = read(&PathBuf::from(format!("/proc/{process}/stat")));
    // The program's name may hold spaces, and ends with `)`; user and system time are the 12th and 13th field after it.
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let times = after_name.split_whitespace().skip(11).take(2);
    let ticks: u32 = times.filter_map(|ticks| ticks.parse::<u32>().ok()).sum();
    f64::from(ticks) / rustix::param::clock_ticks_per_second() as f64
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_default()
}
