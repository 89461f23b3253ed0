//! Runs the suites of `e2e/sdk` against three servers on one engine.
//!
//! The suites need http, https with a private authority, and tokens that die while they look. One server speaks one of
//! these, and one data folder takes one server, so there are three of each; the bootstrap makes their project the same.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::Command;

use crate::group::EndsGroup;
use crate::tally::Tally;
use crate::{Engine, Options, Server, identity, places};

/// The suites there are, by the name that `e2e/sdk/run` takes.
pub const SUITES: [&str; 4] = ["python", "node", "rust", "typescript"];

/// Longest time for one suite, on a machine that has to download and build its packages first.
const TIMEOUT: Duration = Duration::from_secs(25 * 60);

/// The servers that the suites talk to.
pub struct Servers {
    // Before their database, which ends when it is dropped.
    http: Server,
    https: Server,
    short: Server,
    /// A second project on the http server, with its secret; its tokens are those of RFC 9068.
    standard: (String, String),
    engine: Engine,
}

/// How a suite went.
pub struct Outcome {
    /// Its name, and the engine's.
    pub suite: String,
    /// The checks it made.
    pub tally: Tally,
    /// Why it counts as failed.
    pub problem: Option<String>,
    /// How long it took.
    pub took: Duration,
}

impl Servers {
    /// Starts them on new folders that are kept, each with a database of its own.
    pub async fn start(engine: Engine) -> anyhow::Result<Self> {
        let options = |name: &'static str| -> anyhow::Result<Options> {
            let mut environment = engine.new_database()?;
            // All suites call from one address, with wrong secrets too; what becomes of such an address has tests of its own.
            environment.push(("COUNTERSIGN_LIMITS_REFUSALS_PER_SOURCE_PER_MINUTE", "0".into()));
            Ok(Options {
                name,
                data_dir: Some(places::kept_anew(&format!("sdk/{name}-{}", engine.name()))?),
                environment,
                ..Options::default()
            })
        };
        let http = Server::start(options("sdk-http")?).await?;
        let https = Server::start(Options {
            tls: true,
            ..options("sdk-https")?
        })
        .await?;
        let mut short = options("sdk-short")?;
        short
            .environment
            .push(("COUNTERSIGN_TOKENS_LIFETIME", "60s".into()));
        let short = Server::start(short).await?;
        let standard = standard_project(&http).await?;
        Ok(Self {
            http,
            https,
            short,
            standard,
            engine,
        })
    }

    /// Runs one suite, its output being ours.
    pub async fn run(&self, suite: &str) -> anyhow::Result<Outcome> {
        let start = Instant::now();
        let (tally, problem) = match tokio::time::timeout(TIMEOUT, self.output_of(suite)).await {
            Ok(ran) => ran?,
            Err(_) => (
                Tally::default(),
                Some(format!("not done after {} minutes", TIMEOUT.as_secs() / 60)),
            ),
        };
        let nothing = (tally == Tally::default()).then(|| "it made no check".to_owned());
        Ok(Outcome {
            suite: format!("{suite} on {}", self.engine.name()),
            tally,
            problem: problem.or(nothing),
            took: start.elapsed(),
        })
    }

    /// Stops the servers; one that does not stop cleanly is an error.
    pub async fn stop(self) -> anyhow::Result<()> {
        for server in [self.http, self.https, self.short] {
            server.stop().await?;
        }
        Ok(())
    }

    async fn output_of(&self, suite: &str) -> anyhow::Result<(Tally, Option<String>)> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("sdk").join("run");
        let mut child = Command::new("bash")
            .arg(script)
            .arg(suite)
            .envs(self.environment())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .context("cannot start bash")?;
        // Also when this future is dropped because time is up.
        let _group = EndsGroup::of(child.id());
        let (out, err) = (
            child.stdout.take().context("no output")?,
            child.stderr.take().context("no output")?,
        );
        let (mut tally, more) = tokio::try_join!(pass_on(out), pass_on(err))?;
        tally += more;
        let status = child.wait().await?;
        Ok((
            tally,
            (!status.success()).then(|| format!("it ended with {status}")),
        ))
    }

    /// What the suites read; see `surroundings.*` in each.
    fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("COUNTERSIGN_HTTP_URL", self.http.url().to_owned()),
            ("COUNTERSIGN_HTTPS_URL", self.https.url().to_owned()),
            ("COUNTERSIGN_CA_FILE", self.https.ca_file().display().to_string()),
            ("COUNTERSIGN_SHORT_HTTP_URL", self.short.url().to_owned()),
            ("COUNTERSIGN_PROJECT_ID", identity::PROJECT_ID.to_owned()),
            ("COUNTERSIGN_PROJECT_SECRET", identity::PROJECT_SECRET.to_owned()),
            ("COUNTERSIGN_OPERATOR_KEY", identity::OPERATOR_KEY.to_owned()),
            ("COUNTERSIGN_STANDARD_PROJECT_ID", self.standard.0.clone()),
            ("COUNTERSIGN_STANDARD_PROJECT_SECRET", self.standard.1.clone()),
        ]
    }
}

async fn standard_project(server: &Server) -> anyhow::Result<(String, String)> {
    let wanted = json!({ "name": "standard", "token_profile": "standard-es256" });
    let answer = server
        .by_operator(Method::POST, "/admin/v1/projects")
        .json(&wanted)
        .send()
        .await?;
    let status = answer.status();
    let body: Value = answer.json().await.context("the answer to a new project")?;
    let (id, secret) = (&body["project"]["project_id"], &body["project_secret"]["secret"]);
    match (id.as_str(), secret.as_str()) {
        (Some(id), Some(secret)) if status.is_success() => Ok((id.to_owned(), secret.to_owned())),
        _ => bail!("no standard project: {status} {body}"),
    }
}

/// Prints each line as it comes, and counts.
#[expect(
    clippy::print_stdout,
    reason = "the suite's output is meant for whoever started it"
)]
async fn pass_on(output: impl AsyncRead + Unpin) -> anyhow::Result<Tally> {
    let mut lines = BufReader::new(output).split(b'\n');
    let mut tally = Tally::default();
    while let Some(line) = lines.next_segment().await? {
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        tally += Tally::of_line(&line);
    }
    Ok(tally)
}
