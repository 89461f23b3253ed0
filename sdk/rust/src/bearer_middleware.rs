//! A middleware of reqwest that sends a token along.

use std::sync::Arc;

use ::http::{Extensions, StatusCode, header};
use async_trait::async_trait;
use reqwest::{Request, Response, Url};
use reqwest_middleware::{Error, Middleware, Next, Result};

use crate::TokenSource;
use crate::config::{self, ConfigError};

/// Sends each request with a token of the source. When the answer is 401, the token is forgotten, and the request is sent once
/// more with a new one, if its body can be (a stream cannot).
///
/// A request that already has `Authorization` is sent as it is. Otherwise the token goes wherever the request goes, unless
/// [`only_for`](BearerToken::only_for) says where it may.
///
/// ```
/// use countersign_client::{BearerToken, TokenSource};
/// use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
///
/// fn client(tokens: TokenSource, http: reqwest::Client) -> ClientWithMiddleware {
///     ClientBuilder::new(http).with(BearerToken::new(tokens)).build()
/// }
/// ```
#[derive(Clone, Debug)]
pub struct BearerToken {
    tokens: TokenSource,
    /// `None` for everywhere.
    origins: Option<Arc<[Url]>>,
}

impl BearerToken {
    /// Sends tokens of this source.
    #[must_use]
    pub fn new(tokens: TokenSource) -> Self {
        Self {
            tokens,
            origins: None,
        }
    }

    /// Sends tokens to these origins only, such as `https://api.example.com`; a request to another one is an error and not sent.
    /// Use it where the address of a request is made from what others say.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Invalid`] when one is no http or https URL.
    pub fn only_for<S: AsRef<str>>(
        self,
        origins: impl IntoIterator<Item = S>,
    ) -> std::result::Result<Self, ConfigError> {
        let origins = origins
            .into_iter()
            .map(|origin| config::http_url(origin.as_ref(), "only_for"))
            .collect::<std::result::Result<_, _>>()?;
        Ok(Self {
            origins: Some(origins),
            ..self
        })
    }

    fn may_go_to(&self, url: &Url) -> bool {
        let is_of = |origin: &Url| origin.origin() == url.origin();
        self.origins
            .as_ref()
            .is_none_or(|origins| origins.iter().any(is_of))
    }
}

#[async_trait]
impl Middleware for BearerToken {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        if request.headers().contains_key(header::AUTHORIZATION) {
            return next.run(request, extensions).await;
        }
        if !self.may_go_to(request.url()) {
            let problem = "the request goes to another origin";
            return Err(Error::middleware(config::invalid("only_for", problem)));
        }
        let again = request.try_clone();
        let token = self.tokens.token().await.map_err(Error::middleware)?;
        request
            .headers_mut()
            .insert(header::AUTHORIZATION, token.authorization());
        let answer = next.clone().run(request, extensions).await?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        self.tokens.forget(&token);
        let Some(mut again) = again else {
            return Ok(answer);
        };
        // The first answer stays the answer when there is no other token.
        let Ok(other) = self.tokens.token().await else {
            return Ok(answer);
        };
        if other.is(&token) {
            return Ok(answer); // It would be refused again.
        }
        again
            .headers_mut()
            .insert(header::AUTHORIZATION, other.authorization());
        next.run(again, extensions).await
    }
}
