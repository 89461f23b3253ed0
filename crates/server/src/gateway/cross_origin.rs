//! Calls from pages of other origins (the Fetch standard's CORS protocol).
//!
//! Origins are listed exactly, none is reflected, and credentials of the browser's own are never asked for: a page that calls must
//! hold a token. A preflight is answered here, without a token and without the provider, and says the same of every path.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderName, HeaderValue};
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};

use crate::config;

/// How long browsers may remember what a preflight said; more than two hours none of them does.
const REMEMBERED: Duration = Duration::from_secs(2 * 60 * 60);
/// What pages may read of an answer beside what they always may.
const EXPOSED: [&str; 4] = [
    "countersign-error",
    "ratelimit",
    "ratelimit-policy",
    "x-request-id",
];

pub(super) fn layer(config: &config::Gateway) -> CorsLayer {
    // They were checked when the settings were read.
    let origins = config
        .allowed_origins
        .iter()
        .filter_map(|origin| HeaderValue::from_str(origin).ok());
    let exposed = EXPOSED
        .map(HeaderName::from_static)
        .into_iter()
        .chain([RETRY_AFTER]);
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods(AllowMethods::mirror_request())
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(exposed.collect::<Vec<_>>())
        .max_age(REMEMBERED)
}
