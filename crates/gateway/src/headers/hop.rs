//! What `Connection` says about the other fields.

use http::header::{CONNECTION, HeaderMap, HeaderName, UPGRADE};

/// The only protocol that is switched to.
pub(super) const WEBSOCKET: &str = "websocket";

/// The members of a field that is a list (RFC 9110 section 5.6.1), over all its lines. `None` stands for a value that
/// is no text.
pub(super) fn members<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = Option<&'a str>> {
    headers.get_all(name).iter().flat_map(|value| {
        let (text, unreadable) = match value.to_str() {
            Ok(text) => (text, None),
            Err(_) => ("", Some(None)),
        };
        let members = text.split(',').map(str::trim).filter(|member| !member.is_empty());
        members.map(Some).chain(unreadable)
    })
}

/// The field names that `Connection` nominates, `close` among them. `None` stands for one that is no name.
pub(super) fn nominated(headers: &HeaderMap) -> Vec<Option<HeaderName>> {
    members(headers, &CONNECTION)
        .map(|member| member.and_then(|text| HeaderName::from_bytes(text.as_bytes()).ok()))
        .collect()
}

/// Whether the message asks for, or agrees to, a WebSocket and nothing else.
pub(super) fn is_websocket_alone(headers: &HeaderMap) -> bool {
    let mut protocols = members(headers, &UPGRADE);
    let first = protocols.next().flatten();
    let is_nominated = members(headers, &CONNECTION)
        .flatten()
        .any(|member| member.eq_ignore_ascii_case(UPGRADE.as_str()));
    is_nominated
        && protocols.next().is_none()
        && first.is_some_and(|protocol| protocol.eq_ignore_ascii_case(WEBSOCKET))
}
