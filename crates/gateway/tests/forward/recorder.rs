//! An upstream that writes down every byte it is sent, and answers what it is told to.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What is answered to the nth request.
pub(crate) type Script = Arc<dyn Fn(usize, &str) -> Answer + Send + Sync>;

/// An answer, as bytes.
pub(crate) enum Answer {
    /// All of it, and the connection stays.
    Whole(String),
    /// Pieces, each when the test lets it go; then the connection is closed.
    Pieces(Arc<tokio::sync::Mutex<tokio::sync::mpsc::Receiver<&'static str>>>),
    /// Nothing, and the connection is closed.
    Nothing,
    /// Nothing, ever.
    Silence,
    /// These bytes, and then everything comes back that is sent.
    Echo(&'static str),
}

/// 200 with a text.
pub(crate) fn ok(text: &str) -> Answer {
    with_head("200 OK", "Content-Type: text/plain\r\n", text)
}

/// Any status, with more fields.
pub(crate) fn with_head(status: &str, fields: &str, text: &str) -> Answer {
    let length = text.len();
    Answer::Whole(format!(
        "HTTP/1.1 {status}\r\n{fields}Content-Length: {length}\r\n\r\n{text}"
    ))
}

pub(crate) struct Recorder {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<usize>>,
}

impl Recorder {
    pub(crate) async fn start(script: impl Fn(usize, &str) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_at(Ipv4Addr::LOCALHOST, script).await
    }

    /// At another address than most.
    pub(crate) async fn start_at(
        address: Ipv4Addr,
        script: impl Fn(usize, &str) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let recorder = Self {
            address: listener.local_addr().unwrap(),
            requests: Arc::default(),
            connections: Arc::default(),
        };
        let (requests, connections) = (recorder.requests.clone(), recorder.connections.clone());
        let script: Script = Arc::new(script);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *connections.lock().unwrap() += 1;
                tokio::spawn(serve(stream, script.clone(), requests.clone()));
            }
        });
        recorder
    }

    /// The requests, each from its first byte to its last.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// The one request there was.
    pub(crate) fn request(&self) -> String {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:#?}");
        requests[0].clone()
    }

    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

async fn serve(mut stream: TcpStream, script: Script, requests: Arc<Mutex<Vec<String>>>) {
    while let Some(request) = read_request(&mut stream).await {
        let number = {
            let mut requests = requests.lock().unwrap();
            requests.push(request.clone());
            requests.len()
        };
        match script(number, &request) {
            Answer::Whole(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
            Answer::Nothing => return,
            Answer::Silence => std::future::pending().await,
            Answer::Pieces(pieces) => {
                while let Some(piece) = pieces.lock().await.recv().await {
                    if stream.write_all(piece.as_bytes()).await.is_err() {
                        break;
                    }
                }
                pieces.lock().await.close();
                return;
            }
            Answer::Echo(head) => {
                stream.write_all(head.as_bytes()).await.unwrap();
                let (mut read, mut write) = stream.split();
                let _gone = tokio::io::copy(&mut read, &mut write).await;
                return;
            }
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let length = stream.read(&mut piece).await.ok()?;
        if length == 0 {
            return None;
        }
        bytes.extend_from_slice(&piece[..length]);
        let text = String::from_utf8(bytes.clone()).unwrap();
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && is_whole(&head.to_ascii_lowercase(), body)
        {
            return Some(text);
        }
    }
}

fn is_whole(head: &str, body: &str) -> bool {
    let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
    if field("transfer-encoding: ").is_some() {
        return body.ends_with("\r\n\r\n") && (body.starts_with("0\r\n") || body.contains("\r\n0\r\n"));
    }
    let length = field("content-length: ").map_or(0, |length| length.parse().unwrap());
    body.len() >= length
}
