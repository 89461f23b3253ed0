//! What anyone sees who can reach the server.

use anyhow::{Context, bail};
use countersign_core::Timestamp;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, DATE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderName, StatusCode};
use jiff::SignedDuration;
use jiff::fmt::rfc2822::DateTimeParser;
use secrecy::SecretString;
use serde_json::{Value, json};
use url::{Host, Url};

use super::certificate::{Validity, validity};
use super::days;
use super::report::{Check, Report, Verdict, fail, ok, warn};
use crate::cli::calling::{Call, Caller, Reply, Server};
use crate::clock::{Clock, SystemClock};

/// A certificate that ends sooner should have been renewed by now; a short-lived one, in the last third of its life.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_hours(14 * 24);
/// One that ends sooner is about to cut everybody off.
const URGENT_BEFORE: SignedDuration = SignedDuration::from_hours(2 * 24);
/// Four SDKs refuse a token that was issued in the future, be it by a second.
const SKEW_NOTICED: SignedDuration = SignedDuration::from_secs(1);
/// Beyond the leeway that verifiers commonly allow.
const SKEW_REFUSED: SignedDuration = SignedDuration::from_secs(30);
/// A project that nobody has, where none was named.
const NO_PROJECT: &str = "project-test-00000000-0000-4000-8000-000000000000";

/// Looks at the surface; an error when there is none.
pub(super) async fn examine(
    server: &Server,
    project_id: Option<&str>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let before = SystemClock.now();
    let health = server.ask(Call::get(&["healthz"]), &Caller::Nobody).await?;
    let after = SystemClock.now();
    report.add(Check::Reachable, None, reachable(&health));
    report.tell(Check::Ready, None, ready(server).await);
    report.tell(Check::TlsCertificate, None, encryption(server, &health, after));
    report.tell(Check::ClockSkew, None, clock(&health.headers, before, after));
    report.tell(Check::SecurityHeaders, None, headers(server, &health).await);
    report.tell(Check::WrongCredentials, None, strangers(server, project_id).await);
    report.tell(Check::PublicUrl, None, public_url(server).await);
    Ok(())
}

fn reachable(health: &Reply) -> Verdict {
    match health.status {
        StatusCode::OK => ok("the process answers"),
        status => fail(format!("/healthz was answered {status}")),
    }
}

async fn ready(server: &Server) -> anyhow::Result<Verdict> {
    let reply = server.ask(Call::get(&["readyz"]), &Caller::Nobody).await?;
    Ok(readiness(&reply))
}

fn readiness(reply: &Reply) -> Verdict {
    match reply.status {
        StatusCode::OK => match warnings(reply) {
            Some(warnings) => warn(warnings),
            None => ok("the database can be written, and memory is up to date"),
        },
        status => fail(format!("/readyz was answered {status}")),
    }
}

/// What the node warns of, in its own words.
fn warnings(reply: &Reply) -> Option<String> {
    let body: Value = serde_json::from_str(&reply.text).ok()?;
    let texts: Vec<_> = body["warnings"]
        .as_array()?
        .iter()
        .filter_map(Value::as_str)
        .collect();
    (!texts.is_empty()).then(|| texts.join(" "))
}

fn encryption(server: &Server, health: &Reply, now: Timestamp) -> anyhow::Result<Verdict> {
    if !server.is_https() {
        return Ok(if is_this_machine(server.url()) {
            ok("plain http, which does not leave this machine")
        } else {
            warn("plain http: secrets and tokens can be read on the way, and two SDKs refuse it")
        });
    }
    let der = health
        .certificate
        .as_deref()
        .context("the certificate was not seen")?;
    Ok(lasting(validity(der)?, now))
}

fn lasting(validity: Validity, now: Timestamp) -> Verdict {
    let left = validity.ends.duration_since(now);
    let life = validity.ends.duration_since(validity.begins);
    let text = format!("the certificate is valid for {} more days", days(left));
    if left < URGENT_BEFORE.min(life / 10) {
        fail(text)
    } else if left < RENEW_BEFORE.min(life / 3) {
        warn(text)
    } else {
        ok(text)
    }
}

/// `Date` has whole seconds, and was written at some time between `before` and `after`. What both explain is no skew.
fn clock(headers: &HeaderMap, before: Timestamp, after: Timestamp) -> anyhow::Result<Verdict> {
    let text = headers.get(DATE).and_then(|value| value.to_str().ok());
    let Some(text) = text else {
        return Ok(warn("answers have no Date"));
    };
    let date = DateTimeParser::new().parse_timestamp(text).context("Date")?;
    let behind = before.duration_since(date) - SignedDuration::from_secs(1);
    let ahead = date.duration_since(after);
    let skew = behind.max(ahead).max(SignedDuration::ZERO);
    let side = if ahead > behind { "ahead of" } else { "behind" };
    let text = format!("the server's clock is {} s {side} this one", skew.as_secs());
    Ok(match skew {
        skew if skew <= SKEW_NOTICED => ok("both clocks agree"),
        skew if skew <= SKEW_REFUSED => warn(text),
        _ => fail(text),
    })
}

/// The server sends them; a proxy may take them away.
async fn headers(server: &Server, health: &Reply) -> anyhow::Result<Verdict> {
    let guide = server.ask(Call::get(&["guide"]), &Caller::Nobody).await?;
    let missing: Vec<_> = [
        (health, X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (health, REFERRER_POLICY, "no-referrer"),
        (health, CACHE_CONTROL, "no-store"),
        (health, HeaderName::from_static("x-request-id"), ""),
        (&guide, CONTENT_SECURITY_POLICY, "default-src 'none'"),
    ]
    .into_iter()
    .filter(|(reply, name, expected)| !says(&reply.headers, name, expected))
    .map(|(_, name, _)| name.to_string())
    .collect();
    Ok(if missing.is_empty() {
        ok("security headers arrive as they were sent")
    } else {
        warn(format!("missing or changed on the way: {}", missing.join(", ")))
    })
}

fn says(headers: &HeaderMap, name: &HeaderName, expected: &str) -> bool {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.is_some_and(|value| value.contains(expected))
}

/// Wrong credentials at each of the three doors.
async fn strangers(server: &Server, project_id: Option<&str>) -> anyhow::Result<Verdict> {
    let id = project_id.unwrap_or(NO_PROJECT);
    let wrong = || SecretString::from("wrong-on-purpose-countersign-doctor");
    let stranger = Caller::Project {
        id: id.to_owned(),
        secret: wrong(),
    };
    let body = json!({
        "grant_type": "client_credentials",
        "client_id": "countersign-doctor",
        "client_secret": "wrong-on-purpose",
    });
    let token = Call::post(&["v1", "public", id, "oauth2", "token"]).json(body);
    let (by_project, by_operator, by_client) = (
        server
            .ask(Call::get(&["v1", "debug", "whoami"]), &stranger)
            .await?,
        server
            .ask(
                Call::get(&["admin", "v1", "projects"]),
                &Caller::Operator(wrong()),
            )
            .await?,
        server.ask(token, &Caller::Nobody).await?,
    );
    let replies = [
        (by_project, StatusCode::UNAUTHORIZED, "a wrong project secret"),
        (by_operator, StatusCode::UNAUTHORIZED, "a wrong operator key"),
        (by_client, StatusCode::BAD_REQUEST, "a wrong client secret"),
    ];
    for (reply, expected, what) in replies {
        if reply.status == StatusCode::TOO_MANY_REQUESTS {
            return Ok(warn(
                "the server tells this address to wait, so this was not checked",
            ));
        }
        if reply.status != expected {
            return Ok(fail(format!(
                "{what} was answered {}, not {expected}",
                reply.status
            )));
        }
    }
    Ok(ok("wrong credentials are refused"))
}

async fn public_url(server: &Server) -> anyhow::Result<Verdict> {
    let believed = believed_url(server).await?;
    let same = believed.trim_end_matches('/') == server.url();
    Ok(if same {
        ok(format!("the server knows that it is {believed}"))
    } else if is_this_machine(&believed) && !is_this_machine(server.url()) {
        fail(format!(
            "server.public_url is {believed}, which no caller reaches"
        ))
    } else {
        warn(format!(
            "server.public_url is {believed}, and this is {}",
            server.url()
        ))
    })
}

/// `server.public_url`, as the served description of the API names it.
pub(super) async fn believed_url(server: &Server) -> anyhow::Result<String> {
    let reply = server.ask(Call::get(&["openapi.json"]), &Caller::Nobody).await?;
    Ok(reply.good()?.text_at("/servers/0/url")?.to_owned())
}

/// Whether a URL leads nowhere but here.
pub(super) fn is_this_machine(url: &str) -> bool {
    let url = Url::parse(url).ok();
    match url.as_ref().and_then(Url::host) {
        Some(Host::Ipv4(ip)) => ip.is_loopback() || ip.is_unspecified(),
        Some(Host::Ipv6(ip)) => ip.is_loopback() || ip.is_unspecified(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// Looks whether the project's secret works.
pub(super) async fn project_secret(server: &Server, caller: &Caller, report: &mut Report) {
    let Caller::Project { id, .. } = caller else {
        return;
    };
    let verdict = whoami(server, caller, id).await;
    report.tell(Check::ProjectSecret, Some(id), verdict);
}

async fn whoami(server: &Server, caller: &Caller, id: &str) -> anyhow::Result<Verdict> {
    let answer = server
        .ask(Call::get(&["v1", "debug", "whoami"]), caller)
        .await?
        .good()?;
    match answer.value.get("project_id").and_then(Value::as_str) {
        Some(said) if said == id => Ok(ok("the project's secret works")),
        _ => bail!("the secret is that of another project"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::report::Level;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn skew(date: &str, before: &str, after: &str) -> Level {
        let mut headers = HeaderMap::new();
        headers.insert(DATE, date.parse().unwrap());
        clock(&headers, at(before), at(after)).unwrap().level()
    }

    #[test]
    fn a_clock_is_judged_only_beyond_what_the_way_and_whole_seconds_explain() {
        const DATE: &str = "Mon, 23 Nov 2026 06:34:10 GMT";
        assert_eq!(
            skew(DATE, "2026-11-23T06:34:10.9Z", "2026-11-23T06:34:11Z"),
            Level::Ok
        );
        assert_eq!(
            skew(DATE, "2026-11-23T06:34:02Z", "2026-11-23T06:34:20Z"),
            Level::Ok
        );
        assert_eq!(
            skew(DATE, "2026-11-23T06:34:14Z", "2026-11-23T06:34:15Z"),
            Level::Warn
        );
        assert_eq!(
            skew(DATE, "2026-11-23T06:34:05Z", "2026-11-23T06:34:06Z"),
            Level::Warn
        );
        assert_eq!(
            skew(DATE, "2026-11-23T06:35:05Z", "2026-11-23T06:35:06Z"),
            Level::Fail
        );
    }

    #[test]
    fn a_ready_node_may_still_warn() {
        let said = |status, text: &str| {
            let text = text.to_owned();
            readiness(&Reply {
                status,
                headers: HeaderMap::new(),
                text,
                certificate: None,
            })
        };
        let quiet = said(StatusCode::OK, r#"{"status":"ready","warnings":[]}"#);
        assert_eq!(quiet.level(), Level::Ok);
        let older = said(StatusCode::OK, r#"{"status":"ready"}"#);
        assert_eq!(older.level(), Level::Ok);
        let off = said(
            StatusCode::OK,
            r#"{"status":"ready","warnings":["The clock is 7 s ahead."]}"#,
        );
        assert_eq!(
            (off.level(), off.text()),
            (Level::Warn, "The clock is 7 s ahead.")
        );
        assert_eq!(said(StatusCode::SERVICE_UNAVAILABLE, "{}").level(), Level::Fail);
    }

    #[test]
    fn a_certificate_is_judged_by_what_is_left_of_its_life() {
        let of = |begins: &str, ends: &str| Validity {
            begins: at(begins),
            ends: at(ends),
        };
        let now = at("2026-11-23T00:00:00Z");
        let ninety = |ends: &str| lasting(of("2026-09-01T00:00:00Z", ends), now).level();
        assert_eq!(ninety("2026-12-30T00:00:00Z"), Level::Ok);
        assert_eq!(ninety("2026-12-01T00:00:00Z"), Level::Warn);
        assert_eq!(ninety("2026-11-24T00:00:00Z"), Level::Fail);
        let six = lasting(of("2026-11-21T00:00:00Z", "2026-11-27T00:00:00Z"), now);
        assert_eq!(six.level(), Level::Ok);
    }

    #[test]
    fn this_machine_has_several_names() {
        for url in [
            "http://127.0.0.1:4000",
            "http://[::1]",
            "https://localhost:1",
            "http://0.0.0.0:1",
        ] {
            assert!(is_this_machine(url), "{url}");
        }
        for url in ["https://id.example", "http://10.0.0.1", "nonsense"] {
            assert!(!is_this_machine(url), "{url}");
        }
    }
}
