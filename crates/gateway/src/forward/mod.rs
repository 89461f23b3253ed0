//! Sending a call that was allowed to its provider, and its answer back.
//!
//! [`forward`] is the order of things: room for the call, the caller's fields made those of the upstream, the credential last of all,
//! the answer without what must not come down, its bodies streaming through. Nothing is stored on the way, and nothing of the caller
//! decides where the call goes.

mod connections;
mod down_body;
mod error;
mod flow;
mod limits;
mod meter;
mod quotas;
mod rates;
mod token_endpoint;
mod tunnel;
mod up_body;

use std::sync::Arc;
use std::time::Duration;

use http::header::{CONNECTION, CONTENT_LENGTH, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::body::{Body as _, Incoming};
use hyper::upgrade::OnUpgrade;
use tokio::time::{Instant, timeout_at};

pub use self::connections::{Connections, HeldCredential, Network};
pub use self::down_body::{DownBody, Ended, HowEnded, OnEnd};
use self::down_body::{Paced, Tally};
pub use self::error::{ForwardError, RateLimited, Unit};
pub use self::flow::Flow;
use self::flow::Place;
pub use self::limits::Limits;
use self::meter::Meter;
pub use self::up_body::{BoxError, CallerBody, MAX_SIGNED_BODY_BYTES};
use self::up_body::{Keep, Payload, UpBody};
use crate::canonical_path::CanonicalPath;
use crate::dial::DialError;
use crate::headers::down;
use crate::headers::up::{self, UpRules, Upgrade};
use crate::inject::{AccessToken, Credential, Jitter, Moment};
use crate::query::Query;
use crate::scrub::{Scrubber, ask_for_identity, check_readable, is_textual};

/// The pause before a call is sent for the second time; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// A call on its way to a provider.
pub struct Outgoing {
    /// The method.
    pub method: Method,
    /// The version in which the caller speaks.
    pub version: Version,
    /// The path below the provider's base, as it was judged.
    pub path: CanonicalPath,
    /// The query, as it came.
    pub query: Option<Query>,
    /// The caller's fields.
    pub headers: HeaderMap,
    /// The caller's body.
    pub body: CallerBody,
    /// The caller's connection, where it may become a WebSocket; only a rule can allow that.
    pub websocket: Option<OnUpgrade>,
}

/// Who sends a call, when, and who is told how it ended.
pub struct Sender {
    /// The caller, for its rate and its quotas.
    pub caller: String,
    /// The time, in seconds since 1970.
    pub unix_seconds: u64,
    /// Chance, for the renewal of access tokens.
    pub jitter: Jitter,
    /// Is told how the call ended; not when there is no answer at all.
    pub on_end: Option<OnEnd>,
}

/// Sends the call.
///
/// # Errors
///
/// When there is no answer of the provider's to give.
pub async fn forward(
    call: Outgoing,
    connections: Arc<Connections>,
    flow: Arc<Flow>,
    sender: Sender,
) -> Result<Response<DownBody>, ForwardError> {
    let (mut place, passage) = flow.enter(&sender.caller, sender.unix_seconds)?;
    let (sending, body) = Sending::prepare(call, connections, flow, &sender)?;
    place.measure(&sending.meter);
    let payload = Payload::of(body, sending.keep(), &sending.flow.limits).await?;
    match sending.send(payload).await {
        Err(error) => {
            if is_fault_of_provider(&error) {
                passage.failed(Instant::now());
            }
            Err(error)
        }
        Ok(sent) => {
            if is_unavailable(sent.answer.status()) {
                passage.failed(Instant::now());
            } else {
                passage.succeeded();
            }
            sending.answer(sent, sender.on_end, place)
        }
    }
}

/// A call whose fields are those of the upstream request already, but for the credential.
struct Sending {
    connections: Arc<Connections>,
    flow: Arc<Flow>,
    head: Parts,
    websocket: Option<OnUpgrade>,
    upgrade: Upgrade,
    meter: Arc<Meter>,
    unix_seconds: u64,
    jitter: Jitter,
}

/// A call that was answered.
struct Sent {
    answer: Response<Incoming>,
    scrubber: Option<Scrubber>,
}

impl Sending {
    fn prepare(
        call: Outgoing,
        connections: Arc<Connections>,
        flow: Arc<Flow>,
        sender: &Sender,
    ) -> Result<(Self, CallerBody), ForwardError> {
        let uri = connections.upstream.uri(&call.path, call.query.as_ref());
        let (mut head, ()) = Request::new(()).into_parts();
        head.method = call.method;
        head.version = call.version;
        head.uri = uri.map_err(|_| ForwardError::TooLong)?;
        if connections.is_token_endpoint(&head.uri) {
            return Err(ForwardError::TokenEndpoint);
        }
        head.headers = call.headers;
        let rules = UpRules {
            credential_names: &connections.credential_names,
            websocket: call.websocket.is_some(),
        };
        let upgrade = up::prepare(&mut head, &rules)?;
        // What goes up has the version of the connection that is found for it.
        head.version = Version::default();
        if connections.held.is_some() {
            ask_for_identity(&mut head.headers);
        }
        let sending = Self {
            connections,
            flow,
            head,
            websocket: call.websocket,
            upgrade,
            meter: Arc::new(Meter::new()),
            unix_seconds: sender.unix_seconds,
            jitter: sender.jitter,
        };
        Ok((sending, call.body))
    }

    fn credential(&self) -> Option<&Credential> {
        self.connections.held.as_ref().map(|held| &held.credential)
    }

    fn keep(&self) -> Keep {
        let fetches_token = matches!(self.credential(), Some(Credential::OauthClientCredentials(_)));
        if self.credential().is_some_and(Credential::needs_body) {
            Keep::ToSign
        } else if self.head.method.is_idempotent() && (fetches_token || self.flow.limits.retries > 0) {
            Keep::ToRepeat
        } else {
            Keep::No
        }
    }

    /// Sends it, again where that is allowed and may help.
    async fn send(&self, payload: Payload) -> Result<Sent, ForwardError> {
        let Payload::Whole(bytes) = &payload else {
            let token = self.access_token().await?;
            return self.attempt(payload, token.as_deref()).await;
        };
        let mut again = if self.head.method.is_idempotent() {
            self.flow.limits.retries
        } else {
            0
        };
        let mut pause = FIRST_PAUSE;
        let mut may_renew_token = self.head.method.is_idempotent();
        loop {
            let token = self.access_token().await?;
            let sent = self
                .attempt(Payload::Whole(bytes.clone()), token.as_deref())
                .await;
            if may_renew_token && self.is_refused_token(&sent, token.as_ref()) {
                may_renew_token = false;
                continue;
            }
            if again == 0 || !may_help(&sent) {
                return sent;
            }
            again -= 1;
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }

    /// The access token for the kind of credential that fetches one.
    async fn access_token(&self) -> Result<Option<Arc<AccessToken>>, ForwardError> {
        let Some(held) = &self.connections.held else {
            return Ok(None);
        };
        let Credential::OauthClientCredentials(oauth) = &held.credential else {
            return Ok(None);
        };
        let endpoint = &self.connections.token_endpoint;
        let key = held.token_key();
        let token = self.connections.tokens.token(&key, oauth, endpoint, self.jitter);
        token.await.map(Some).map_err(ForwardError::Token)
    }

    /// Whether the upstream refused the token and another one may do.
    fn is_refused_token(&self, sent: &Result<Sent, ForwardError>, token: Option<&Arc<AccessToken>>) -> bool {
        let is_refused = sent
            .as_ref()
            .is_ok_and(|sent| sent.answer.status() == StatusCode::UNAUTHORIZED);
        match (token, &self.connections.held) {
            (Some(token), Some(held)) if is_refused => {
                self.connections.tokens.evict(&held.token_key(), token)
            }
            _ => false,
        }
    }

    async fn attempt(&self, payload: Payload, token: Option<&AccessToken>) -> Result<Sent, ForwardError> {
        let mut head = self.head.clone();
        let scrubber = self.inject(&mut head, payload.whole().map(AsRef::as_ref), token)?;
        let body = match payload {
            Payload::Whole(bytes) => UpBody::whole(bytes, self.meter.clone()),
            Payload::Stream(body) => UpBody::stream(
                body,
                self.meter.clone(),
                self.flow.limits.request_body_bytes,
                self.connections.credential_names.clone(),
            ),
        };
        let request = Request::from_parts(head, body);
        // What was before, as keeping the body or another attempt, is not the provider's time.
        self.meter.sent(0);
        let answer = self.connections.send(request, self.upgrade == Upgrade::WebSocket);
        let answer = self.in_time(answer).await?;
        let answer = answer.map_err(|error| self.failure(&error))?;
        Ok(Sent { answer, scrubber })
    }

    /// Puts the credential in, last of all, and makes what takes it out of the answer.
    fn inject(
        &self,
        head: &mut Parts,
        body: Option<&[u8]>,
        access_token: Option<&AccessToken>,
    ) -> Result<Option<Scrubber>, ForwardError> {
        let Some(credential) = self.credential() else {
            return Ok(None);
        };
        let moment = Moment {
            unix_seconds: self.unix_seconds,
            body,
            access_token,
        };
        let injected = credential.apply(head, &moment).map_err(ForwardError::Inject)?;
        let make = || Scrubber::new(injected.secrets());
        Ok(if is_constant(credential) {
            self.connections.scrubber(make)
        } else {
            make()
        })
    }

    /// Waits as long as the request goes on, and then as long as the provider may think.
    async fn in_time<T>(&self, answer: impl Future<Output = T>) -> Result<T, ForwardError> {
        let mut answer = std::pin::pin!(answer);
        loop {
            let deadline = self.meter.last_sent() + self.flow.limits.head_within;
            if let Ok(answer) = timeout_at(deadline, &mut answer).await {
                return Ok(answer);
            }
            if self.meter.last_sent() + self.flow.limits.head_within > Instant::now() {
                continue;
            }
            return Err(if self.meter.waits_for_caller() {
                ForwardError::BodyBrokeOff
            } else {
                ForwardError::TimedOut
            });
        }
    }

    fn failure(&self, error: &hyper_util::client::legacy::Error) -> ForwardError {
        if self.meter.is_too_large() {
            let limit = self.flow.limits.request_body_bytes;
            return ForwardError::BodyTooLarge { limit };
        }
        if self.meter.has_caller_broken_off() {
            return ForwardError::BodyBrokeOff;
        }
        let source = std::error::Error::source(error);
        match source.and_then(|source| source.downcast_ref::<DialError>()) {
            Some(dial) => ForwardError::Unreachable(dial.clone()),
            None => ForwardError::BrokeOff,
        }
    }

    /// Makes the provider's answer ours.
    fn answer(
        self,
        sent: Sent,
        on_end: Option<OnEnd>,
        place: Place,
    ) -> Result<Response<DownBody>, ForwardError> {
        let Sent { mut answer, scrubber } = sent;
        let switched = hyper::upgrade::on(&mut answer);
        let (mut head, body) = answer.into_parts();
        down::prepare(&mut head, self.flow.down_rules, self.upgrade)?;
        // What hyper puts beside an answer concerns that connection alone.
        head.extensions = http::Extensions::new();
        let is_textual = is_textual(&head.headers) && !body.is_end_stream();
        let scrubbed_in_head = match &scrubber {
            None => 0,
            Some(scrubber) => {
                if is_textual {
                    check_readable(&head.headers)?;
                }
                scrubber.scrub_headers(&mut head.headers)
            }
        };
        let in_body = scrubber.filter(|_| is_textual);
        if in_body.is_some() {
            // The mark may be shorter or longer than what it stands for.
            head.headers.remove(CONTENT_LENGTH);
        }
        let meter = self.meter;
        let tally = |on_end| Tally {
            meter,
            scrubbed_in_head,
            scrubbed: None,
            on_end,
            place: Some(place),
        };
        let limits = &self.flow.limits;
        let paced = Paced::new(body, limits.idle_for, limits.response_body_bytes);
        let tally = match (self.websocket, head.status) {
            (Some(caller), StatusCode::SWITCHING_PROTOCOLS) => {
                tokio::spawn(tunnel::join(caller, switched, limits.idle_for, tally(on_end)));
                Tally::of_nothing()
            }
            (asked, _) => {
                if asked.is_some() {
                    // The caller may have begun to speak the other protocol: nothing behind this is believed to be a request.
                    head.headers.insert(CONNECTION, HeaderValue::from_static("close"));
                }
                tally(on_end)
            }
        };
        let body = DownBody::new(paced, in_body.as_ref(), self.flow.down_rules, tally);
        Ok(Response::from_parts(head, body))
    }
}

/// Whether the same secrets stand in every request.
fn is_constant(credential: &Credential) -> bool {
    match credential {
        Credential::Basic(_)
        | Credential::Bearer(_)
        | Credential::Header(_)
        | Credential::Query(_)
        | Credential::Cookie(_)
        | Credential::ClientCertificate(_) => true,
        Credential::OauthClientCredentials(_) | Credential::AwsSigV4(_) | Credential::Hmac(_) => false,
    }
}

/// Whether the provider says that it cannot answer now, itself or by what stands in front of it.
fn is_unavailable(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
    )
}

fn is_fault_of_provider(error: &ForwardError) -> bool {
    matches!(
        error,
        ForwardError::Unreachable(_) | ForwardError::TimedOut | ForwardError::BrokeOff
    )
}

/// Whether sending a call again may help. A provider that says when it wants to be asked again is not asked before.
fn may_help(sent: &Result<Sent, ForwardError>) -> bool {
    match sent {
        Ok(sent) => is_unavailable(sent.answer.status()) && !sent.answer.headers().contains_key(RETRY_AFTER),
        Err(error) => matches!(error, ForwardError::Unreachable(_) | ForwardError::BrokeOff),
    }
}
