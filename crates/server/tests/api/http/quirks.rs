//! What the eight SDKs send that a strict server would refuse (wire contract 1.2): an entry for each, in an order in which
//! they can be sent to one client.

use http::Method;

use crate::support::caller::JSON;

pub(super) struct Quirk {
    pub(super) who: &'static str,
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) content_type: Option<&'static str>,
    pub(super) body: &'static str,
}

const CLIENT: &str = "/v1/m2m/clients/m2m-client-test-1";
const ENCODED_CLIENT: &str = "/v1/m2m/clients/m2m%2Dclient%2Dtest%2D1";
const NULLS_CREATE: &str = r#"{"scopes":["a"],"client_id":null,"client_secret":null,"client_name":null,"client_description":null,"trusted_metadata":null}"#;
const NULLS_UPDATE: &str = r#"{"client_id":"m2m-client-test-1","client_name":"x","client_description":null,"status":null,"scopes":null,"trusted_metadata":null}"#;
const JAVA_UPDATE: &str = r#"{"client_name":"x","scopes":[],"trusted_metadata":{}}"#;

pub(super) fn quirks() -> Vec<Quirk> {
    let utf8 = Some("application/json; charset=utf-8");
    let json = Some(JSON);
    let lines = [
        (
            ".NET: a charset",
            Method::POST,
            "/v1/m2m/clients",
            utf8,
            r#"{"scopes":["a"]}"#,
        ),
        (
            "upper case",
            Method::POST,
            "/v1/m2m/clients",
            Some("Application/JSON;Charset=UTF-8"),
            r#"{"scopes":["a"]}"#,
        ),
        (
            "a media type of JSON's family",
            Method::POST,
            "/v1/m2m/clients",
            Some("application/vnd.api+json"),
            r#"{"scopes":["a"]}"#,
        ),
        (
            "no media type at all",
            Method::POST,
            "/v1/m2m/clients",
            None,
            r#"{"scopes":["a"]}"#,
        ),
        (
            "Go: no scopes",
            Method::POST,
            "/v1/m2m/clients",
            json,
            r#"{"client_name":"x"}"#,
        ),
        (
            "Rust, PHP: nulls on create",
            Method::POST,
            "/v1/m2m/clients",
            json,
            NULLS_CREATE,
        ),
        (
            "Java: empty metadata",
            Method::POST,
            "/v1/m2m/clients",
            json,
            r#"{"scopes":["a"],"trusted_metadata":{}}"#,
        ),
        (
            "PHP: an empty array as object",
            Method::POST,
            "/v1/m2m/clients",
            json,
            r#"{"scopes":[],"trusted_metadata":[]}"#,
        ),
        (
            "an unknown field",
            Method::POST,
            "/v1/m2m/clients",
            json,
            r#"{"scopes":[],"organization":{"id":1}}"#,
        ),
        ("no body", Method::POST, "/v1/m2m/clients", json, ""),
        (
            "curl in the guides: trailing slash",
            Method::POST,
            "/v1/m2m/clients/",
            json,
            "{}",
        ),
        ("Rust: GET with a body", Method::GET, ENCODED_CLIENT, json, "{}"),
        (
            "Rust: GET with a query",
            Method::GET,
            "/v1/m2m/clients/m2m%2Dclient%2Dtest%2D1?client_id=m2m-client-test-1",
            json,
            "{}",
        ),
        (
            "Python: GET with a query",
            Method::GET,
            "/v1/m2m/clients/m2m-client-test-1?client_id=m2m-client-test-1",
            None,
            "",
        ),
        ("Ruby: an unencoded path", Method::GET, CLIENT, None, ""),
        (
            "Rust: GET whoami with null",
            Method::GET,
            "/v1/debug/whoami",
            json,
            "null",
        ),
        (
            "Node: search with {}",
            Method::POST,
            "/v1/m2m/clients/search",
            json,
            "{}",
        ),
        (
            "Rust: search with nulls",
            Method::POST,
            "/v1/m2m/clients/search",
            json,
            r#"{"cursor":null,"limit":null,"query":null}"#,
        ),
        (
            "PHP: search with []",
            Method::POST,
            "/v1/m2m/clients/search",
            json,
            "[]",
        ),
        (
            "PHP: search without a body",
            Method::POST,
            "/v1/m2m/clients/search",
            None,
            "",
        ),
        (
            "Python: PUT with the id",
            Method::PUT,
            CLIENT,
            json,
            r#"{"client_id":"m2m-client-test-1","client_name":"x"}"#,
        ),
        (
            "Rust: nulls on update",
            Method::PUT,
            ENCODED_CLIENT,
            json,
            NULLS_UPDATE,
        ),
        ("Java: update", Method::PUT, CLIENT, json, JAVA_UPDATE),
        (
            "PHP: update with an empty array",
            Method::PUT,
            CLIENT,
            json,
            r#"{"trusted_metadata":[]}"#,
        ),
        ("update without a body", Method::PUT, CLIENT, json, ""),
        (
            "Node: start with {}",
            Method::POST,
            "/v1/m2m/clients/m2m-client-test-1/secrets/rotate/start",
            json,
            "{}",
        ),
        (
            "PHP: cancel without a body",
            Method::POST,
            "/v1/m2m/clients/m2m-client-test-1/secrets/rotate/cancel",
            None,
            "",
        ),
        (
            "Go: start with the id",
            Method::POST,
            "/v1/m2m/clients/m2m-client-test-1/secrets/rotate/start",
            json,
            r#"{"client_id":"m2m-client-test-1"}"#,
        ),
        (
            "Rust: complete with the id",
            Method::POST,
            "/v1/m2m/clients/m2m%2Dclient%2Dtest%2D1/secrets/rotate",
            json,
            r#"{"client_id":"m2m-client-test-1"}"#,
        ),
        (
            ".NET: DELETE with the id",
            Method::DELETE,
            CLIENT,
            utf8,
            r#"{"client_id":"m2m-client-test-1"}"#,
        ),
    ];
    let to_quirk = |(who, method, path, content_type, body)| Quirk {
        who,
        method,
        path,
        content_type,
        body,
    };
    lines.into_iter().map(to_quirk).collect()
}
