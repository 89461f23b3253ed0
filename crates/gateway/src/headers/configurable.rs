//! Which header names an operator may give a credential.

use http::HeaderName;

use super::names::{folded, is_forwarding, is_hop_by_hop, is_own};

/// Fields that frame the message or name its target.
const FRAMING: [&str; 7] = [
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "expect",
    "host",
    "via",
];

/// Reads the header name of a credential.
///
/// # Errors
/// When it is no field name (RFC 9110 section 5.6.2), or one with which a credential would change where the message ends, where it goes,
/// or what it seems to be.
pub fn may_be_configured(text: &str) -> Result<HeaderName, HeaderNameError> {
    // `HeaderName` takes no colon, so that pseudo-fields are none; nor a space, nor a line break.
    let name = HeaderName::from_bytes(text.as_bytes()).map_err(|_| HeaderNameError::Malformed)?;
    let folded = folded(&name);
    if FRAMING.contains(&&*folded) || is_hop_by_hop(&folded) || is_forwarding(&folded) || is_own(&folded) {
        return Err(HeaderNameError::Reserved);
    }
    Ok(name)
}

/// Why a header name is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HeaderNameError {
    /// No field name.
    #[error("a header name has letters, digits and !#$%&'*+-.^_`|~ only")]
    Malformed,
    /// A name that the gateway or HTTP itself sets.
    #[error("this header cannot hold a credential: the gateway or HTTP itself sets it")]
    Reserved,
}

impl HeaderNameError {
    /// A stable word for callers that decide by it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "header_name_malformed",
            Self::Reserved => "header_name_reserved",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_apis_use_may_be_configured() {
        for name in [
            "Authorization",
            "X-Api-Key",
            "api_key",
            "PRIVATE-TOKEN",
            "Cookie",
            "x-goog-api-key",
            "DD-API-KEY",
        ] {
            assert_eq!(
                may_be_configured(name).unwrap().as_str(),
                name.to_ascii_lowercase()
            );
        }
    }

    #[test]
    fn names_that_http_or_the_gateway_sets_may_not() {
        for name in [
            "Host",
            "HOST",
            "Content-Length",
            "content_length",
            "Content-Type",
            "Transfer-Encoding",
            "Connection",
            "Keep-Alive",
            "Upgrade",
            "Te",
            "Trailer",
            "Expect",
            "Via",
            "Proxy-Authorization",
            "Proxy-Connection",
            "proxy_anything",
            "Forwarded",
            "X-Forwarded-For",
            "X_Forwarded_Host",
            "X-Real-IP",
            "X-Original-URL",
            "Countersign-Credential",
        ] {
            assert_eq!(may_be_configured(name), Err(HeaderNameError::Reserved), "{name}");
        }
    }

    #[test]
    fn what_is_no_name_may_not() {
        for name in [
            "",
            " ",
            ":authority",
            ":path",
            "a:b",
            "X-Key\r\nHost",
            "X-Key ",
            "X Key",
            "x\0y",
            "sch\u{fc}ssel",
            "a\"b",
        ] {
            assert_eq!(
                may_be_configured(name),
                Err(HeaderNameError::Malformed),
                "{name:?}"
            );
        }
    }
}
