//! Security schemes of a document: what a credential for it may be like.

use serde::{Deserialize, Serialize};
use url::Url;

use super::argument::Place;
use super::node::Node;
use super::reference::resolve;

/// How an API wants to know who calls.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "type")]
pub enum SecurityScheme {
    /// HTTP Basic (RFC 7617).
    Basic,
    /// A bearer token (RFC 6750), from wherever.
    Bearer,
    /// A token of OAuth 2.0 or OpenID Connect.
    #[serde(rename_all = "camelCase")]
    OAuth2 {
        /// Where client credentials get one, if the document says so. It is text of a stranger: nothing is sent there
        /// before the operator says so too.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token_url: Option<String>,
    },
    /// A key under a name.
    ApiKey {
        /// In the query, a header or a cookie.
        place: Place,
        /// Its name there.
        name: String,
    },
    /// A client's certificate.
    MutualTls,
    /// Anything else.
    Other,
}

impl SecurityScheme {
    pub(super) fn read(root: &Node, given: &Node) -> Self {
        let source = resolve(root, given);
        match source.text("type") {
            Some("http") => match source.text("scheme").map(str::to_ascii_lowercase).as_deref() {
                Some("basic") => Self::Basic,
                Some("bearer") => Self::Bearer,
                _ => Self::Other,
            },
            Some("oauth2") => {
                let flow = source
                    .get("flows")
                    .and_then(|flows| flows.get("clientCredentials"));
                let token_url = flow.and_then(|flow| flow.text("tokenUrl"));
                Self::OAuth2 {
                    token_url: token_url.map(str::to_owned),
                }
            }
            Some("openIdConnect") => Self::OAuth2 { token_url: None },
            Some("mutualTLS") => Self::MutualTls,
            Some("apiKey") => {
                let place = source
                    .text("in")
                    .and_then(Place::of_parameter)
                    .filter(|place| *place != Place::Path);
                match (place, source.text("name")) {
                    (Some(place), Some(name)) => Self::ApiKey {
                        place,
                        name: name.to_owned(),
                    },
                    _ => Self::Other,
                }
            }
            _ => Self::Other,
        }
    }
}

/// A path at which the API gives tokens.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenPath {
    /// From the root of its host.
    pub whole: String,
    /// Below the document's first server, if it lies there: the provider may be elsewhere under another path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below_server: Option<String>,
}

/// Where a scheme's tokens are asked for and renewed, by whichever flow.
pub(super) fn token_paths(root: &Node, given: &Node, server: Option<&str>) -> Vec<TokenPath> {
    let base = server.and_then(|server| Url::parse(&format!("{server}/")).ok());
    let flows = resolve(root, given).get("flows").and_then(Node::as_object);
    let texts = flows.into_iter().flatten().flat_map(|(_, flow)| {
        let flow = resolve(root, flow);
        ["tokenUrl", "refreshUrl"]
            .into_iter()
            .filter_map(|name| flow.text(name))
    });
    let absolute = |text: &str| match &base {
        Some(base) => base.join(text).ok(),
        None => Url::parse(text).ok(),
    };
    let urls = texts.filter_map(absolute).filter(|url| url.path() != "/");
    urls.map(|url| TokenPath {
        below_server: base.as_ref().and_then(|base| below(base, &url)),
        whole: url.path().to_owned(),
    })
    .collect()
}

fn below(base: &Url, url: &Url) -> Option<String> {
    let rest = url.path().strip_prefix(base.path().trim_end_matches('/'))?;
    (base.origin() == url.origin() && rest.starts_with('/')).then(|| rest.to_owned())
}

/// Sets of schemes, one of which is needed; none where nothing is. An operation's own win over the document's.
pub(super) fn requirement(root: &Node, operation: &Node) -> Vec<Vec<String>> {
    let source = match operation.get("security") {
        None | Some(Node::Null) => root,
        Some(_) => operation,
    };
    let names = |set: &Node| {
        set.as_object()
            .into_iter()
            .flat_map(|set| set.keys().cloned())
            .collect()
    };
    let sets: Vec<Vec<String>> = source.list("security").iter().map(names).collect();
    if sets.iter().all(Vec::is_empty) {
        Vec::new()
    } else {
        sets
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(scheme: &Value) -> SecurityScheme {
        SecurityScheme::read(&Node::Null, &Node::from_json(scheme))
    }

    #[test]
    fn schemes_are_told_apart() {
        assert_eq!(
            read(&json!({"type": "http", "scheme": "BASIC"})),
            SecurityScheme::Basic
        );
        assert_eq!(
            read(&json!({"type": "http", "scheme": "bearer"})),
            SecurityScheme::Bearer
        );
        assert_eq!(
            read(&json!({"type": "http", "scheme": "digest"})),
            SecurityScheme::Other
        );
        assert_eq!(read(&json!({"type": "mutualTLS"})), SecurityScheme::MutualTls);
        let flows = json!({"clientCredentials": {"tokenUrl": "https://example.com/token"}});
        let token_url = Some("https://example.com/token".to_owned());
        assert_eq!(
            read(&json!({"type": "oauth2", "flows": flows})),
            SecurityScheme::OAuth2 { token_url }
        );
        let key = json!({"type": "apiKey", "in": "header", "name": "X-Key"});
        assert_eq!(
            read(&key),
            SecurityScheme::ApiKey {
                place: Place::Header,
                name: "X-Key".to_owned()
            }
        );
        assert_eq!(
            read(&json!({"type": "apiKey", "in": "path", "name": "k"})),
            SecurityScheme::Other
        );
        assert_eq!(read(&json!(null)), SecurityScheme::Other);
    }

    #[test]
    fn the_requirement_of_an_operation_wins_also_when_it_is_none() {
        let root = Node::from_json(&json!({"security": [{"key": []}, {"a": [], "b": ["scope"]}]}));
        let of = |operation: Value| requirement(&root, &Node::from_json(&operation));
        assert_eq!(of(json!({})), [vec!["key"], vec!["a", "b"]]);
        assert_eq!(
            of(json!({"security": [{}, {"token": []}]})),
            [vec![], vec!["token".to_owned()]]
        );
        assert!(of(json!({"security": []})).is_empty());
        assert!(of(json!({"security": [{}]})).is_empty());
    }
}
