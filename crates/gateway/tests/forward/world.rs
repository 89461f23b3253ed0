//! A provider that is a recorder, and calls to it.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use countersign_gateway::address::AddressGuard;
use countersign_gateway::canonical_path::{CanonicalPath, PathParameters};
use countersign_gateway::dial::{Resolve, SystemResolver, Trust};
use countersign_gateway::forward::{
    CallerBody, Connections, DownBody, Ended, Flow, ForwardError, HeldCredential, Limits, Network, Outgoing,
    Sender, forward,
};
use countersign_gateway::headers::DownRules;
use countersign_gateway::inject::{Credential, Jitter};
use countersign_gateway::query::Query;
use countersign_gateway::upstream::Upstream;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, Version};
use http_body_util::{BodyExt as _, Empty, Full};
use serde_json::Value;

use super::recorder::Recorder;
use super::test_upstream::Authority;

/// 2026-11-24T00:00:00Z.
pub(crate) const NOW: u64 = 1_795_478_400;

pub(crate) struct World {
    pub(crate) connections: Arc<Connections>,
    pub(crate) flow: Arc<Flow>,
    pub(crate) ended: Arc<Mutex<Vec<Ended>>>,
}

/// Every name is that of this machine.
struct Loopback;

#[async_trait]
impl Resolve for Loopback {
    async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)])
    }
}

/// What came down.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl World {
    pub(crate) fn new(recorder: &Recorder, credential: Option<&Value>) -> Self {
        Self::with_limits(recorder, credential, Limits::default())
    }

    /// A provider that may be in this range alone.
    pub(crate) fn within(range: &str, recorder: &Recorder, credential: &Value) -> Self {
        Self::make(range, recorder, Some(credential), Limits::default())
    }

    pub(crate) fn with_limits(recorder: &Recorder, credential: Option<&Value>, limits: Limits) -> Self {
        Self::make("127.0.0.0/8", recorder, credential, limits)
    }

    /// A provider with a name, behind TLS.
    pub(crate) fn behind_tls(url: &str, authority: &Authority, credential: Option<&Value>) -> Self {
        let network = Network {
            resolver: Arc::new(Loopback),
            trust: Trust::new(vec![authority.certificate()]).unwrap(),
            tokens: Arc::default(),
        };
        Self::of(url, "127.0.0.1/32", credential, Limits::default(), &network)
    }

    fn make(range: &str, recorder: &Recorder, credential: Option<&Value>, limits: Limits) -> Self {
        let network = Network {
            resolver: Arc::new(SystemResolver),
            trust: Trust::new(Vec::new()).unwrap(),
            tokens: Arc::default(),
        };
        let url = format!("http://{}/v1", recorder.address);
        Self::of(&url, range, credential, limits, &network)
    }

    fn of(url: &str, range: &str, credential: Option<&Value>, limits: Limits, network: &Network) -> Self {
        let guard = AddressGuard::new(vec![range.parse().unwrap()], Vec::new()).unwrap();
        let upstream = Upstream::parse(url, &guard).unwrap();
        let held = credential.map(|value| HeldCredential {
            id: "credential-test-1".into(),
            version: 1,
            credential: Credential::read(value.to_string().as_bytes()).unwrap(),
        });
        Self {
            connections: Arc::new(Connections::new(upstream, &guard, held, &[], &limits, network).unwrap()),
            flow: Arc::new(Flow::new(limits, DownRules::default())),
            ended: Arc::default(),
        }
    }

    pub(crate) async fn send(&self, call: Outgoing) -> Result<Response<DownBody>, ForwardError> {
        let ended = self.ended.clone();
        let sender = Sender {
            caller: "project/client".into(),
            unix_seconds: NOW,
            jitter: Jitter(0),
            on_end: Some(Box::new(move |how| ended.lock().unwrap().push(how))),
        };
        forward(call, self.connections.clone(), self.flow.clone(), sender).await
    }

    pub(crate) async fn answered(&self, call: Outgoing) -> Answered {
        let (head, body) = self.send(call).await.unwrap().into_parts();
        let body = body.collect().await.unwrap();
        Answered {
            status: head.status.as_u16(),
            headers: head.headers,
            text: String::from_utf8(body.to_bytes().to_vec()).unwrap(),
        }
    }

    pub(crate) async fn get(&self, path_and_query: &str) -> Answered {
        self.answered(call(Method::GET, path_and_query, &[])).await
    }

    pub(crate) async fn refused(&self, call: Outgoing) -> (u16, &'static str) {
        match self.send(call).await {
            Ok(answer) => panic!("answered with {}", answer.status()),
            Err(error) => (error.status().as_u16(), error.code()),
        }
    }

    pub(crate) fn ended(&self) -> Vec<Ended> {
        self.ended.lock().unwrap().clone()
    }
}

pub(crate) fn call(method: Method, path_and_query: &str, fields: &[(&'static str, &str)]) -> Outgoing {
    let (path, query) = match path_and_query.split_once('?') {
        Some((path, query)) => (path, Some(Query::parse(query).unwrap())),
        None => (path_and_query, None),
    };
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let value = HeaderValue::from_str(value).unwrap();
        headers.append(HeaderName::from_static(name), value);
    }
    Outgoing {
        method,
        version: Version::HTTP_11,
        path: CanonicalPath::parse(path, PathParameters::Refused).unwrap(),
        query,
        headers,
        body: Empty::new().map_err(|never| match never {}).boxed_unsync(),
        websocket: None,
    }
}

pub(crate) fn body(text: &str) -> CallerBody {
    Full::new(Bytes::copy_from_slice(text.as_bytes()))
        .map_err(|never| match never {})
        .boxed_unsync()
}

pub(crate) fn post(path: &str, text: &str) -> Outgoing {
    Outgoing {
        body: body(text),
        ..call(Method::POST, path, &[("content-type", "application/json")])
    }
}
