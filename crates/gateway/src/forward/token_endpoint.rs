//! Token endpoints of providers, asked over the same guarded way as everything else.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use secrecy::zeroize::Zeroizing;

use super::connections::Network;
use crate::address::AddressGuard;
use crate::dial::{Connector, ESTABLISH_WITHIN, Protocols};
use crate::inject::{MAX_ANSWER_BYTES, TokenAnswer, TokenEndpoint, TokenFailure, TokenRequest};
use crate::upstream::Upstream;

/// How long a token may take, connection and all.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// Asks where the provider's guard lets it.
pub(super) struct GuardedTokenEndpoint {
    guard: AddressGuard,
    network: Network,
}

impl GuardedTokenEndpoint {
    pub(super) fn new(guard: AddressGuard, network: &Network) -> Self {
        Self {
            guard,
            network: network.clone(),
        }
    }

    fn connector(&self, uri: &Uri) -> Option<Connector> {
        let place = format!("{}://{}", uri.scheme_str()?, uri.authority()?);
        let upstream = Upstream::parse(&place, &self.guard).ok()?;
        let tls = self.network.trust.client_config(None, Protocols::Http1).ok()?;
        let resolver = self.network.resolver.clone();
        Some(Connector::new(
            upstream,
            self.guard.clone(),
            resolver,
            tls,
            ESTABLISH_WITHIN,
        ))
    }

    async fn answer(&self, request: TokenRequest) -> Result<TokenAnswer, TokenFailure> {
        let connector = self.connector(&request.uri).ok_or(TokenFailure::Unreachable)?;
        // Tokens are asked for too seldom for a connection to be kept.
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build(connector);
        let mut post = Request::new(Full::new(Bytes::copy_from_slice(request.body.as_bytes())));
        *post.method_mut() = Method::POST;
        *post.uri_mut() = request.uri;
        *post.headers_mut() = request.headers;
        let answer = client
            .request(post)
            .await
            .map_err(|_| TokenFailure::Unreachable)?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MAX_ANSWER_BYTES).collect().await;
        let body = body.map_err(|_| TokenFailure::InvalidAnswer {
            problem: "it breaks off or is too long",
        })?;
        Ok(TokenAnswer {
            status,
            body: Zeroizing::new(body.to_bytes().to_vec()),
        })
    }
}

#[async_trait]
impl TokenEndpoint for GuardedTokenEndpoint {
    async fn ask(&self, request: TokenRequest) -> Result<TokenAnswer, TokenFailure> {
        tokio::time::timeout(ANSWER_WITHIN, self.answer(request))
            .await
            .unwrap_or(Err(TokenFailure::TimedOut))
    }
}
