//! A provider that writes down what it is asked and answers as hostile ones do.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The largest request that is read.
const REQUEST_MAX_BYTES: u64 = 64 * 1024;

/// See the module. It listens until it is dropped.
pub(super) struct Recorder {
    pub(super) address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    /// The heads of requests, as they came.
    heads: Vec<String>,
    /// What is answered next: all of it, in bytes.
    answer: String,
}

impl Recorder {
    pub(super) async fn listen(at: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(at).await;
        let listener = listener.with_context(|| format!("cannot listen on {at}"))?;
        let (address, seen) = (listener.local_addr()?, Arc::new(Mutex::new(Seen::default())));
        let of_task = seen.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // One that breaks off has said what it said.
                let _broken_off = answer(stream, &of_task).await;
            }
        });
        Ok(Self { address, seen, task })
    }

    /// Answers so from now on, and forgets what it was asked.
    pub(super) fn answer_with(&self, fields: &str, status: &str, body: &str) {
        let length = body.len();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.answer = format!(
            "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{fields}\r\n{body}"
        );
        seen.heads.clear();
    }

    /// What it was asked.
    pub(super) fn heads(&self) -> Vec<String> {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .heads
            .clone()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(stream: TcpStream, seen: &Mutex<Seen>) -> std::io::Result<()> {
    let mut stream = stream.take(REQUEST_MAX_BYTES);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let answer = {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.heads.push(String::from_utf8_lossy(&head).into_owned());
        seen.answer.clone()
    };
    let mut stream = stream.into_inner();
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}
