//! One connection: its handshake, its requests, and how long it may do nothing.
//!
//! Hyper can bound the wait for a request's head, but not that of an idle HTTP/2 connection, and sets a timer for every
//! request. One watch a connection bounds all of it: a handshake or a first request that does not come, a head that
//! dribbles, and idleness. The body and the handler have `server.request_timeout`.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use http::Request;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tower::Service;

use crate::router::Routes;

/// Most header bytes of a request: Basic credentials of 4 KiB, a token of 16 KiB and room.
const HEAD_BYTES: u32 = 64 * 1024;
/// Longest wait for a handshake, and for the first request.
const FIRST_REQUEST_WITHIN: Duration = Duration::from_secs(15);
/// A connection is closed after one to two times this without a request. Load balancers commonly keep idle ones for 60
/// seconds; whoever closes first must not be the side that a request may be on its way to.
const IDLE_FOR: Duration = Duration::from_secs(75);
/// How long a connection that is to be closed may take to say goodbye.
const GOODBYE_WITHIN: Duration = Duration::from_secs(5);

/// A connection about to be served.
pub(super) struct Connection {
    /// The other end.
    pub(super) peer: SocketAddr,
    /// Who answers.
    pub(super) routes: Routes<Incoming>,
    /// Turns true when no further request is wanted.
    pub(super) closing: watch::Receiver<bool>,
}

impl Connection {
    /// Serves it to its end, behind TLS when there is a configuration.
    pub(super) async fn serve(self, stream: TcpStream, tls: Option<Arc<ServerConfig>>) {
        // Answers are written whole; waiting for more to send would only delay them.
        let _best_effort = stream.set_nodelay(true);
        let Some(config) = tls else {
            return self.converse(stream).await;
        };
        let handshake = TlsAcceptor::from(config).accept(stream);
        if let Ok(Ok(stream)) = tokio::time::timeout(FIRST_REQUEST_WITHIN, handshake).await {
            self.converse(stream).await;
        }
    }

    async fn converse(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Self {
            peer,
            routes,
            mut closing,
        } = self;
        let activity = Arc::new(Activity::default());
        let counted = activity.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            let counted = counted.begin();
            let answer = routes.clone().call(request);
            async move {
                let answer = answer.await?;
                Ok::<_, Infallible>(answer.map(|body| CountedBody {
                    body,
                    _counted: counted,
                }))
            }
        });
        let builder = builder();
        let mut conversation = pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
        tokio::select! {
            // Errors are the caller's: a reset, or bytes that are no HTTP, which hyper has answered.
            _ended = conversation.as_mut() => return,
            () = activity.is_idle() => {}
            _ = closing.wait_for(|closing| *closing) => {}
        }
        conversation.as_mut().graceful_shutdown();
        tokio::select! {
            _ended = conversation => {}
            () = activity.has_ended(GOODBYE_WITHIN) => {}
        }
    }
}

/// Bounds what a connection may hold before there is a request.
fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .header_read_timeout(None)
        .max_buf_size(HEAD_BYTES as usize);
    builder.http2().max_header_list_size(HEAD_BYTES);
    builder
}

/// What a connection's requests do.
#[derive(Default)]
struct Activity {
    begun: AtomicU64,
    ended: AtomicU64,
}

/// A request in progress, until dropped.
struct InProgress(Arc<Activity>);

/// An answer's body; until its end the request is in progress.
struct CountedBody {
    body: Body,
    _counted: InProgress,
}

impl hyper::body::Body for CountedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Activity {
    fn begin(self: &Arc<Self>) -> InProgress {
        self.begun.fetch_add(1, Ordering::Relaxed);
        InProgress(self.clone())
    }

    /// Waits until the first request has not come in its time, or none has been there for a while.
    async fn is_idle(&self) {
        if !self.rests(FIRST_REQUEST_WITHIN).await {
            self.has_ended(IDLE_FOR).await;
        }
    }

    /// Waits until no request has been in progress for one to two times this.
    async fn has_ended(&self, grace: Duration) {
        while !self.rests(grace).await {}
    }

    /// Whether no request is in progress for this long.
    async fn rests(&self, grace: Duration) -> bool {
        let before = self.counts();
        tokio::time::sleep(grace).await;
        before == self.counts() && before.0 == before.1
    }

    fn counts(&self) -> (u64, u64) {
        let (begun, ended) = (&self.begun, &self.ended);
        (begun.load(Ordering::Relaxed), ended.load(Ordering::Relaxed))
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_without_a_first_request_or_long_after_the_last() {
        let started = tokio::time::Instant::now();
        let activity = Arc::new(Activity::default());
        activity.is_idle().await;
        assert_eq!(started.elapsed(), FIRST_REQUEST_WITHIN);

        let (started, request) = (tokio::time::Instant::now(), activity.begin());
        let ends_after = Duration::from_secs(200);
        let (end, ()) = tokio::join!(
            async {
                activity.is_idle().await;
                started.elapsed()
            },
            async {
                tokio::time::sleep(ends_after).await;
                drop(request);
            }
        );
        assert!(
            end >= ends_after + IDLE_FOR && end < ends_after + 2 * IDLE_FOR,
            "{end:?}"
        );
    }
}
