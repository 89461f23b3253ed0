//! Kinds of field names, compared as a careless reader behind us might compare them.

use std::borrow::Cow;

use http::HeaderName;

/// Fields that speak of one connection (RFC 9110 section 7.6.1), and those that only have a meaning beside them.
/// `proxy-*` is a prefix of its own.
const HOP_BY_HOP: [&str; 7] = [
    "connection",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Where a request is said to come from or to be meant for, by whoever sent it. Frameworks believe these over the
/// request itself.
const FORWARDING: [&str; 22] = [
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "client-ip",
    "fastly-client-ip",
    "forwarded",
    "true-client-ip",
    "wl-proxy-client-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-forwarded",
    "x-host",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-host",
    "x-original-method",
    "x-original-uri",
    "x-original-url",
    "x-override-url",
    "x-real-ip",
    "x-rewrite-uri",
    "x-rewrite-url",
];
const FORWARDING_PREFIXES: [&str; 3] = ["x-forwarded-", "x-original-forwarded-", "x-envoy-"];

/// Our own words, to us and from us.
const OWN_PREFIX: &str = "countersign-";

/// The name as CGI and its heirs see it: all that is neither letter nor digit is one and the same character there, so
/// that `x_api_key` and `x.api.key` arrive as `X-Api-Key`.
pub(super) fn folded(name: &HeaderName) -> Cow<'_, str> {
    let text = name.as_str();
    if text.bytes().all(is_plain) {
        return text.into();
    }
    text.chars()
        .map(|character| {
            if character.is_ascii_alphanumeric() {
                character
            } else {
                '-'
            }
        })
        .collect::<String>()
        .into()
}

fn is_plain(byte: u8) -> bool {
    byte == b'-' || byte.is_ascii_alphanumeric()
}

/// Whether the folded name speaks of one connection.
pub(super) fn is_hop_by_hop(folded: &str) -> bool {
    HOP_BY_HOP.contains(&folded) || folded.starts_with("proxy-")
}

/// Whether the folded name claims where a request comes from or goes to.
pub(super) fn is_forwarding(folded: &str) -> bool {
    FORWARDING.contains(&folded)
        || FORWARDING_PREFIXES
            .iter()
            .any(|prefix| folded.starts_with(prefix))
}

/// Whether the folded name is one of our own.
pub(super) fn is_own(folded: &str) -> bool {
    folded.starts_with(OWN_PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_arrive_as_one_are_one() {
        for name in ["X-Api-Key", "x_api_key", "X.API.KEY", "x-api_key", "x~api!key"] {
            assert_eq!(folded(&name.parse().unwrap()), "x-api-key", "{name}");
        }
    }

    #[test]
    fn lists_hold_folded_names() {
        for name in HOP_BY_HOP.iter().chain(&FORWARDING).chain(&FORWARDING_PREFIXES) {
            assert!(
                name.bytes()
                    .all(|byte| byte == b'-' || byte.is_ascii_lowercase() || byte.is_ascii_digit()),
                "{name}"
            );
        }
    }
}
