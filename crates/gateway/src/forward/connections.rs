//! The connections of one version of a credential to one place of a provider.
//!
//! They are never shared with another version or another place: what a credential opened must not outlive it, and a name that was
//! pointed elsewhere must not be reached over a connection from before.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::{HeaderName, Request, Response, Uri};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::limits::Limits;
use super::token_endpoint::GuardedTokenEndpoint;
use super::up_body::UpBody;
use crate::address::AddressGuard;
use crate::dial::{Connector, ESTABLISH_WITHIN, Protocols, Resolve, Trust, TrustError};
use crate::document::TokenPath;
use crate::inject::{Credential, TokenCache, TokenEndpoint, TokenKey};
use crate::scrub::Scrubber;
use crate::upstream::Upstream;

/// An idle connection is given up after this: before the 60 seconds after which most servers do, so that a call seldom meets one that
/// is just being closed.
const IDLE_FOR: Duration = Duration::from_secs(50);
/// Idle connections to one place.
const MOST_IDLE: usize = 256;
/// Most header fields of an answer.
const MOST_FIELDS: usize = 256;

/// What all providers share.
#[derive(Clone)]
pub struct Network {
    /// How names become addresses.
    pub resolver: Arc<dyn Resolve>,
    /// Whose certificates count.
    pub trust: Trust,
    /// The access tokens of upstreams.
    pub tokens: Arc<TokenCache>,
}

/// A credential that was opened, and which one it is.
pub struct HeldCredential {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: u64,
    /// Itself.
    pub credential: Credential,
}

impl HeldCredential {
    /// Under which its access token is kept.
    pub(super) fn token_key(&self) -> TokenKey {
        let (scope, audience) = match &self.credential {
            Credential::OauthClientCredentials(oauth) => (oauth.scope(), oauth.audience()),
            _ => (None, None),
        };
        TokenKey {
            credential_id: self.id.clone(),
            version: self.version,
            scope: scope.map(str::to_owned),
            audience: audience.map(str::to_owned),
        }
    }
}

/// See the module. Made when the first call needs them, and dropped with the credential's version.
pub struct Connections {
    pub(super) upstream: Upstream,
    pub(super) held: Option<HeldCredential>,
    pub(super) credential_names: Arc<[HeaderName]>,
    pub(super) tokens: Arc<TokenCache>,
    pub(super) token_endpoint: Arc<dyn TokenEndpoint>,
    any: Client<Connector, UpBody>,
    /// WebSockets begin in HTTP/1.1.
    http1: Client<Connector, UpBody>,
    scrubber: OnceLock<Option<Scrubber>>,
    /// Where the credential's token is asked for.
    token_place: Option<Upstream>,
    /// Paths at which the provider gives tokens, by its document.
    token_paths: Vec<String>,
}

impl Connections {
    /// None is opened yet. With a credential, calls to `token_paths` are refused.
    ///
    /// # Errors
    ///
    /// When TLS cannot be configured.
    pub fn new(
        upstream: Upstream,
        guard: &AddressGuard,
        held: Option<HeldCredential>,
        token_paths: &[TokenPath],
        limits: &Limits,
        network: &Network,
    ) -> Result<Self, TrustError> {
        let certificate = match held.as_ref().map(|held| &held.credential) {
            Some(Credential::ClientCertificate(certificate)) => Some(certificate.resolver()),
            _ => None,
        };
        let client = |protocols| {
            let tls = network.trust.client_config(certificate.clone(), protocols)?;
            let resolver = network.resolver.clone();
            let connector = Connector::new(upstream.clone(), guard.clone(), resolver, tls, ESTABLISH_WITHIN);
            Ok(client(connector, limits))
        };
        let names = held.as_ref().map(|held| held.credential.header_names());
        Ok(Self {
            credential_names: names.unwrap_or_default().into(),
            any: client(Protocols::Any)?,
            http1: client(Protocols::Http1)?,
            tokens: network.tokens.clone(),
            token_endpoint: Arc::new(GuardedTokenEndpoint::new(guard.clone(), network)),
            scrubber: OnceLock::new(),
            token_place: held.as_ref().and_then(|held| token_place(held, guard)),
            token_paths: held
                .as_ref()
                .map(|_| closed(token_paths, &upstream))
                .unwrap_or_default(),
            upstream,
            held,
        })
    }

    /// The credential that goes with every call.
    #[must_use]
    pub fn held(&self) -> Option<&HeldCredential> {
        self.held.as_ref()
    }

    /// Whether a call goes to where tokens are asked for. The answer would hold a token of the provider that the scrubber does not
    /// know, and with it a caller could go on without the gateway.
    pub(super) fn is_token_endpoint(&self, uri: &Uri) -> bool {
        // Servers differ in whether they take another case or a last slash for the same path.
        let path = uri.path().trim_end_matches('/');
        let is_own =
            |place: &Upstream| place.is_place_of(uri) && path.eq_ignore_ascii_case(place.base_path());
        let is_told = |told: &String| path.eq_ignore_ascii_case(told);
        self.token_place.as_ref().is_some_and(is_own) || self.token_paths.iter().any(is_told)
    }

    pub(super) async fn send(
        &self,
        request: Request<UpBody>,
        is_websocket: bool,
    ) -> Result<Response<Incoming>, hyper_util::client::legacy::Error> {
        let client = if is_websocket { &self.http1 } else { &self.any };
        client.request(request).await
    }

    /// The scrubber for secrets that are the same in every call; made once, because making one takes longer than most calls.
    pub(super) fn scrubber(&self, make: impl FnOnce() -> Option<Scrubber>) -> Option<Scrubber> {
        self.scrubber.get_or_init(make).clone()
    }
}

fn token_place(held: &HeldCredential, guard: &AddressGuard) -> Option<Upstream> {
    let Credential::OauthClientCredentials(oauth) = &held.credential else {
        return None;
    };
    let url = oauth.token_url();
    let (scheme, authority, path) = (url.scheme_str()?, url.authority()?, url.path());
    // One that the guard refuses is no place that calls go to either.
    Upstream::parse(&format!("{scheme}://{authority}{path}"), guard).ok()
}

/// The document may name a host that the provider is not at: a path counts at every one.
fn closed(told: &[TokenPath], upstream: &Upstream) -> Vec<String> {
    let paths = told.iter().flat_map(|path| {
        let below = path.below_server.as_ref();
        let here = below.map(|below| format!("{}{below}", upstream.base_path()));
        here.into_iter().chain([path.whole.clone()])
    });
    paths.map(|path| path.trim_end_matches('/').to_owned()).collect()
}

/// Credentials are seen by nobody.
impl fmt::Debug for Connections {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = self.held.as_ref();
        formatter
            .debug_struct("Connections")
            .field("upstream", &self.upstream)
            .field("credential", &held.map(|held| (&held.id, held.version)))
            .finish_non_exhaustive()
    }
}

fn client(connector: Connector, limits: &Limits) -> Client<Connector, UpBody> {
    let head_bytes = usize::try_from(limits.response_head_bytes).unwrap_or(usize::MAX);
    Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_FOR)
        .pool_max_idle_per_host(MOST_IDLE)
        .http1_max_buf_size(head_bytes)
        .http1_max_headers(MOST_FIELDS)
        .http2_max_header_list_size(limits.response_head_bytes)
        .http2_adaptive_window(true)
        .build(connector)
}
