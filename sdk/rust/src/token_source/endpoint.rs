//! One request to the token endpoint (RFC 6749 section 4.4).

use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use reqwest::{Client, StatusCode, Url};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Number;
use tokio::time::Instant;

use super::secret::Secret;
use super::{AccessToken, TokenError, words};
use crate::http;

/// The most bytes of an answer. A token has at most 16 KiB.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// No token is believed to live longer: a year.
const LONGEST_LIFE: Duration = Duration::from_secs(366 * 24 * 3600);

/// A token endpoint, and what is asked there.
#[derive(Clone)]
pub(super) struct Endpoint {
    pub(super) http: Client,
    pub(super) url: Url,
    pub(super) client_id: String,
    pub(super) secret: Secret,
    pub(super) scopes: Vec<String>,
    pub(super) resources: Vec<String>,
}

/// A token that was just issued.
pub(super) struct Issued {
    pub(super) token: AccessToken,
    pub(super) lifetime: Duration,
    pub(super) asked_at: Instant,
}

/// The members of a good answer that count here.
#[derive(Deserialize)]
struct Good {
    access_token: String,
    token_type: String,
    expires_in: Number,
}

/// The members of a refusal, in both of the server's styles.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Bad {
    error: Option<String>,
    error_description: Option<String>,
    error_type: Option<String>,
    error_message: Option<String>,
    request_id: Option<String>,
}

impl Endpoint {
    /// Asks once, for at most `timeout`, in which the secret has to be brought too.
    pub(super) async fn ask(&self, timeout: Duration) -> Result<Issued, TokenError> {
        let began = Instant::now();
        let secret = self.secret.get(timeout).await?;
        let asked_at = Instant::now();
        let response = self
            .http
            .post(self.url.clone())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .timeout(timeout.saturating_sub(asked_at - began))
            .body(self.form(&secret))
            .send()
            .await
            .map_err(unanswered)?;
        let (status, headers) = (response.status(), response.headers().clone());
        if status.is_redirection() || *response.url() != self.url {
            return Err(TokenError::Redirected {
                status: status.as_u16(),
            });
        }
        let bad = |problem| TokenError::InvalidAnswer {
            status: status.as_u16(),
            problem,
        };
        let body = http::body(response, MAX_ANSWER_BYTES)
            .await
            .map_err(unanswered)?
            .map(Zeroizing::new);
        if status != StatusCode::OK {
            return Err(refused(status, &headers, body.as_deref(), &secret));
        }
        let body = body.ok_or(bad("it is too long"))?;
        let good: Good = serde_json::from_slice(&body)
            .map_err(|_| bad("it is no JSON object with access_token, token_type and expires_in"))?;
        if !good.token_type.eq_ignore_ascii_case("bearer") {
            return Err(bad("it is of another type than bearer"));
        }
        let lifetime = lifetime(&good.expires_in)
            .ok_or(bad("its expires_in is not a whole number of seconds above zero"))?;
        let token = AccessToken::new(good.access_token.into(), asked_at + lifetime)
            .ok_or(bad("its token could not stand in a header"))?;
        Ok(Issued {
            token,
            lifetime,
            asked_at,
        })
    }

    fn form(&self, secret: &SecretString) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &self.client_id)
            .append_pair("client_secret", secret.expose_secret());
        if !self.scopes.is_empty() {
            form.append_pair("scope", &self.scopes.join(" "));
        }
        for resource in &self.resources {
            form.append_pair("resource", resource);
        }
        form.finish()
    }
}

/// Whole seconds above zero. Some servers count in floating point and write 3600.0.
fn lifetime(expires_in: &Number) -> Option<Duration> {
    let lifetime = match expires_in.as_u64() {
        Some(seconds) => Duration::from_secs(seconds),
        // Whole numbers beyond 64 bits come this way too.
        None => {
            let seconds = expires_in.as_f64().filter(|seconds| seconds.fract() == 0.0)?;
            Duration::try_from_secs_f64(seconds.min(LONGEST_LIFE.as_secs_f64())).ok()?
        }
    };
    Some(lifetime.min(LONGEST_LIFE)).filter(|lifetime| !lifetime.is_zero())
}

fn unanswered(error: reqwest::Error) -> TokenError {
    if error.is_timeout() {
        TokenError::TimedOut
    } else {
        TokenError::Unreachable {
            detail: http::problem(error),
        }
    }
}

fn refused(
    status: StatusCode,
    headers: &HeaderMap,
    body: Option<&Vec<u8>>,
    secret: &SecretString,
) -> TokenError {
    let said: Bad = body
        .and_then(|body| serde_json::from_slice(body).ok())
        .unwrap_or_default();
    let name = |text| words::name(text, secret);
    let description = |text| words::description(text, secret);
    let request_id = name(said.request_id);
    let code = name(said.error)
        .or_else(|| name(said.error_type))
        .unwrap_or_else(|| format!("http_{}", status.as_u16()));
    if matches!(
        status,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
    ) || status.is_server_error()
    {
        return TokenError::Unavailable {
            code,
            status: status.as_u16(),
            retry_after: http::retry_after(headers),
            request_id,
        };
    }
    TokenError::Refused {
        code,
        description: description(said.error_description).or_else(|| description(said.error_message)),
        status: status.as_u16(),
        request_id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(scopes: &[&str], resources: &[&str]) -> Endpoint {
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        Endpoint {
            http: http::own(None).unwrap(),
            url: Url::parse("http://127.0.0.1").unwrap(),
            client_id: "m2m-client-test-1".into(),
            secret: Secret::Fixed("s&cr=t%".to_owned().into()),
            scopes: owned(scopes),
            resources: owned(resources),
        }
    }

    #[test]
    fn the_form_is_that_of_the_grant() {
        let secret = "s&cr=t%".to_owned().into();
        assert_eq!(
            endpoint(&[], &[]).form(&secret),
            "grant_type=client_credentials&client_id=m2m-client-test-1&client_secret=s%26cr%3Dt%25"
        );
        assert_eq!(
            endpoint(&["read:users", "write:*"], &["https://a/gateway", "https://b"]).form(&secret),
            "grant_type=client_credentials&client_id=m2m-client-test-1&client_secret=s%26cr%3Dt%25\
             &scope=read%3Ausers+write%3A*&resource=https%3A%2F%2Fa%2Fgateway&resource=https%3A%2F%2Fb"
        );
    }

    fn judge(status: u16, body: &str) -> TokenError {
        refused(
            StatusCode::from_u16(status).unwrap(),
            &HeaderMap::new(),
            Some(&body.as_bytes().to_vec()),
            &"hunter2hunter2".to_owned().into(),
        )
    }

    #[test]
    fn both_styles_of_refusal_are_read() {
        let oauth = r#"{"error":"invalid_scope","error_description":"d","request_id":"r","status_code":400}"#;
        let expected =
            |code: &str, description: Option<&str>, request_id: Option<&str>| TokenError::Refused {
                code: code.into(),
                description: description.map(str::to_owned),
                status: 400,
                request_id: request_id.map(str::to_owned),
            };
        assert_eq!(judge(400, oauth), expected("invalid_scope", Some("d"), Some("r")));
        let api = r#"{"error_type":"too_long","error_message":"m","request_id":"r"}"#;
        assert_eq!(judge(400, api), expected("too_long", Some("m"), Some("r")));
        assert_eq!(judge(400, "<html>"), expected("http_400", None, None));
    }

    #[test]
    fn a_server_that_repeats_the_secret_is_not_quoted() {
        let error = judge(
            400,
            r#"{"error":"hunter2hunter2","error_description":"no client with hunter2hunter2","request_id":"a\nb"}"#,
        );
        assert!(!format!("{error:?} {error}").contains("hunter2"), "{error:?}");
        assert!(!error.to_string().contains('\n'), "{error}");
        assert_eq!(error.code(), "http_400");

        // base64 of "m2m-client:" and the secret.
        let error = judge(
            400,
            r#"{"error":"invalid_request","error_description":"Basic bTJtLWNsaWVudDpodW50ZXIyaHVudGVyMg=="}"#,
        );
        assert!(!format!("{error:?} {error}").contains("bTJt"), "{error:?}");
    }

    #[test]
    fn a_life_is_a_whole_number_of_seconds_above_zero() {
        let read = |text: &str| lifetime(&serde_json::from_str(text).unwrap());
        for text in ["3600", "3600.0", "3.6e3"] {
            assert_eq!(read(text), Some(Duration::from_secs(3600)), "{text}");
        }
        for text in ["0", "0.0", "-0.0", "-1", "-3600.0", "0.5", "3600.5", "-1e300"] {
            assert_eq!(read(text), None, "{text}");
        }
        for text in [
            "31622401",
            "18446744073709551615",
            "99999999999999999999",
            "1e300",
        ] {
            assert_eq!(read(text), Some(LONGEST_LIFE), "{text}");
        }
    }

    #[test]
    fn a_code_is_a_word_of_the_server_or_its_status() {
        let long = format!(r#"{{"error":"{}"}}"#, "x".repeat(101));
        for (status, body, code) in [
            (429, r#"{"error_type":"too_many_requests"}"#, "too_many_requests"),
            (
                503,
                r#"{"error":"temporarily_unavailable"}"#,
                "temporarily_unavailable",
            ),
            (400, r#"{"error":"a b","error_type":"known"}"#, "known"),
            (400, r#"{"error":"a\"b"}"#, "http_400"),
            (400, &long, "http_400"),
            (408, "", "http_408"),
            (502, "<html>", "http_502"),
            (201, "{}", "http_201"),
        ] {
            let error = judge(status, body);
            assert_eq!(error.code(), code);
            assert_eq!(
                error.is_transient(),
                [408, 429, 502, 503].contains(&status),
                "{status}"
            );
        }
    }
}
