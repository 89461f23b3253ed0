//! An answer as it stood on the wire. What holds for every answer is checked on every one, in whichever test it came.

use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;

pub(crate) const API_KEYS: [&str; 5] = [
    "error_message",
    "error_type",
    "error_url",
    "request_id",
    "status_code",
];
/// Those that an error of the gateway has beside.
const GATEWAY_KEYS: [&str; 4] = ["arguments", "needed_scope", "reason", "rule"];
pub(crate) const OAUTH_KEYS: [&str; 5] = [
    "error",
    "error_description",
    "error_uri",
    "request_id",
    "status_code",
];

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) async fn read(method: &Method, path: &str, response: Response) -> Self {
        let (head, body) = response.into_parts();
        let answer = Self {
            status: head.status,
            headers: head.headers,
            body: body.collect().await.unwrap().to_bytes(),
        };
        answer.check_headers();
        if *method == Method::HEAD {
            assert!(answer.body.is_empty());
        } else if answer.status.is_client_error() || answer.status.is_server_error() {
            answer.check_error();
        } else if path.trim_start_matches('/').starts_with("v1/") && !path.ends_with("jwks.json") {
            answer.check_success();
        }
        answer
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(HeaderName::try_from(name).unwrap())
            .map(|value| value.to_str().unwrap())
    }

    pub(crate) fn request_id(&self) -> &str {
        self.header("x-request-id")
            .expect("every answer has a request id")
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// A success; its body.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()
    }

    /// An error in the API's style; its body.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, error_type: &str) -> Value {
        let body = self.json();
        assert_eq!(
            (self.status.as_u16(), body["error_type"].as_str()),
            (status, Some(error_type)),
            "{body}"
        );
        body
    }

    /// An error in the style of RFC 6749; its body.
    #[track_caller]
    pub(crate) fn oauth(&self, status: u16, code: &str) -> Value {
        let body = self.json();
        assert_eq!(
            (self.status.as_u16(), body["error"].as_str()),
            (status, Some(code)),
            "{body}"
        );
        body
    }

    /// Everything but the request id, as text: equal texts are answers that nobody can tell apart.
    pub(crate) fn without_request_id(&self) -> String {
        let mut headers: Vec<_> = self
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value:?}"))
            .collect();
        headers.sort_unstable();
        let text = format!("{}\n{}\n{}", self.status, headers.join("\n"), self.text());
        text.replace(self.request_id(), "…")
    }

    fn check_headers(&self) {
        let id = self.request_id();
        let uuid = id
            .strip_prefix("request-id-test-")
            .or_else(|| id.strip_prefix("request-id-live-"));
        assert!(
            uuid.is_some_and(|uuid| uuid.len() == 36 && uuid.as_bytes()[14] == b'4'),
            "{id}"
        );
        assert_eq!(self.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(self.header("referrer-policy"), Some("no-referrer"));
        assert!(self.header("cache-control").is_some(), "{:?}", self.headers);
    }

    /// One style or the other, never both: the Rust SDK reads the names as aliases and fails (wire contract 4.5).
    fn check_error(&self) {
        let text = self.text();
        assert_eq!(self.header("content-type"), Some("application/json"), "{text}");
        assert_eq!(self.header("cache-control"), Some("no-store"), "{text}");
        let body = self.json();
        let mut keys = sorted_keys(&body);
        if self.header("countersign-error") == Some("gateway") {
            assert!(body["reason"].is_string(), "{text}");
            keys.retain(|key| !GATEWAY_KEYS.contains(key));
        }
        let (name, page) = if keys == API_KEYS {
            (&body["error_type"], &body["error_url"])
        } else {
            assert_eq!(keys, OAUTH_KEYS, "{text}");
            (&body["error"], &body["error_uri"])
        };
        assert_eq!(
            page.as_str().unwrap(),
            format!("https://id.example/errors/{}", name.as_str().unwrap())
        );
        assert!(
            body.as_object().unwrap().values().all(|value| !value.is_null()),
            "{text}"
        );
        let message = body
            .get("error_message")
            .or(body.get("error_description"))
            .unwrap();
        let message = message.as_str().unwrap();
        assert!(
            message.ends_with('.') && message.len() > 10,
            "a sentence: {message:?}"
        );
        self.check_envelope(&body);
    }

    fn check_success(&self) {
        assert_eq!(
            self.status,
            200,
            "the wire knows no other success: {}",
            self.text()
        );
        assert_eq!(self.header("content-type"), Some("application/json"));
        let body = self.json();
        self.check_envelope(&body);
        // Flattened structs could write a name twice, and a reader keeps one of them: then something would be missing.
        assert_eq!(
            body.to_string().len(),
            self.body.len(),
            "no name twice: {}",
            self.text()
        );
    }

    fn check_envelope(&self, body: &Value) {
        assert_eq!(body["status_code"], self.status.as_u16(), "{body}");
        assert_eq!(body["request_id"], self.request_id(), "{body}");
    }
}

/// The names of an object's members, sorted.
#[track_caller]
pub(crate) fn sorted_keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = value
        .as_object()
        .unwrap_or_else(|| panic!("no object: {value}"))
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    keys
}
