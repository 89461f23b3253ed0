//! The load: keep-alive connections that send prepared requests and read whole answers, as fast as they come or at a rate.
//!
//! Written for this because the core it runs on must outpace a server that signs 30,000 tokens a second on its own; a
//! general HTTP client does not.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// What to send, and how.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// Where to.
    pub(crate) address: SocketAddr,
    /// From which local address; limits count by it.
    pub(crate) source: std::net::IpAddr,
    /// The path of the POST.
    pub(crate) path: String,
    /// Header lines beside host and length, each ended by CR LF.
    pub(crate) headers: String,
    /// Bodies, sent in turn.
    pub(crate) bodies: Vec<String>,
    /// Connections, each with one request at a time.
    pub(crate) connections: usize,
    /// For how long.
    pub(crate) seconds: f64,
    /// Requests per second over all connections; 0 is as many as possible.
    pub(crate) rate: f64,
    /// The status that every answer must have; 0 takes any.
    pub(crate) expect: u16,
    /// Whether it sleeps while there is nothing to do, beside another load on the same core.
    pub(crate) sleeps: bool,
}

/// The header of a form.
pub(crate) const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";

/// What came of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Answers per second.
    pub(crate) per_second: f64,
    /// Half of the answers took at most this, in microseconds.
    pub(crate) p50: f64,
    /// 99 of 100 did.
    pub(crate) p99: f64,
    /// Answers.
    pub(crate) answers: usize,
}

/// Runs the plan in the file and prints its outcome.
#[expect(clippy::print_stdout, reason = "how this process answers its parent")]
pub(crate) fn run(plan: &str) -> anyhow::Result<()> {
    let plan: Plan = serde_json::from_str(&std::fs::read_to_string(plan)?)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .event_interval(1)
        .build()?;
    if !plan.sleeps {
        runtime.spawn(stay_awake());
    }
    println!("{}", serde_json::to_string(&runtime.block_on(send(plan))?)?);
    Ok(())
}

/// A load that sleeps between answers is woken by the server's core, by an interrupt in the middle of its write: a cost that
/// no network card puts on a server, and that falls on the slower of two servers more often.
async fn stay_awake() {
    loop {
        tokio::task::yield_now().await;
    }
}

async fn send(plan: Plan) -> anyhow::Result<Outcome> {
    // Shared, for it may be long: what copies it after the start would make answers look late.
    let plan = Arc::new(plan);
    let started = Instant::now();
    let until = started + Duration::from_secs_f64(plan.seconds);
    let connections: Vec<_> = (0..plan.connections)
        .map(|number| tokio::spawn(connection(plan.clone(), number, started, until)))
        .collect();
    let mut micros = Vec::new();
    for connection in connections {
        micros.extend(connection.await??);
    }
    let took = started.elapsed().as_secs_f64();
    micros.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| -> f64 {
        let last = micros.len().saturating_sub(1);
        micros
            .get(((last as f64) * share) as usize)
            .copied()
            .unwrap_or(f64::NAN)
    };
    Ok(Outcome {
        per_second: micros.len() as f64 / took,
        p50: at(0.5),
        p99: at(0.99),
        answers: micros.len(),
    })
}

/// A timer of the runtime has steps of a millisecond, which is longer than most answers take.
async fn wait_until(due: Instant, sleeps: bool) {
    if sleeps {
        return tokio::time::sleep_until(due.into()).await;
    }
    while Instant::now() < due {
        tokio::task::yield_now().await;
    }
}

/// Latency at a rate counts from when a request should have been sent, so that a server that stalls cannot hide the
/// requests which the stall kept from being sent.
async fn connection(
    plan: Arc<Plan>,
    number: usize,
    started: Instant,
    until: Instant,
) -> anyhow::Result<Vec<f64>> {
    let mut stream = connect(&plan).await?;
    let mut buffer = Vec::with_capacity(16 * 1024);
    let mut micros = Vec::new();
    let interval = if plan.rate > 0.0 {
        plan.connections as f64 / plan.rate
    } else {
        0.0
    };
    let mut due = started + Duration::from_secs_f64(interval * number as f64 / plan.connections as f64);
    for turn in 0.. {
        if plan.rate > 0.0 {
            wait_until(due, plan.sleeps).await;
        }
        let sent = if plan.rate > 0.0 { due } else { Instant::now() };
        if sent >= until {
            break;
        }
        due += Duration::from_secs_f64(interval);
        let body = &plan.bodies[(turn * plan.connections + number) % plan.bodies.len()];
        let request = format!(
            "POST {} HTTP/1.1\r\nhost: bench\r\n{}content-length: {}\r\n\r\n{body}",
            plan.path,
            plan.headers,
            body.len()
        );
        stream.write_all(request.as_bytes()).await?;
        let status = read_answer(&mut stream, &mut buffer).await?;
        if plan.expect != 0 && status != plan.expect {
            bail!(
                "answered {status} instead of {}: {}",
                plan.expect,
                String::from_utf8_lossy(&buffer)
            );
        }
        micros.push(sent.elapsed().as_secs_f64() * 1e6);
    }
    Ok(micros)
}

async fn connect(plan: &Plan) -> anyhow::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(plan.source, 0))?;
    let stream = socket.connect(plan.address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Reads one answer whole and returns its status.
async fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> anyhow::Result<u16> {
    buffer.clear();
    let mut whole = None;
    loop {
        if stream.read_buf(buffer).await? == 0 {
            bail!("the server closed the connection");
        }
        if whole.is_none()
            && let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n")
        {
            let head = std::str::from_utf8(&buffer[..end])?;
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .context("an answer without content-length")?;
            whole = Some(end + 4 + length.trim().parse::<usize>()?);
        }
        if whole.is_some_and(|whole| buffer.len() >= whole) {
            let status = buffer.get(9..12).context("no status")?;
            return Ok(std::str::from_utf8(status)?.parse()?);
        }
    }
}
