//! A small load balancer in front of several nodes, as a careful operator would set one up.
//!
//! It takes turns among the nodes whose `/readyz` answers 200. What a node did not get, another one gets. What a node got and
//! did not answer, another one gets only if it may be carried out twice; the rest is answered with 502 and written down.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use http::header::{CONNECTION, HOST, HeaderValue, TRANSFER_ENCODING};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::{Backend, http::client};

/// On every answer: to how many nodes the call was given.
pub const ATTEMPTS: &str = "proxy-attempts";
/// The answer to a call of which nobody knows what became of it.
pub const LOST: StatusCode = StatusCode::BAD_GATEWAY;
/// How often each node is asked whether it is ready. Less than the second for which a node that stops says so.
const PROBE_EVERY: Duration = Duration::from_millis(100);
/// A call is given up after so many nodes did not take it; when none is ready, it waits for one in between.
const MOST_ATTEMPTS: usize = 50;

/// A running proxy. Dropped, it ends with all its connections.
pub struct Proxy {
    url: String,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

/// A call that must not be carried out twice, on its one way to a node.
#[derive(Debug, Clone, Copy)]
pub struct Flight {
    /// Which node.
    pub node: usize,
    /// Before the first byte left.
    pub began: Instant,
    /// When its answer was there, or its connection gone.
    pub ended: Instant,
    /// Whether the connection was gone first.
    pub is_lost: bool,
}

#[derive(Default)]
struct Shared {
    nodes: Vec<Node>,
    turn: AtomicUsize,
    requests: AtomicUsize,
    retried: AtomicUsize,
    flights: Mutex<Vec<Flight>>,
}

struct Node {
    address: Mutex<SocketAddr>,
    is_ready: AtomicBool,
    answered: AtomicUsize,
    idle: Mutex<Vec<Connection>>,
}

/// A connection to a node, kept for the next call.
struct Connection {
    to: SocketAddr,
    sender: SendRequest<Full<Bytes>>,
    /// The same socket, to look whether the node has hung up.
    socket: std::net::TcpStream,
}

/// A call that was read whole, so that it can be sent again.
struct Call {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

enum Failure {
    /// The node has seen nothing of it.
    NotSent,
    /// Nobody knows what the node did.
    Lost,
}

impl Proxy {
    /// Starts one in front of nodes that are ready.
    pub async fn start(nodes: impl IntoIterator<Item = &str>) -> anyhow::Result<Self> {
        let nodes = nodes.into_iter().map(Node::at).collect::<anyhow::Result<_>>()?;
        let shared = Arc::new(Shared {
            nodes,
            ..Shared::default()
        });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let mut tasks = JoinSet::new();
        for number in 0..shared.nodes.len() {
            let (shared, prober) = (shared.clone(), client(None)?);
            tasks.spawn(async move { shared.nodes[number].watch(&prober).await });
        }
        tasks.spawn(shared.clone().take_callers(listener));
        Ok(Self {
            url,
            shared,
            _tasks: tasks,
        })
    }

    /// Callers that know the proxy and none of the nodes.
    pub fn backend(&self) -> anyhow::Result<Backend> {
        Ok(Backend::new(client(None)?, self.url.clone()))
    }

    /// A node that is ready stands in the place of another.
    pub fn replace(&self, node: usize, address: &str) -> anyhow::Result<()> {
        let node = &self.shared.nodes[node];
        *lock(&node.address) = parse(address)?;
        node.is_ready.store(true, Ordering::SeqCst);
        Ok(())
    }

    /// How many calls came.
    pub fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }

    /// How often one node did not do and another one was asked.
    pub fn retried(&self) -> usize {
        self.shared.retried.load(Ordering::SeqCst)
    }

    /// How many calls the node in this place has answered.
    pub fn answered_by(&self, node: usize) -> usize {
        self.shared.nodes[node].answered.load(Ordering::SeqCst)
    }

    /// Every call that must not be carried out twice and that a node got.
    pub fn flights(&self) -> Vec<Flight> {
        lock(&self.shared.flights).clone()
    }
}

impl Shared {
    async fn take_callers(self: Arc<Self>, listener: TcpListener) {
        let mut callers = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let shared = self.clone();
            callers.spawn(async move {
                let service = service_fn(|request| shared.answer(request));
                let conversation = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                // A caller that hangs up is none of our business.
                let _ended = conversation.await;
            });
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        let Ok(call) = Call::read(request).await else {
            return Ok(refused(StatusCode::BAD_REQUEST));
        };
        for attempt in 1..=MOST_ATTEMPTS {
            let number = self.next().await;
            match self.give(number, &call).await {
                Ok(mut answer) => {
                    answer.headers_mut().insert(ATTEMPTS, HeaderValue::from(attempt));
                    return Ok(answer);
                }
                Err(Failure::Lost) if !call.may_be_repeated() => {
                    return Ok(refused(LOST));
                }
                Err(_) => self.retried.fetch_add(1, Ordering::SeqCst),
            };
        }
        Ok(refused(StatusCode::SERVICE_UNAVAILABLE))
    }

    /// Whose turn it is, among those that are ready.
    async fn next(&self) -> usize {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let count = self.nodes.len();
        let is_ready = |number: &usize| self.nodes[*number].is_ready.load(Ordering::SeqCst);
        match (turn..turn + count).map(|turn| turn % count).find(is_ready) {
            Some(number) => number,
            None => {
                tokio::time::sleep(PROBE_EVERY).await;
                turn % count
            }
        }
    }

    async fn give(&self, number: usize, call: &Call) -> Result<Response<Full<Bytes>>, Failure> {
        let began = Instant::now();
        let outcome = self.nodes[number].send(call).await;
        if !call.may_be_repeated() && !matches!(outcome, Err(Failure::NotSent)) {
            lock(&self.flights).push(Flight {
                node: number,
                began,
                ended: Instant::now(),
                is_lost: outcome.is_err(),
            });
        }
        outcome
    }
}

impl Node {
    fn at(address: &str) -> anyhow::Result<Self> {
        Ok(Self {
            address: Mutex::new(parse(address)?),
            is_ready: AtomicBool::new(true),
            answered: AtomicUsize::new(0),
            idle: Mutex::default(),
        })
    }

    fn address(&self) -> SocketAddr {
        *lock(&self.address)
    }

    async fn watch(&self, prober: &reqwest::Client) {
        loop {
            tokio::time::sleep(PROBE_EVERY).await;
            let asked = self.address();
            let probe = prober.get(format!("http://{asked}/readyz"));
            let said = probe.header(CONNECTION, "close").send().await;
            let is_ready = said.is_ok_and(|answer| answer.status().is_success());
            // What was said of one that has been replaced meanwhile is worth nothing.
            if asked == self.address() {
                self.is_ready.store(is_ready, Ordering::SeqCst);
            }
        }
    }

    async fn send(&self, call: &Call) -> Result<Response<Full<Bytes>>, Failure> {
        let mut connection = self.connection().await?;
        let outcome = connection.send(call).await;
        match outcome {
            Ok(_) => {
                self.answered.fetch_add(1, Ordering::SeqCst);
                lock(&self.idle).push(connection);
            }
            // Until a probe says otherwise.
            Err(_) => self.is_ready.store(false, Ordering::SeqCst),
        }
        outcome
    }

    async fn connection(&self) -> Result<Connection, Failure> {
        let to = self.address();
        while let Some(mut kept) = { lock(&self.idle).pop() } {
            if kept.to == to && kept.sender.ready().await.is_ok() && kept.is_open() {
                return Ok(kept);
            }
        }
        let opened = Connection::open(to).await;
        opened.map_err(|_refused| {
            self.is_ready.store(false, Ordering::SeqCst);
            Failure::NotSent
        })
    }
}

impl Connection {
    async fn open(to: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        let stream = stream.into_std()?;
        let socket = stream.try_clone()?;
        let (mut sender, conversation) = handshake(TokioIo::new(TcpStream::from_std(stream)?)).await?;
        tokio::spawn(conversation);
        sender.ready().await?;
        Ok(Self { to, sender, socket })
    }

    /// Whether the node has not hung up. Asked of the operating system: it knows before the connection's task does.
    fn is_open(&self) -> bool {
        let looked = self.socket.peek(&mut [0]);
        looked.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }

    async fn send(&mut self, call: &Call) -> Result<Response<Full<Bytes>>, Failure> {
        let answered = self.sender.try_send_request(call.request(self.to)).await;
        let (mut head, body) = match answered {
            Ok(answer) => answer.into_parts(),
            // Where the message comes back, not one byte of it was written.
            Err(mut error) => {
                return Err(match error.take_message() {
                    Some(_unsent) => Failure::NotSent,
                    None => Failure::Lost,
                });
            }
        };
        let body = body.collect().await.map_err(|_broken| Failure::Lost)?;
        // These speak of the node's connection, not of the caller's.
        head.headers.remove(CONNECTION);
        head.headers.remove(TRANSFER_ENCODING);
        Ok(Response::from_parts(head, Full::new(body.to_bytes())))
    }
}

impl Call {
    async fn read(request: Request<Incoming>) -> hyper::Result<Self> {
        let (head, body) = request.into_parts();
        Ok(Self {
            method: head.method,
            uri: head.uri,
            headers: head.headers,
            body: body.collect().await?.to_bytes(),
        })
    }

    fn request(&self, to: SocketAddr) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request.headers_mut().remove(CONNECTION);
        request.headers_mut().remove(TRANSFER_ENCODING);
        if let Ok(host) = HeaderValue::try_from(to.to_string()) {
            request.headers_mut().insert(HOST, host);
        }
        request
    }

    /// RFC 9110 section 9.2.2, and the two calls by POST that change nothing.
    fn may_be_repeated(&self) -> bool {
        let path = self.uri.path();
        self.method.is_idempotent() || path.ends_with("/oauth2/token") || path.ends_with("/clients/search")
    }
}

fn refused(status: StatusCode) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    answer
}

fn parse(address: &str) -> anyhow::Result<SocketAddr> {
    address
        .parse()
        .with_context(|| format!("{address} is no address"))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
