//! How keys, secrets and clients are judged, from what the admin API says of them.

use countersign_core::Timestamp;
use jiff::SignedDuration;
use serde_json::Value;

use super::report::{Verdict, fail, ok, warn, worst};
use super::{days, time};

/// Age at which a signing key should have a successor: the server's own default.
const KEY_AGE_MAX: SignedDuration = SignedDuration::from_hours(180 * 24);
/// A rotation that is open for longer was forgotten, and two secrets are out.
const ROTATION_MAX: SignedDuration = SignedDuration::from_hours(30 * 24);
/// What nobody used for so long is a door without a purpose.
const UNUSED_MAX: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Names in a finding.
const NAMED_MAX: usize = 5;

/// A client, and its answer with the uses of its secrets.
pub(super) type Detail = Value;

/// The worst of its algorithms decides.
pub(super) fn keys(keys: &[Value], now: Timestamp) -> Verdict {
    let mut algorithms: Vec<_> = keys.iter().map(|key| text(key, "algorithm")).collect();
    algorithms.sort_unstable();
    algorithms.dedup();
    let judged = algorithms.iter().map(|algorithm| {
        let own = keys.iter().filter(|key| text(key, "algorithm") == *algorithm);
        keys_of(algorithm, &own.collect::<Vec<_>>(), now)
    });
    worst(judged).unwrap_or_else(|| fail("the project has no key"))
}

fn keys_of(algorithm: &str, keys: &[&Value], now: Timestamp) -> Verdict {
    let times = |state: &'static str| {
        let of_state = keys.iter().filter(move |key| text(key, "state") == state);
        of_state.filter_map(|key| time(key, "/activate_at"))
    };
    let (since, next) = (times("active").max(), times("announced").min());
    let Some(age) = since.map(|since| now.duration_since(since)) else {
        return fail(format!("no {algorithm} key signs"));
    };
    let said = format!("{algorithm} has signed for {} days", days(age));
    match next {
        Some(next) => ok(format!("{said}, its successor does from {next:.0} on")),
        None if age > KEY_AGE_MAX => warn(format!("{said}: a successor is due")),
        None => ok(said),
    }
}

fn text<'v>(value: &'v Value, member: &str) -> &'v str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn secrets(secrets: &[Value], now: Timestamp) -> Verdict {
    let (live, revoked): (Vec<&Value>, Vec<&Value>) = secrets
        .iter()
        .partition(|secret| time(secret, "/revoked_at").is_none());
    let unused: Vec<_> = live
        .iter()
        .filter(|secret| is_unused(now, time(secret, "/last_used_at"), time(secret, "/created_at")))
        .map(|secret| text(secret, "name"))
        .collect();
    let counts = format!("{} live, {} revoked", live.len(), revoked.len());
    if live.is_empty() {
        warn(format!("{counts}: nobody can manage the project's clients"))
    } else if unused.is_empty() {
        ok(counts)
    } else {
        warn(format!("{counts}; unused for 90 days: {}", some_of(&unused)))
    }
}

pub(super) fn is_rotating(client: &Value) -> bool {
    client
        .get("next_client_secret_last_four")
        .is_some_and(Value::is_string)
}

/// A young client has not had the time, an inactive one is closed.
pub(super) fn may_be_unused(client: &Value, now: Timestamp) -> bool {
    text(client, "status") == "active" && is_unused(now, None, time(client, "/created_at"))
}

pub(super) fn rotations(details: &[Detail], now: Timestamp, note: &str) -> Verdict {
    let open: Vec<&Detail> = details
        .iter()
        .filter(|detail| detail.pointer("/secrets/1").is_some())
        .collect();
    let is_old = |detail: &&&Detail| {
        time(detail, "/secrets/1/created_at").is_some_and(|since| now.duration_since(since) > ROTATION_MAX)
    };
    let old: Vec<_> = open
        .iter()
        .filter(is_old)
        .filter_map(|detail| client_id(detail))
        .collect();
    if old.is_empty() {
        ok(format!("{} open, none for more than 30 days{note}", open.len()))
    } else {
        warn(format!("open for more than 30 days: {}{note}", some_of(&old)))
    }
}

pub(super) fn unused(clients: &[Value], details: &[Detail], now: Timestamp, note: &str) -> Verdict {
    let last_used = |detail: &Detail| {
        let slots = ["/secrets/0/last_used_at", "/secrets/1/last_used_at"];
        slots.iter().filter_map(|slot| time(detail, slot)).max()
    };
    let unused: Vec<_> = details
        .iter()
        .filter(|detail| {
            detail
                .pointer("/client")
                .is_some_and(|client| may_be_unused(client, now))
        })
        .filter(|detail| is_unused(now, last_used(detail), time(detail, "/client/created_at")))
        .filter_map(client_id)
        .collect();
    if unused.is_empty() {
        ok(format!("none of {} clients lies unused{note}", clients.len()))
    } else {
        warn(format!(
            "{} got no token for 90 days: {}{note}",
            unused.len(),
            some_of(&unused)
        ))
    }
}

fn client_id(detail: &Detail) -> Option<&str> {
    detail.pointer("/client/client_id").and_then(Value::as_str)
}

fn is_unused(now: Timestamp, last_used: Option<Timestamp>, created: Option<Timestamp>) -> bool {
    last_used
        .or(created)
        .is_some_and(|since| now.duration_since(since) > UNUSED_MAX)
}

/// The first few names.
fn some_of(names: &[&str]) -> String {
    let shown = names
        .iter()
        .take(NAMED_MAX)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().checked_sub(NAMED_MAX) {
        None | Some(0) => shown,
        Some(more) => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::doctor::report::Level;

    fn now() -> Timestamp {
        "2026-11-23T00:00:00Z".parse().unwrap()
    }

    fn key(state: &str, activate_at: &str) -> Value {
        json!({"algorithm": "RS256", "state": state, "activate_at": activate_at})
    }

    #[test]
    fn keys_must_sign_and_have_successors_in_time() {
        let level = |own: &[Value]| keys(own, now()).level();
        assert_eq!(level(&[]), Level::Fail);
        assert_eq!(level(&[key("announced", "2026-11-24T00:00:00Z")]), Level::Fail);
        assert_eq!(level(&[key("active", "2026-11-01T00:00:00Z")]), Level::Ok);
        let old = key("active", "2026-01-01T00:00:00Z");
        assert_eq!(level(std::slice::from_ref(&old)), Level::Warn);
        assert_eq!(level(&[old, key("announced", "2026-11-24T00:00:00Z")]), Level::Ok);
    }

    #[test]
    fn secrets_that_nobody_uses_are_named_and_revoked_ones_are_not() {
        let secret = |name: &str, used: Option<&str>, revoked: Option<&str>| json!({"name": name, "created_at": "2026-01-01T00:00:00Z", "last_used_at": used, "revoked_at": revoked});
        let used = secret("used", Some("2026-11-01T00:00:00Z"), None);
        let (never, revoked) = (
            secret("never", None, None),
            secret("gone", None, Some("2026-02-01T00:00:00Z")),
        );
        assert_eq!(
            secrets(&[used.clone(), revoked.clone()], now()).level(),
            Level::Ok
        );
        assert_eq!(
            secrets(std::slice::from_ref(&revoked), now()).level(),
            Level::Warn
        );
        let verdict = secrets(&[used, never, revoked], now());
        assert_eq!(verdict.level(), Level::Warn);
        assert!(
            verdict
                .text()
                .ends_with("2 live, 1 revoked; unused for 90 days: never"),
            "{}",
            verdict.text()
        );
    }

    #[test]
    fn old_rotations_and_unused_clients_are_named() {
        let detail = |id: &str, used: Option<&str>, started: Option<&str>| {
            let current = json!({"last_used_at": used});
            let next = started.map(|at| json!({"created_at": at, "last_used_at": null}));
            let secrets: Vec<_> = std::iter::once(current).chain(next).collect();
            json!({"client": {"client_id": id, "status": "active", "created_at": "2026-01-01T00:00:00Z"}, "secrets": secrets})
        };
        let details = [
            detail("fine", Some("2026-11-22T00:00:00Z"), Some("2026-11-20T00:00:00Z")),
            detail(
                "forgotten",
                Some("2026-11-22T00:00:00Z"),
                Some("2026-09-01T00:00:00Z"),
            ),
            detail("unused", Some("2026-03-01T00:00:00Z"), None),
        ];
        assert!(rotations(&details, now(), "").text().ends_with(": forgotten"));
        assert!(unused(&[], &details, now(), "").text().ends_with(": unused"));
        assert_eq!(rotations(&details[..1], now(), "").level(), Level::Ok);
        assert_eq!(unused(&[], &details[..1], now(), "").level(), Level::Ok);
    }

    #[test]
    fn a_long_list_is_cut() {
        assert_eq!(some_of(&["a", "b"]), "a, b");
        assert_eq!(
            some_of(&["a", "b", "c", "d", "e", "f", "g"]),
            "a, b, c, d, e and 2 more"
        );
    }
}
