//! SIGTERM while clients are made: whoever has a connection is answered, what was answered is there, and the exit code is 0.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use countersign_e2e::{Backend, Options, Server, identity};
use reqwest::{Method, RequestBuilder};
use rustix::process::Signal;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

/// Requests of which the server has one half when it is told to stop.
const HALVES: usize = 8;
/// Callers that make clients all the time, and how many they have made together when it is told.
const CALLERS: usize = 8;
const MADE: usize = 60;

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_let_in_before_sigterm_is_answered_and_the_answer_is_durable() -> anyhow::Result<()> {
    let data = TempDir::new()?;
    let mut server = start(data.path()).await?;
    let (made, mut answers) = unbounded_channel();
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let kept = server.backend();
        let backend = if caller % 2 == 0 {
            kept
        } else {
            kept.one_call_per_connection()
        };
        callers.spawn(make_until_refused(backend, caller, made.clone()));
    }
    drop(made);
    let probe = tokio::spawn(probe_until_refused(server.request(Method::GET, "/readyz")));
    let mut halves = Vec::new();
    for number in 0..HALVES {
        halves.push(Half::send(&server, &format!("half-{number}")).await?);
    }
    for _ in 0..MADE {
        answers
            .recv()
            .await
            .context("the callers gave up before the signal")?;
    }

    server.signal(Signal::TERM)?;
    let mut outcomes = Outcomes::default();
    while let Some(outcome) = callers.join_next().await {
        outcomes.add(outcome??);
    }
    assert_eq!(outcomes.never_taken, 0, "{outcomes:?}");
    // A probe under way while the signal came may be answered as before, over a connection that closes.
    let mut probed = probe.await??;
    probed.retain(|seen| *seen != (200, true));
    assert_eq!(probed, [(200, false), (503, true)]);
    // Nobody is let in any more, and these have waited through it.
    for half in halves {
        outcomes.answered.push(half.finish().await?);
    }
    assert_eq!(server.ended().await?.code(), Some(0));
    server.kept_its_secrets()?;

    let server = start(data.path()).await?;
    let all = server.backend().all_clients().await?;
    let all: BTreeSet<_> = all
        .iter()
        .filter_map(|client| client["client_id"].as_str())
        .collect();
    let answered: BTreeSet<_> = outcomes.answered.iter().map(String::as_str).collect();
    ensure!(
        all == answered,
        "{} clients are there, {} were answered",
        all.len(),
        answered.len()
    );
    println!(
        "{} answered and there, {HALVES} of them after the signal; {outcomes:?}",
        answered.len()
    );
    server.stop().await
}

/// How calls ended.
#[derive(Default)]
struct Outcomes {
    answered: Vec<String>,
    /// No connection.
    refused: usize,
    /// A connection that the server closed without a word.
    never_taken: usize,
}

async fn make_until_refused(
    backend: Backend,
    caller: usize,
    made: UnboundedSender<()>,
) -> anyhow::Result<Outcomes> {
    let mut outcomes = Outcomes::default();
    for number in 0.. {
        let id = format!("made-{caller}-{number}");
        match backend.create(&json!({ "client_id": id })).await {
            Ok(answer) => {
                answer.ok()?;
                outcomes.answered.push(id);
                // Nobody counts any more after the signal.
                let _ = made.send(());
            }
            Err(error) => {
                outcomes.refused += usize::from(error.is_connect());
                outcomes.never_taken += usize::from(!error.is_connect());
                ensure!(
                    !error.is_timeout() && !error.is_body(),
                    "a call broke off: {error:?}"
                );
                break;
            }
        }
    }
    Ok(outcomes)
}

/// What the probe said in turn, each once: its status, and whether it closed the connection.
async fn probe_until_refused(probe: RequestBuilder) -> anyhow::Result<Vec<(u16, bool)>> {
    let mut said = Vec::new();
    loop {
        let request = probe.try_clone().context("a request without a body")?;
        match request.send().await {
            Ok(answer) => {
                let closes = answer
                    .headers()
                    .get("connection")
                    .is_some_and(|value| value == "close");
                said.push((answer.status().as_u16(), closes));
                said.dedup();
            }
            Err(error) if error.is_connect() => return Ok(said),
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// A request of which only the head was sent, and the server is known to wait for the rest: it said "100 Continue".
struct Half {
    connection: TcpStream,
    id: String,
    body: String,
}

impl Half {
    async fn send(server: &Server, id: &str) -> anyhow::Result<Self> {
        let body = json!({ "client_id": id }).to_string();
        let mut connection = TcpStream::connect(server.address()).await?;
        let caller = BASE64_STANDARD.encode(format!("{}:{}", identity::PROJECT_ID, identity::PROJECT_SECRET));
        let head = format!(
            "POST /v1/m2m/clients HTTP/1.1\r\nHost: {}\r\nAuthorization: Basic {caller}\r\nExpect: 100-continue\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            server.address(),
            body.len()
        );
        connection.write_all(head.as_bytes()).await?;
        let expected = b"HTTP/1.1 100 Continue\r\n\r\n";
        let mut interim = vec![0; expected.len()];
        connection.read_exact(&mut interim).await?;
        ensure!(interim == expected, "{}", String::from_utf8_lossy(&interim));
        Ok(Self {
            connection,
            id: id.to_owned(),
            body,
        })
    }

    async fn finish(mut self) -> anyhow::Result<String> {
        self.connection.write_all(self.body.as_bytes()).await?;
        let mut answer = String::new();
        self.connection.read_to_string(&mut answer).await?;
        ensure!(
            answer.starts_with("HTTP/1.1 200 ") && answer.ends_with('}'),
            "{answer}"
        );
        Ok(self.id)
    }
}

impl Outcomes {
    fn add(&mut self, other: Self) {
        self.answered.extend(other.answered);
        self.refused += other.refused;
        self.never_taken += other.never_taken;
    }
}

impl std::fmt::Debug for Outcomes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} refused, {} never taken", self.refused, self.never_taken)
    }
}

async fn start(data_dir: &Path) -> anyhow::Result<Server> {
    Server::start(Options {
        name: "stop",
        data_dir: Some(data_dir.to_owned()),
        ..Options::default()
    })
    .await
}
