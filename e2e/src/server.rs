//! One running `countersign serve`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use reqwest::{Method, RequestBuilder};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use crate::engine::MASTER_KEY;
use crate::leaks::{self, Search};
use crate::{Backend, http, identity, places, program};

/// Longest wait for a server to be ready: it makes its first RSA keys, perhaps under strace, beside other tests.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest wait for it to stop: longer than it lets requests in flight take.
const STOP_TIMEOUT: Duration = Duration::from_secs(45);
/// How often to look.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How to start a server.
#[derive(Debug, Default)]
pub struct Options {
    /// Names its log files, `target/e2e/logs/<name>-….out` and `.err`.
    pub name: &'static str,
    /// Where its data is, for a server that is to find what an earlier one left. Otherwise a folder that goes with it.
    pub data_dir: Option<PathBuf>,
    /// Whether it serves https with an authority of its own.
    pub tls: bool,
    /// The authority of a server that was given a certificate by its settings.
    pub ca_file: Option<PathBuf>,
    /// More arguments of `serve`.
    pub arguments: Vec<String>,
    /// More environment, such as `COUNTERSIGN_TOKENS_LIFETIME`.
    pub environment: Vec<(&'static str, String)>,
    /// Another binary than the one under test.
    pub binary: Option<PathBuf>,
    /// A program with arguments that starts the server as its child, such as strace.
    pub under: Vec<String>,
}

/// A running server. Dropped, it is killed with all its children.
#[derive(Debug)]
pub struct Server {
    process: Child,
    url: String,
    data_dir: PathBuf,
    out: PathBuf,
    err: PathBuf,
    client: reqwest::Client,
    _temporary: Option<TempDir>,
}

impl Server {
    /// Starts one on a free port and waits until it is ready.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let temporary = if options.data_dir.is_none() {
            Some(TempDir::new()?)
        } else {
            None
        };
        let data_dir = options
            .data_dir
            .clone()
            .or_else(|| temporary.as_ref().map(|dir| dir.path().to_owned()));
        let data_dir = data_dir.context("no data folder")?;
        let (out, err) = log_files(options.name)?;
        let process = command(&options, &data_dir)?
            .stdout(File::create(&out)?)
            .stderr(File::create(&err)?)
            .spawn()
            .context("cannot start the server")?;
        // From here on, dropping it ends the process.
        let client = http::client(None)?;
        let mut server = Self {
            process,
            url: String::new(),
            data_dir,
            out,
            err,
            client,
            _temporary: temporary,
        };
        let deadline = Instant::now() + START_TIMEOUT;
        server.url = server.printed_address(deadline).await?;
        let own_authority = options.tls.then(|| server.ca_file());
        if let Some(file) = own_authority.or(options.ca_file) {
            server.client = http::client(Some(&file))?;
        }
        server.ready(deadline).await?;
        Ok(server)
    }

    /// Where it listens, as it says itself: `http://127.0.0.1:PORT` or the same with https.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it listens, for those who open a socket.
    pub fn address(&self) -> &str {
        self.url.split_once("://").map_or("", |(_, address)| address)
    }

    /// Where its data is.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The authority of a server that serves https.
    pub fn ca_file(&self) -> PathBuf {
        self.data_dir.join("tls").join("ca.pem")
    }

    /// What it wrote to standard output and to standard error, trace log included.
    pub fn log_files(&self) -> [&Path; 2] {
        [&self.out, &self.err]
    }

    /// A client that trusts this server and nobody else.
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// Callers that may outlive this server.
    pub fn backend(&self) -> Backend {
        Backend::new(self.client.clone(), self.url.clone())
    }

    /// A request by nobody.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// A request by the first project.
    pub fn by_project(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path)
            .basic_auth(identity::PROJECT_ID, Some(identity::PROJECT_SECRET))
    }

    /// A request by the first operator.
    pub fn by_operator(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).bearer_auth(identity::OPERATOR_KEY)
    }

    /// Sends a signal to it and to what it runs under.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let group = i32::try_from(self.process.id())
            .ok()
            .and_then(Pid::from_raw)
            .context("no process")?;
        kill_process_group(group, signal).context("cannot signal the server")
    }

    /// Waits until it has ended.
    pub async fn ended(&mut self) -> anyhow::Result<ExitStatus> {
        let deadline = Instant::now() + STOP_TIMEOUT;
        loop {
            if let Some(status) = self.process.try_wait()? {
                return Ok(status);
            }
            self.wait_a_little(deadline, "did not end").await?;
        }
    }

    /// Asks it to stop and waits until it has; anything but a clean end is an error.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.signal(Signal::TERM)?;
        let status = self.ended().await?;
        anyhow::ensure!(
            status.success(),
            "the server ended with {status}{}",
            self.last_words()
        );
        self.kept_its_secrets()
    }

    /// Ends it as a power cut would, as far as a process can tell.
    pub fn kill(mut self) -> anyhow::Result<()> {
        self.kill_at_once()?;
        self.kept_its_secrets()
    }

    /// The same. When this returns, all its connections are gone, and nobody has looked at its logs yet.
    pub fn kill_at_once(&mut self) -> anyhow::Result<()> {
        self.signal(Signal::KILL)?;
        self.process.wait()?;
        Ok(())
    }

    /// Searches all that it wrote, logs at trace level and data, for what it was told and for what looks like a secret. So
    /// every test is also one for leaks, whatever it is about.
    pub fn kept_its_secrets(&self) -> anyhow::Result<()> {
        let mut search = Search::default();
        search.for_basic(
            "the project's secret",
            identity::PROJECT_ID,
            identity::PROJECT_SECRET,
        )?;
        search.for_secret("the operator's key", identity::OPERATOR_KEY)?;
        search.for_secret("the database's password", countersign_cluster::PASSWORD)?;
        search.for_secret("the master key of servers on PostgreSQL", MASTER_KEY)?;
        if let Ok(key) = std::fs::read_to_string(self.data_dir.join("master.key")) {
            search.for_secret("the master key", key.trim())?;
        }
        for path in [&self.out, &self.err, &self.data_dir] {
            leaks::none(&search.files(path)?)?;
        }
        Ok(())
    }

    async fn printed_address(&mut self, deadline: Instant) -> anyhow::Result<String> {
        loop {
            let printed = std::fs::read_to_string(&self.out)?;
            // Only whole lines: the last one may still be on its way.
            let whole = printed.rsplit_once('\n').map_or("", |(whole, _)| whole);
            if let Some(address) = whole.lines().find_map(|line| line.strip_prefix("listening on ")) {
                return Ok(address.trim().to_owned());
            }
            if let Some(status) = self.process.try_wait()? {
                bail!(
                    "the server ended with {status} before it printed its address{}",
                    self.last_words()
                );
            }
            self.wait_a_little(deadline, "printed no line \"listening on …\"")
                .await?;
        }
    }

    async fn ready(&self, deadline: Instant) -> anyhow::Result<()> {
        loop {
            let what_is_wrong = match self.request(Method::GET, "/readyz").send().await {
                Ok(answer) if answer.status().is_success() => return Ok(()),
                Ok(answer) => format!("answers {} at /readyz", answer.status()),
                Err(error) => format!("does not answer: {error:?}"),
            };
            self.wait_a_little(deadline, &what_is_wrong).await?;
        }
    }

    async fn wait_a_little(&self, deadline: Instant, what_is_wrong: &str) -> anyhow::Result<()> {
        if Instant::now() > deadline {
            bail!("the server {what_is_wrong}, and time is up{}", self.last_words());
        }
        tokio::time::sleep(LOOK_EVERY).await;
        Ok(())
    }

    /// The end of its log, for an error.
    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.err).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        let last = &lines[lines.len().saturating_sub(15)..];
        format!("; the end of {}:\n{}", self.err.display(), last.join("\n"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            // When it ended meanwhile, there is nothing left to do.
            let _ = self.signal(Signal::KILL);
            let _ = self.process.wait();
        }
    }
}

fn command(options: &Options, data_dir: &Path) -> anyhow::Result<Command> {
    let mut command = match &options.binary {
        Some(binary) => program::start(binary, &options.under),
        None => program::countersign(&options.under)?,
    };
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(data_dir)
        .args(options.tls.then_some("--tls-self-signed"))
        .args(&options.arguments)
        .env("COUNTERSIGN_BOOTSTRAP_PROJECT_ID", identity::PROJECT_ID)
        .env("COUNTERSIGN_BOOTSTRAP_PROJECT_SECRET", identity::PROJECT_SECRET)
        .env("COUNTERSIGN_BOOTSTRAP_OPERATOR_KEY", identity::OPERATOR_KEY)
        // Everything that could ever be logged, for those who search the logs for secrets.
        .env("COUNTERSIGN_LOG_LEVEL", "trace")
        .envs(options.environment.iter().map(|(name, value)| (name, value)))
        .current_dir(data_dir);
    Ok(command)
}

/// New files for each start, so that a restart does not overwrite what the first run said.
fn log_files(name: &str) -> anyhow::Result<(PathBuf, PathBuf)> {
    static STARTED: AtomicU32 = AtomicU32::new(0);
    let folder = places::kept("logs")?;
    let number = STARTED.fetch_add(1, Ordering::Relaxed);
    let file = |ending: &str| folder.join(format!("{name}-{}-{number}.{ending}", std::process::id()));
    Ok((file("out"), file("err")))
}
