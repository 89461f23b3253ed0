//! An argument of axum handlers that says who may call.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use ::http::request::Parts;
use axum_core::body::Body;
use axum_core::extract::{FromRef, FromRequestParts};
use axum_core::response::{IntoResponse, Response};

use crate::bearer::bearer_token;
use crate::{Identity, Refusal, Verifier, refusal_response};

/// The scopes that a handler needs, as a type. [`required_scopes!`](crate::required_scopes) writes one.
pub trait RequiredScopes: Send + Sync + 'static {
    /// All of these.
    const SCOPES: &'static [&'static str];
}

/// No scope is needed: any token of the verifier's issuer and audience will do.
#[derive(Clone, Copy, Debug)]
pub enum AnyScope {}

impl RequiredScopes for AnyScope {
    const SCOPES: &'static [&'static str] = &[];
}

/// Makes types of scopes for [`Authenticated`].
///
/// ```
/// countersign_client::required_scopes! {
///     /// May see reports.
///     pub ReadReports = ["read:reports"];
///     WriteReports = ["read:reports", "write:reports"];
/// }
/// # use countersign_client::RequiredScopes as _;
/// assert_eq!(WriteReports::SCOPES, ["read:reports", "write:reports"]);
/// ```
#[macro_export]
macro_rules! required_scopes {
    ($($(#[$attribute:meta])* $visibility:vis $name:ident = [$($scope:literal),+ $(,)?];)+) => {$(
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug)]
        $visibility enum $name {}

        impl $crate::RequiredScopes for $name {
            const SCOPES: &'static [&'static str] = &[$($scope),+];
        }
    )+};
}

/// Who calls, with a token that has the scopes `S`. As an argument of a handler it keeps out everybody else, before the body is
/// read.
///
/// The state must hold a [`Verifier`] (`FromRef`; a `Verifier` as the state itself will do).
///
/// ```
/// use axum::{Router, routing::get};
/// use countersign_client::{Authenticated, Verifier, required_scopes};
///
/// required_scopes! { ReadReports = ["read:reports"]; }
///
/// async fn reports(caller: Authenticated<ReadReports>) -> String {
///     format!("for {}", caller.client_id())
/// }
///
/// fn router(verifier: Verifier) -> Router {
///     Router::new().route("/reports", get(reports)).with_state(verifier)
/// }
/// ```
pub struct Authenticated<S = AnyScope> {
    identity: Arc<Identity>,
    scopes: PhantomData<fn() -> S>,
}

impl<S> Authenticated<S> {
    /// An argument for tests that call a handler as a function. Nothing is checked, scopes neither.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn for_tests(identity: impl Into<Arc<Identity>>) -> Self {
        Self {
            identity: identity.into(),
            scopes: PhantomData,
        }
    }

    /// Who calls, to be kept longer than the request.
    #[must_use]
    pub fn into_identity(self) -> Arc<Identity> {
        self.identity
    }
}

impl<S> Deref for Authenticated<S> {
    type Target = Identity;

    fn deref(&self) -> &Identity {
        &self.identity
    }
}

impl<S> Clone for Authenticated<S> {
    fn clone(&self) -> Self {
        Self {
            identity: self.identity.clone(),
            scopes: PhantomData,
        }
    }
}

impl<S> fmt::Debug for Authenticated<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Authenticated").field(&self.identity).finish()
    }
}

impl<S, State> FromRequestParts<State> for Authenticated<S>
where
    S: RequiredScopes,
    State: Send + Sync,
    Verifier: FromRef<State>,
{
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Rejection> {
        let token = bearer_token(&parts.headers)?;
        let identity = Verifier::from_ref(state).verify(token).await?;
        identity.require_scopes(S::SCOPES)?;
        Ok(Self {
            identity,
            scopes: PhantomData,
        })
    }
}

/// What a caller is told who is kept out; see [`refusal_response`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rejection(
    /// Why.
    pub Refusal,
);

impl<R: Into<Refusal>> From<R> for Rejection {
    fn from(refusal: R) -> Self {
        Self(refusal.into())
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        refusal_response::<Body>(&self.0)
    }
}
