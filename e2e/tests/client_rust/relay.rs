//! A cable between the SDK and the server, which can be cut.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// Passes bytes on to the server, unless it is cut.
pub(super) struct Relay {
    pub(super) url: String,
    state: Arc<State>,
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct State {
    is_cut: AtomicBool,
    cut: Notify,
}

impl Relay {
    pub(super) async fn to(address: &str) -> anyhow::Result<Self> {
        let server: SocketAddr = address.parse().context("no address")?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let state = Arc::new(State::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(pass(listener, server, state.clone()));
        Ok(Self {
            url,
            state,
            _tasks: tasks,
        })
    }

    /// All connections are gone, and new ones end at once.
    pub(super) fn cut(&self) {
        self.state.is_cut.store(true, Ordering::SeqCst);
        self.state.cut.notify_waiters();
    }

    pub(super) fn mend(&self) {
        self.state.is_cut.store(false, Ordering::SeqCst);
    }
}

async fn pass(listener: TcpListener, server: SocketAddr, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((mut near, _)) = listener.accept().await {
        let state = state.clone();
        connections.spawn(async move {
            // Listening first, so that no cut falls between the question and the wait.
            let cut = state.cut.notified();
            if state.is_cut.load(Ordering::SeqCst) {
                return;
            }
            if let Ok(mut far) = TcpStream::connect(server).await {
                tokio::select! {
                    _ = copy_bidirectional(&mut near, &mut far) => {}
                    () = cut => {}
                }
            }
        });
    }
}
