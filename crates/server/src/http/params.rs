//! Path and query parameters, whose mistakes are answered in the API's style.

use axum::extract::{FromRequestParts, Path as AnyPath, Query as AnyQuery};
use http::request::Parts;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

use crate::problem::{ErrorType, Problem};

/// Parameters of the path, percent-decoded once.
#[derive(Debug)]
pub struct Path<T>(pub T);

/// Parameters of the query; unknown ones are passed over, because SDKs repeat path ids there (wire contract 1.2).
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = AnyPath::from_request_parts(parts, state).await;
        path.map(|AnyPath(value)| Self(value))
            .map_err(|_| ErrorType::BadRequest.because("The path is not valid percent-encoded UTF-8."))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let malformed =
            || ErrorType::InvalidRequestValue.because("A query parameter is not of its documented form.");
        // The decoder writes U+FFFD for bytes that are no UTF-8; a filter must not be silently another one.
        let raw = parts.uri.query().unwrap_or_default();
        percent_decode_str(raw).decode_utf8().map_err(|_| malformed())?;
        let query = AnyQuery::from_request_parts(parts, state).await;
        query.map(|AnyQuery(value)| Self(value)).map_err(|_| malformed())
    }
}
