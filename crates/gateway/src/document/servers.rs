//! Servers of a document.

use serde::{Deserialize, Serialize};
use url::Url;

use super::node::Node;

/// Where an operation's calls go, as its document has it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OperationServer {
    /// To the server of the whole document.
    #[default]
    Document,
    /// To a server of its own: calls are refused until the operator lists its host, because a credential belongs to the
    /// hosts that it was given for.
    Own(String),
    /// To a server of its own whose URL cannot be used; there are no calls.
    Unusable,
}

impl OperationServer {
    pub(super) fn is_document(&self) -> bool {
        *self == Self::Document
    }
}

/// The server of an operation: the first of its own, else the first of its path. `document` is the first server of the
/// document.
pub(super) fn operation_server(
    item: &Node,
    operation: &Node,
    document: Option<&str>,
    source: Option<&Url>,
) -> OperationServer {
    let Some(given) = operation
        .list("servers")
        .iter()
        .chain(item.list("servers"))
        .next()
    else {
        return OperationServer::Document;
    };
    let document_url = document.and_then(|url| Url::parse(url).ok());
    match server_url(given, source.or(document_url.as_ref())) {
        Some(url) if Some(url.as_str()) == document => OperationServer::Document,
        Some(url) => OperationServer::Own(url),
        None => OperationServer::Unusable,
    }
}

/// The server's URL with the defaults of its variables, without a slash behind it. A relative one is relative to
/// `source`. `None` for what is not http or https, and for one with credentials, a query or a fragment.
pub(super) fn server_url(server: &Node, source: Option<&Url>) -> Option<String> {
    let filled = filled(server.text("url")?, server.get("variables"))?;
    let url = Url::options().base_url(source).parse(&filled).ok()?;
    let is_plain = matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none_or(str::is_empty)
        && url.fragment().is_none_or(str::is_empty);
    is_plain.then(|| {
        let whole = url.origin().ascii_serialization() + url.path();
        whole.trim_end_matches('/').to_owned()
    })
}

/// The template with its variables' defaults; `None` where one has none.
fn filled(template: &str, variables: Option<&Node>) -> Option<String> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('{') {
        let (name, after) = behind.split_once('}')?;
        text.push_str(before);
        text.push_str(variables?.get(name)?.text("default")?);
        rest = after;
    }
    text.push_str(rest);
    (!text.contains(['{', '}'])).then_some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn url(server: &Value, source: Option<&str>) -> Option<String> {
        let source = source.map(|source| Url::parse(source).unwrap());
        server_url(&Node::from_json(server), source.as_ref())
    }

    #[test]
    fn a_server_is_an_http_url_with_its_variables_filled() {
        let regional = json!({
            "url": "https://{region}.example.com/v1/", "variables": {"region": {"default": "eu"}}
        });
        assert_eq!(url(&regional, None).as_deref(), Some("https://eu.example.com/v1"));
        assert_eq!(
            url(&json!({"url": "HTTPS://Example.com:443"}), None).as_deref(),
            Some("https://example.com")
        );
        let source = Some("https://docs.example.com/api/openapi.json");
        assert_eq!(
            url(&json!({"url": "/v2"}), source).as_deref(),
            Some("https://docs.example.com/v2")
        );
        assert_eq!(
            url(&json!({"url": "v2/"}), source).as_deref(),
            Some("https://docs.example.com/api/v2")
        );
    }

    #[test]
    fn what_cannot_be_called_is_no_server() {
        for server in [
            json!({"url": "/v2"}),
            json!({"url": "https://{region}.example.com"}),
            json!({"url": "https://{region}.example.com", "variables": {"region": {}}}),
            json!({"url": "ftp://example.com"}),
            json!({"url": "https://user:pa55@example.com"}),
            json!({"url": "https://example.com?a=b"}),
            json!({"url": "https://example.com#a"}),
            json!({"url": 1}),
            json!(null),
        ] {
            assert_eq!(url(&server, None), None, "{server}");
        }
    }

    #[test]
    fn an_operation_with_a_server_of_its_own_is_told_from_the_others() {
        let own = |item: &Value, operation: &Value| {
            let document = Some("https://example.com/v1");
            operation_server(
                &Node::from_json(item),
                &Node::from_json(operation),
                document,
                None,
            )
        };
        let other = json!({"servers": [{"url": "https://other.example.com/"}]});
        let same = json!({"servers": [{"url": "https://EXAMPLE.com/v1/"}]});
        assert_eq!(own(&json!({}), &json!({})), OperationServer::Document);
        assert_eq!(
            own(&other, &json!({})),
            OperationServer::Own("https://other.example.com".to_owned())
        );
        assert_eq!(own(&other, &same), OperationServer::Document);
        assert_eq!(
            own(&same, &other),
            OperationServer::Own("https://other.example.com".to_owned())
        );
        let relative = json!({"servers": [{"url": "/v2"}]});
        assert_eq!(
            own(&json!({}), &relative),
            OperationServer::Own("https://example.com/v2".to_owned())
        );
        let broken = json!({"servers": [{"url": "https://{x}"}]});
        assert_eq!(own(&broken, &json!({})), OperationServer::Unusable);
    }
}
