//! The way to an upstream: resolve, judge every address, connect to a judged one, and speak TLS with the configured
//! name.
//!
//! The guard stands here and not in a route, so that no route can go around it. Between the judgement of an address
//! and the connection to it there is no second look-up, which a name server could answer differently. No proxy is
//! read from the environment, and redirects are none of a connector's business.

mod error;
mod race;
mod resolve;
mod stream;
mod tls;

use std::fmt;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tower_service::Service;

pub use error::{CertificateProblem, DialError, Stage};
pub use resolve::{Resolve, SystemResolver};
pub use stream::UpstreamStream;
pub use tls::{Protocols, Trust, TrustError};

use crate::address::AddressGuard;
use crate::upstream::Upstream;

/// How long name, connection and handshake may take together, unless said otherwise.
pub const ESTABLISH_WITHIN: Duration = Duration::from_secs(10);

/// Makes connections to one upstream. Cheap to clone.
#[derive(Clone)]
pub struct Connector(Arc<Parts>);

struct Parts {
    upstream: Upstream,
    guard: AddressGuard,
    resolver: Arc<dyn Resolve>,
    tls: Arc<ClientConfig>,
    establish_within: Duration,
}

impl Connector {
    /// For this upstream alone; `tls` comes from [`Trust::client_config`] and is not used for plain HTTP.
    #[must_use]
    pub fn new(
        upstream: Upstream,
        guard: AddressGuard,
        resolver: Arc<dyn Resolve>,
        tls: Arc<ClientConfig>,
        establish_within: Duration,
    ) -> Self {
        Self(Arc::new(Parts {
            upstream,
            guard,
            resolver,
            tls,
            establish_within,
        }))
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// Which step failed, and how.
    pub async fn dial(&self) -> Result<UpstreamStream, DialError> {
        let parts = &*self.0;
        let deadline = Instant::now() + parts.establish_within;
        let addresses = within(deadline, Stage::Resolve, parts.addresses()).await?;
        let stream = within(
            deadline,
            Stage::Connect,
            race::first(&addresses, TcpStream::connect),
        )
        .await?;
        // Requests are written whole; waiting for more to send would only delay them.
        let _best_effort = stream.set_nodelay(true);
        if *parts.upstream.scheme() == Scheme::HTTPS {
            within(deadline, Stage::Tls, parts.handshake(stream)).await
        } else {
            Ok(UpstreamStream::plain(stream))
        }
    }
}

/// The credential's certificate is in the TLS configuration.
impl fmt::Debug for Connector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Connector")
            .field("upstream", &self.0.upstream)
            .finish_non_exhaustive()
    }
}

impl Parts {
    /// Where the upstream is, all of it judged. One forbidden address makes the whole answer suspect: picking the
    /// others would let whoever answers for the name find out which of ours are refused.
    async fn addresses(&self) -> Result<Vec<SocketAddr>, DialError> {
        let ips = match self.upstream.host().address() {
            Some(ip) => vec![ip],
            None => self.resolve().await?,
        };
        let mut addresses = Vec::with_capacity(ips.len());
        for ip in ips {
            let address = SocketAddr::new(ip, self.upstream.port());
            self.guard.check(address)?;
            // Plain HTTP was configured because of that list; a name that leads out of it would take the credential
            // along in the clear.
            if *self.upstream.scheme() == Scheme::HTTP && !self.guard.lists(ip) {
                return Err(DialError::PlainOutside);
            }
            addresses.push(address);
        }
        Ok(addresses)
    }

    async fn resolve(&self) -> Result<Vec<IpAddr>, DialError> {
        let name = self.upstream.host().to_string();
        let ips = self
            .resolver
            .resolve(&name)
            .await
            .map_err(|error| DialError::Resolve { kind: error.kind() })?;
        if ips.is_empty() {
            return Err(DialError::NoAddress);
        }
        Ok(ips)
    }

    async fn handshake(&self, stream: TcpStream) -> Result<UpstreamStream, DialError> {
        let name = self.upstream.host().server_name();
        TlsConnector::from(self.tls.clone())
            .connect(name, stream)
            .await
            .map(UpstreamStream::tls)
            .map_err(|error| DialError::of_handshake(&error))
    }
}

async fn within<T>(
    deadline: Instant,
    stage: Stage,
    step: impl Future<Output = Result<T, DialError>>,
) -> Result<T, DialError> {
    timeout_at(deadline, step)
        .await
        .unwrap_or(Err(DialError::TimedOut { stage }))
}

/// For hyper-util's client. The URI is compared, not obeyed.
impl Service<Uri> for Connector {
    type Response = TokioIo<UpstreamStream>;
    type Error = DialError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            if !connector.0.upstream.is_place_of(&uri) {
                return Err(DialError::OtherPlace);
            }
            connector.dial().await.map(TokioIo::new)
        })
    }
}
