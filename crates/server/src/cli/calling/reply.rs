//! Answers, and what a bad one means for the command.

use anyhow::Context;
use http::header::{LOCATION, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::cli::exit::Exit;
use crate::cli::printing::printable;

/// Most characters that are shown of what another program says.
const SHOWN_CHARS: usize = 500;

/// `error_type`s of the API that contradict a state and not a rule. The wire answers them with 400, as its model does.
const STATE_ERRORS: &[&str] = &[
    "duplicate_m2m_client_id",
    "duplicate_project_id",
    "key_already_announced",
    "m2m_client_already_rotating_secret",
    "m2m_client_not_rotating_secret",
    "write_conflict",
];

/// Any answer, good or bad.
pub(crate) struct Reply {
    /// Its status.
    pub(crate) status: StatusCode,
    /// Its headers.
    pub(crate) headers: HeaderMap,
    /// Its body.
    pub(crate) text: String,
    /// The server's certificate, over https.
    pub(crate) certificate: Option<Vec<u8>>,
}

/// A good answer.
pub(crate) struct Answer {
    /// As it came.
    pub(crate) text: String,
    /// What it says.
    pub(crate) value: Value,
}

/// What another program says of itself, on a terminal: no escapes, and no more than a person reads.
fn shown(text: &str) -> String {
    printable(&text.chars().take(SHOWN_CHARS).collect::<String>())
}

impl Reply {
    /// The answer, if it is a good one.
    pub(crate) fn good(self) -> anyhow::Result<Answer> {
        if !self.status.is_success() {
            return Err(self.refusal());
        }
        let value = serde_json::from_str(&self.text)
            .map_err(|_| anyhow::anyhow!("the answer is not JSON: is this a Countersign server?"))?;
        Ok(Answer {
            text: self.text,
            value,
        })
    }

    /// A bad answer as the error that ends the command: in the API's words, with what finds it in log and guide.
    pub(crate) fn refusal(&self) -> anyhow::Error {
        let body: Value = serde_json::from_str(&self.text).unwrap_or_default();
        let text = |api: &str, oauth: &str| {
            let member = body.get(api).or_else(|| body.get(oauth));
            member.and_then(Value::as_str).map(shown)
        };
        let Some(kind) = text("error_type", "error") else {
            return self.foreign();
        };
        let message = text("error_message", "error_description").unwrap_or_default();
        let request_id = text("request_id", "").unwrap_or_default();
        let page = text("error_url", "error_uri").unwrap_or_default();
        let wait = self
            .headers
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok());
        let wait = wait.and_then(|seconds| seconds.parse::<u64>().ok());
        let wait = wait.map_or_else(String::new, |seconds| format!(" Try again in {seconds} s."));
        self.exit(&kind).because(format!(
            "{message}{wait} ({kind}, request id {request_id})\n       see {page}"
        ))
    }

    fn exit(&self, kind: &str) -> Exit {
        match self.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Exit::NotAuthorised,
            // RFC 6749 section 5.2 lets a wrong secret in a body be 400.
            _ if kind == "invalid_client" => Exit::NotAuthorised,
            _ if STATE_ERRORS.contains(&kind) => Exit::Refused,
            StatusCode::NOT_FOUND => Exit::NotFound,
            StatusCode::CONFLICT => Exit::Refused,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Exit::Unavailable,
            _ => Exit::Failed,
        }
    }

    /// Somebody else answered: a proxy, or another service.
    fn foreign(&self) -> anyhow::Error {
        let status = self.status;
        let exit = match status {
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                Exit::Unavailable
            }
            _ => Exit::Failed,
        };
        let to = self.headers.get(LOCATION);
        let hint = match to.and_then(|value| value.to_str().ok()) {
            Some(to) => format!(
                "redirects are not followed; is {} the right address?",
                to.escape_default()
            ),
            None => "is this the address of a Countersign server?".to_owned(),
        };
        exit.because(format!("the answer {status} is not from Countersign: {hint}"))
    }
}

impl Answer {
    /// The objects at `pointer`.
    pub(crate) fn array(&self, pointer: &str) -> &[Value] {
        let found = self.value.pointer(pointer).and_then(Value::as_array);
        found.map_or(&[], Vec::as_slice)
    }

    /// The text at `pointer`.
    pub(crate) fn text_at(&self, pointer: &str) -> anyhow::Result<&str> {
        let found = self.value.pointer(pointer).and_then(Value::as_str);
        found.with_context(|| format!("the answer lacks {pointer}"))
    }

    /// Without the member at `pointer`, which must not be printed.
    pub(crate) fn without(mut self, pointer: &str) -> Self {
        if let Some((parent, name)) = pointer.rsplit_once('/')
            && let Some(parent) = self.value.pointer_mut(parent).and_then(Value::as_object_mut)
        {
            parent.remove(name);
        }
        self.text = self.value.to_string();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_keep_the_words_of_the_api() {
        let reply = |status: u16, body: &str| Reply {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            text: body.to_owned(),
            certificate: None,
        };
        let error = reply(
            400,
            r#"{"error_type":"m2m_client_not_rotating_secret","error_message":"No.","request_id":"r","error_url":"u"}"#,
        );
        let text = error.refusal().to_string();
        assert!(
            text.contains("No. (m2m_client_not_rotating_secret, request id r)"),
            "{text}"
        );
        assert_eq!(error.exit("m2m_client_not_rotating_secret"), Exit::Refused);
        assert_eq!(reply(400, "").exit("invalid_client"), Exit::NotAuthorised);
        assert!(
            reply(502, "<html>")
                .refusal()
                .to_string()
                .contains("not from Countersign")
        );
    }

    #[test]
    fn a_member_can_be_kept_from_being_printed() {
        let value: Value = serde_json::from_str(r#"{"a":{"secret":"s","b":1}}"#).unwrap();
        let text = value.to_string();
        let answer = Answer { text, value }.without("/a/secret");
        assert_eq!(answer.text, r#"{"a":{"b":1}}"#);
    }
}
