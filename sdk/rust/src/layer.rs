//! A tower layer that lets nobody pass without a token.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use ::http::{HeaderMap, Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use crate::bearer::bearer_token;
use crate::config::{self, ConfigError};
use crate::{Identity, Refusal, Verifier, refusal_response};

/// A layer that lets only those pass who have a good token, with the scopes named. Handlers find an `Arc<Identity>` in the
/// extensions of the request.
///
/// ```
/// use std::sync::Arc;
///
/// use axum::{Extension, Router, routing::get};
/// use countersign_client::{ConfigError, Identity, RequireToken, Verifier};
///
/// async fn reports(Extension(caller): Extension<Arc<Identity>>) -> String {
///     format!("for {}", caller.client_id())
/// }
///
/// fn router(verifier: Verifier) -> Result<Router, ConfigError> {
///     let guard = RequireToken::new(verifier).with_scopes(["read:reports"])?;
///     Ok(Router::new().route("/reports", get(reports)).layer(guard))
/// }
/// ```
#[derive(Clone, Debug)]
pub struct RequireToken {
    verifier: Verifier,
    scopes: Arc<[String]>,
}

impl RequireToken {
    /// Any token that the verifier finds good will do.
    #[must_use]
    pub fn new(verifier: Verifier) -> Self {
        Self {
            verifier,
            scopes: Arc::default(),
        }
    }

    /// All of these scopes are needed, at least one.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Invalid`] when there is none, or one is no scope by RFC 6749 section 3.3.
    pub fn with_scopes<S: Into<String>>(
        self,
        scopes: impl IntoIterator<Item = S>,
    ) -> Result<Self, ConfigError> {
        let scopes: Arc<[String]> = scopes.into_iter().map(Into::into).collect();
        config::scopes(&scopes, "with_scopes")?;
        Ok(Self { scopes, ..self })
    }

    async fn admit(&self, headers: &HeaderMap) -> Result<Arc<Identity>, Refusal> {
        let identity = self.verifier.verify(bearer_token(headers)?).await?;
        let scopes: Vec<_> = self.scopes.iter().map(String::as_str).collect();
        identity.require_scopes(&scopes)?;
        Ok(identity)
    }
}

impl<S> Layer<S> for RequireToken {
    type Service = RequireTokenService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RequireTokenService {
            inner,
            guard: self.clone(),
        }
    }
}

/// A service behind [`RequireToken`].
#[derive(Clone, Debug)]
pub struct RequireTokenService<S> {
    inner: S,
    guard: RequireToken,
}

impl<S, RequestBody, ResponseBody> Service<Request<RequestBody>> for RequireTokenService<S>
where
    S: Service<Request<RequestBody>, Response = Response<ResponseBody>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    RequestBody: Send + 'static,
    ResponseBody: From<String> + Send,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        // The one that was polled ready is the one to call; its clone may not be ready.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let guard = self.guard.clone();
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            match guard.admit(&parts.headers).await {
                Ok(identity) => {
                    parts.extensions.insert(identity);
                    inner.call(Request::from_parts(parts, body)).await
                }
                Err(refusal) => Ok(refusal_response(&refusal)),
            }
        })
    }
}
