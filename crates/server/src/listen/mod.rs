//! Listening: connections are taken, each is served on its own, and when the service stops, none that has arrived is
//! dropped.
//!
//! A stop has three steps. First the service says that it goes: `/readyz` fails and HTTP/1 answers close their connection,
//! so that load balancers and callers turn elsewhere, while whoever still comes is served. Then the door is shut behind
//! the last one who stood in it. Then the requests in flight are finished.

mod connection;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use futures_util::future::join_all;
use hyper::body::Incoming;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::app::App;
use crate::router::Routes;
use crate::tls::CurrentConfig;
use connection::Connection;

/// Rest after an accept failed for want of file descriptors: the connection stays in the queue, and trying again at once
/// would only spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);
/// How long the requests of the last ones taken may be on their way.
const LAST_REQUESTS: Duration = Duration::from_millis(100);

/// Serves at every door until told to stop, and then until what has arrived is answered.
pub async fn serve(app: &App, doors: Vec<Door>, mut signals: StopSignals) -> anyhow::Result<()> {
    take_until(&doors, signals.received()).await;
    tracing::info!("stopping; what has arrived is finished");
    app.stopping.begin();
    // A second signal cuts this short.
    let waited = tokio::time::timeout(app.config.server.drain_time, signals.received());
    take_until(&doors, waited).await;
    let halls = doors.into_iter().map(Door::shut).collect::<io::Result<Vec<_>>>();
    let halls = halls.context("the last connections")?;
    tokio::time::sleep(LAST_REQUESTS).await;
    let within = app.config.server.shutdown_timeout;
    tokio::select! {
        _ = join_all(halls.into_iter().map(|hall| hall.empty(within))) => {}
        () = signals.received() => tracing::warn!("cut off by another signal"),
    }
    Ok(())
}

async fn take_until<T>(doors: &[Door], end: impl Future<Output = T>) {
    tokio::select! {
        _ = join_all(doors.iter().map(Door::take)) => {}
        _ = end => {}
    }
}

/// Where connections come in.
pub struct Door {
    listener: TcpListener,
    hall: Hall,
}

/// Where they are served.
struct Hall {
    tls: Option<CurrentConfig>,
    routes: Routes<Incoming>,
    /// Each connection holds a receiver, so this knows when the last one is gone.
    closing: watch::Sender<bool>,
}

impl Door {
    /// Opens it on these routes.
    pub fn open(
        listener: std::net::TcpListener,
        routes: Routes<Incoming>,
        tls: Option<CurrentConfig>,
    ) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let (closing, _) = watch::channel(false);
        Ok(Self {
            listener: TcpListener::from_std(listener)?,
            hall: Hall { tls, routes, closing },
        })
    }

    async fn take(&self) {
        loop {
            let taken = self.listener.accept().await;
            if let Err(error) = taken.map(|(stream, peer)| self.hall.seat(stream, peer)) {
                report(&error).await;
            }
        }
    }

    /// What the operating system has accepted on our behalf is taken; then it accepts no more.
    fn shut(self) -> io::Result<Hall> {
        let listener = self.listener.into_std()?;
        loop {
            match listener.accept() {
                Ok((stream, peer)) => {
                    stream.set_nonblocking(true)?;
                    self.hall.seat(TcpStream::from_std(stream)?, peer);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(self.hall),
                Err(error) if is_of_the_caller(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "the last connections could not be taken");
                    return Ok(self.hall);
                }
            }
        }
    }
}

/// Whether a connection failed that its own end gave up.
fn is_of_the_caller(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

async fn report(error: &io::Error) {
    if is_of_the_caller(error) {
        return;
    }
    tracing::error!(%error, "a connection could not be taken");
    tokio::time::sleep(ACCEPT_PAUSE).await;
}

impl Hall {
    fn seat(&self, stream: TcpStream, peer: SocketAddr) {
        let connection = Connection {
            peer,
            routes: self.routes.clone(),
            closing: self.closing.subscribe(),
        };
        let tls = self.tls.as_ref().map(|current| current.borrow().clone());
        tokio::spawn(connection.serve(stream, tls));
    }

    async fn empty(self, within: Duration) {
        self.closing.send_replace(true);
        if tokio::time::timeout(within, self.closing.closed()).await.is_err() {
            let left = self.closing.receiver_count();
            tracing::warn!(connections = left, "cut off; server.shutdown_timeout is over");
        }
    }
}

/// What tells the service to stop: SIGTERM, and Ctrl-C.
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Takes the signals over from the operating system's default, which ends the process.
    pub fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    async fn received(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
