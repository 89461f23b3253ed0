//! One line of the log for each call: who called what, what was decided and why, and how it ended.
//!
//! A line is begun with the request, says more as more is known, and is written when it goes: with a refusal, with the end of the answer,
//! or when the caller hung up in between. It never holds a value: of the query the names, of the token a digest, of the credential the id.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use axum::response::Response;
use countersign_core::Timestamp;
use countersign_gateway::admit::Caller;
use countersign_gateway::canonical_path::CanonicalPath;
use countersign_gateway::forward::{Ended, HeldCredential, HowEnded};
use countersign_gateway::query::Query;
use http::{HeaderMap, Method};
use sha2::{Digest as _, Sha256};

use super::GatewayRefusal;
use super::admission::Admission;
use crate::http::request::RequestContext;

/// Lines that wait to be written. When it is full, lines are lost, counted, and the next one says how many: a slow log must not hold
/// up calls, nor take memory without bound.
const WAITING_LINES: usize = 8 * 1024;
/// Bytes of the digest of a token, enough to find all calls that were made with one.
const TOKEN_DIGEST_BYTES: usize = 8;

/// See the module.
pub(super) struct CallLine(Option<Box<Line>>);

#[derive(Debug)]
struct Line {
    at: Timestamp,
    started: Instant,
    request_id: String,
    method: String,
    project: String,
    client: String,
    token: String,
    provider: String,
    operation: String,
    path: String,
    query: String,
    decision: &'static str,
    rule: String,
    credential: String,
    credential_version: u64,
    status: u16,
    answered_after: Duration,
    ended: Option<Ended>,
    took: Duration,
}

impl CallLine {
    pub(super) fn begin(context: &RequestContext, method: &Method, at: Timestamp) -> Self {
        Self(Some(Box::new(Line {
            at,
            started: Instant::now(),
            request_id: context.request_id.clone(),
            // Never the method itself: a caller may write anything into one.
            method: crate::metrics::method_label(method).to_owned(),
            project: String::new(),
            client: String::new(),
            token: String::new(),
            provider: String::new(),
            operation: String::new(),
            path: String::new(),
            query: String::new(),
            decision: "hung_up",
            rule: String::new(),
            credential: String::new(),
            credential_version: 0,
            status: 0,
            answered_after: Duration::ZERO,
            ended: None,
            took: Duration::ZERO,
        })))
    }

    pub(super) fn caller(&mut self, caller: &Caller, headers: &HeaderMap) {
        self.change(|line| {
            line.project.clone_from(&caller.project_id);
            line.client.clone_from(&caller.client_id);
            line.token = countersign_client::bearer_token(headers)
                .map(token_digest)
                .unwrap_or_default();
        });
    }

    /// Where the call goes, once it is known to be a name and a path.
    pub(super) fn target(&mut self, path: &CanonicalPath, query: Option<&Query>) {
        self.change(|line| {
            path.as_str().clone_into(&mut line.path);
            let names = query.map(|query| query.names().collect::<Vec<_>>().join("&"));
            line.query = names.unwrap_or_default();
        });
    }

    /// The method that goes on, where it is not that of the request.
    pub(super) fn method(&mut self, method: &Method) {
        self.change(|line| crate::metrics::method_label(method).clone_into(&mut line.method));
    }

    pub(super) fn provider(&mut self, name: &str) {
        self.change(|line| name.clone_into(&mut line.provider));
    }

    pub(super) fn admitted(&mut self, admission: &Admission) {
        self.change(|line| {
            line.decision = "allowed";
            line.rule.clone_from(&admission.rule);
            let operation = admission.operation.as_ref();
            line.operation = operation
                .map(|operation| operation.name.clone())
                .unwrap_or_default();
        });
    }

    pub(super) fn credential(&mut self, held: &HeldCredential) {
        self.change(|line| {
            line.credential.clone_from(&held.id);
            line.credential_version = held.version;
        });
    }

    pub(super) fn refused(&mut self, refusal: &GatewayRefusal) {
        self.change(|line| {
            line.decision = refusal.reason;
            line.status = refusal.problem.error_type.status().as_u16();
            if let Some(rule) = &refusal.helps.rule {
                line.rule.clone_from(rule);
            }
        });
    }

    pub(super) fn outcome(&mut self, outcome: &Result<Response, GatewayRefusal>) {
        match outcome {
            Err(refusal) => self.refused(refusal),
            Ok(answer) => self.change(|line| {
                line.status = answer.status().as_u16();
                line.answered_after = line.started.elapsed();
            }),
        }
    }

    pub(super) fn ended(&mut self, ended: Ended) {
        self.change(|line| line.ended = Some(ended));
    }

    fn change(&mut self, change: impl FnOnce(&mut Line)) {
        if let Some(line) = &mut self.0 {
            change(line);
        }
    }
}

impl Drop for CallLine {
    fn drop(&mut self) {
        if let Some(mut line) = self.0.take() {
            line.took = line.started.elapsed();
            line.count();
            write(*line);
        }
    }
}

/// The first bytes of the token's SHA-256, in hex.
fn token_digest(token: &str) -> String {
    let digest = Sha256::digest(token);
    let first = digest.iter().take(TOKEN_DIGEST_BYTES);
    first.map(|byte| format!("{byte:02x}")).collect()
}

impl Line {
    /// Labels are bounded: a provider is named once its caller may know that it exists.
    fn count(&self) {
        let provider = if self.provider.is_empty() {
            "none"
        } else {
            &self.provider
        };
        let labels = [
            ("provider", provider.to_owned()),
            ("decision", self.decision.to_owned()),
            ("status", self.status.to_string()),
        ];
        metrics::counter!("countersign_gateway_calls_total", &labels).increment(1);
        let hits = self.ended.map_or(0, |ended| ended.scrub_hits);
        if hits > 0 {
            let labels = [("provider", provider.to_owned())];
            metrics::counter!("countersign_gateway_scrubbed_total", &labels).increment(hits);
        }
    }

    fn write(&self, lost: u64) {
        let ended = self.ended;
        let (bytes_up, bytes_down) = ended.map_or((0, 0), |ended| (ended.bytes_up, ended.bytes_down));
        let scrub_hits = ended.map_or(0, |ended| ended.scrub_hits);
        let end = match ended.map(|ended| ended.how) {
            None => "",
            Some(HowEnded::Complete) => "complete",
            Some(HowEnded::BrokeOff) => "provider_broke_off",
            Some(HowEnded::HungUp) => "caller_hung_up",
        };
        tracing::info!(
            target: "countersign::calls",
            at = %self.at, request.id = self.request_id, project = self.project, client = self.client, token = self.token,
            provider = self.provider, operation = self.operation, method = self.method, path = self.path, query = self.query,
            decision = self.decision, rule = self.rule, credential = self.credential,
            credential_version = self.credential_version, status = self.status, bytes_up, bytes_down,
            answered_micros = self.answered_after.as_micros(), micros = self.took.as_micros(), end, scrub_hits, lost,
            "call"
        );
        if scrub_hits > 0 {
            tracing::warn!(
                request.id = self.request_id,
                provider = self.provider,
                operation = self.operation,
                scrub_hits,
                "a provider sent its credential back; it was taken out of the answer"
            );
        }
    }
}

/// Lines lost since the last that was written.
static LOST: AtomicU64 = AtomicU64::new(0);

/// Hands a line to the thread that writes.
fn write(line: Line) {
    static WRITER: OnceLock<SyncSender<Line>> = OnceLock::new();
    let writer = WRITER.get_or_init(|| {
        let (send, receive) = sync_channel::<Line>(WAITING_LINES);
        std::thread::spawn(move || {
            for line in receive {
                line.write(LOST.swap(0, Relaxed));
            }
        });
        send
    });
    if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = writer.try_send(line) {
        LOST.fetch_add(1, Relaxed);
        metrics::counter!("countersign_gateway_lines_lost_total").increment(1);
    }
}
