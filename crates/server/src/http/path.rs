//! Tolerance for paths: SDKs and guides send trailing slashes and doubled ones (wire contract 1).

use http::Uri;
use http::uri::PathAndQuery;

/// The URI with doubled slashes collapsed and a trailing one dropped; `None` when it is as it should be.
pub fn tidy(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    let untidy = path.contains("//") || (path.len() > 1 && path.ends_with('/'));
    // A proxy may guard /admin by comparing paths, and `//admin` must not get around it. No SDK calls it. At the gateway the path is
    // the provider's affair, and judged as it came.
    let first = path.trim_start_matches('/');
    if !untidy || first.starts_with("admin") || first.starts_with("gateway") {
        return None;
    }
    let mut tidied = String::with_capacity(path.len());
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        tidied.push('/');
        tidied.push_str(segment);
    }
    if tidied.is_empty() {
        tidied.push('/');
    }
    if let Some(query) = uri.query() {
        tidied.push('?');
        tidied.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(tidied).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_are_tidied_and_nothing_else() {
        for (untidy, expected) in [
            ("/v1/m2m/clients/", Some("/v1/m2m/clients")),
            ("//v1//m2m/clients", Some("/v1/m2m/clients")),
            ("/v1/a/?x=//y/", Some("/v1/a?x=//y/")),
            ("/v1/a/%2F%2F/", Some("/v1/a/%2F%2F")),
            ("/", None),
            ("//", Some("/")),
            ("//admin/v1/projects", None),
            ("/admin/v1/projects/", None),
            ("/gateway/p/acme//v1/", None),
            ("//gateway/p/acme", None),
            ("/v1/m2m/clients?x=1", None),
        ] {
            let tidied = tidy(&untidy.parse().unwrap());
            assert_eq!(tidied.map(|uri| uri.to_string()).as_deref(), expected, "{untidy}");
        }
    }
}
