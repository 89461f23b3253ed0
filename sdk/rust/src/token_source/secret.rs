//! The client's secret, and where it comes from.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::timeout;

use super::TokenError;

type Bring = dyn Fn() -> Pin<Box<dyn Future<Output = Result<SecretString, TokenError>> + Send>> + Send + Sync;

/// Where the secret comes from.
#[derive(Clone)]
pub(super) enum Secret {
    /// Given once.
    Fixed(SecretString),
    /// Asked for before each request, so that a rotated one is picked up.
    Brought(Arc<Bring>),
}

impl Secret {
    pub(super) fn brought<F, W, E>(bring: F) -> Self
    where
        F: Fn() -> W + Send + Sync + 'static,
        W: Future<Output = Result<SecretString, E>> + Send + 'static,
    {
        Self::Brought(Arc::new(move || {
            let secret = bring();
            Box::pin(async move { secret.await.map_err(|_| TokenError::SecretUnavailable) })
        }))
    }

    /// The secret, within `timeout`. A function that fails, panics, brings nothing or does not come back is the same to everybody
    /// who waits: [`TokenError::SecretUnavailable`].
    pub(super) async fn get(&self, within: Duration) -> Result<SecretString, TokenError> {
        let bring = match self {
            Self::Fixed(secret) => return Ok(secret.clone()),
            Self::Brought(bring) => bring,
        };
        // Unwind safety: after a panic nothing of it is used again but the function, which it is up to its author to call anew.
        let mut brought =
            catch_unwind(AssertUnwindSafe(|| bring())).map_err(|_| TokenError::SecretUnavailable)?;
        let settled = poll_fn(|context| {
            catch_unwind(AssertUnwindSafe(|| brought.as_mut().poll(context)))
                .unwrap_or(Poll::Ready(Err(TokenError::SecretUnavailable)))
        });
        match timeout(within, settled).await {
            Ok(Ok(secret)) if !secret.expose_secret().is_empty() => Ok(secret),
            _ => Err(TokenError::SecretUnavailable),
        }
    }
}
