//! Which headers a credential may be put into.

use http::HeaderName;
use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};

use super::CredentialError;

/// The header of that name, if an operator may choose it.
pub(super) fn parse(name: &str) -> Result<HeaderName, CredentialError> {
    let name = HeaderName::try_from(name).map_err(|_| CredentialError::HeaderName)?;
    if may_be_configured(&name) {
        Ok(name)
    } else {
        Err(CredentialError::HeaderName)
    }
}

/// Whether a configured value in this header leaves the framing and the destination of a request to the gateway. `HeaderName` itself
/// admits neither pseudo-headers nor line breaks.
fn may_be_configured(name: &HeaderName) -> bool {
    let frames_or_routes = [
        HOST,
        CONTENT_LENGTH,
        TRANSFER_ENCODING,
        CONNECTION,
        UPGRADE,
        TE,
        TRAILER,
        EXPECT,
        PROXY_AUTHORIZATION,
    ];
    let is_hop_by_hop = name.as_str() == "keep-alive" || name.as_str().starts_with("proxy-");
    // Names with `_` are dropped on the way up: CGI-like servers cannot tell them from names with `-`.
    !frames_or_routes.contains(name) && !is_hop_by_hop && !name.as_str().contains('_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_frame_or_route_cannot_be_configured() {
        for name in [
            "Host",
            "content-length",
            "Transfer-Encoding",
            "connection",
            "Upgrade",
            "TE",
            "trailer",
            "Expect",
            "Proxy-Authorization",
            "proxy-anything",
            "Keep-Alive",
            "X_Api_Key",
            ":authority",
            "",
            "x y",
            "x\r\ny",
            "x:",
        ] {
            assert_eq!(parse(name), Err(CredentialError::HeaderName), "{name:?}");
        }
        assert_eq!(parse("X-Api-Key").unwrap(), "x-api-key");
        assert_eq!(parse("Authorization").unwrap(), "authorization");
    }
}
