//! Where a connector goes, and where it does not, against resolvers and TLS servers of the test.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use countersign_gateway::address::{AddressGuard, Forbidden};
use countersign_gateway::canonical_path::{CanonicalPath, PathParameters};
use countersign_gateway::dial::{
    CertificateProblem, Connector, DialError, ESTABLISH_WITHIN, Protocols, Resolve, Stage, SystemResolver,
    Trust,
};
use countersign_gateway::upstream::Upstream;
use http::{Request, Uri};
use http_body_util::Empty;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use ipnet::IpNet;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpListener;
use tower_service::Service;

use crate::test_upstream::{Authority, Seen, TestUpstream};

/// Gives one answer after the other, and writes down what it was asked.
#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: Mutex<Vec<String>>,
}

impl Script {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let answer = |answer: &&[&str]| answer.iter().map(|ip| ip.parse().unwrap()).collect();
        Arc::new(Self {
            answers: Mutex::new(answers.iter().map(answer).collect()),
            asked: Mutex::default(),
        })
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Resolve for Script {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.lock().unwrap().push(name.to_owned());
        let next = self.answers.lock().unwrap().pop_front();
        next.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn guard(allowed: &[&str], own: &[SocketAddr]) -> AddressGuard {
    let allowed: Vec<IpNet> = allowed.iter().map(|range| range.parse().unwrap()).collect();
    AddressGuard::new(allowed, own.to_vec()).unwrap()
}

fn connector(base_url: &str, guard: AddressGuard, resolver: Arc<dyn Resolve>, trust: &Trust) -> Connector {
    let upstream = Upstream::parse(base_url, &guard).unwrap();
    let tls = trust.client_config(None, Protocols::Any).unwrap();
    Connector::new(upstream, guard, resolver, tls, ESTABLISH_WITHIN)
}

fn trusting(authority: &Authority) -> Trust {
    Trust::new(vec![authority.certificate()]).unwrap()
}

/// Dials a name with one answer, and gives why it did not.
async fn refusal(answer: &[&str], allowed: &[&str]) -> DialError {
    let authority = Authority::new();
    let resolver = Script::new(&[answer]);
    let connector = connector(
        "https://api.example.com",
        guard(allowed, &[]),
        resolver,
        &trusting(&authority),
    );
    connector.dial().await.unwrap_err()
}

// Addresses

#[tokio::test]
async fn a_forbidden_address_is_not_dialled() {
    for answer in [
        "127.0.0.1",
        "10.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "fd00::1",
    ] {
        let refused = refusal(&[answer], &[]).await;
        assert!(
            matches!(refused, DialError::Forbidden(_)),
            "{answer}: {refused:?}"
        );
    }
    let metadata = refusal(&["169.254.169.254"], &["169.254.0.0/16"]).await;
    assert_eq!(metadata, DialError::Forbidden(Forbidden::Metadata));
}

#[tokio::test]
async fn one_forbidden_address_refuses_the_whole_answer() {
    let server = TestUpstream::start(&Authority::new(), "api.example.com").await;
    let open = server.address.ip().to_string();
    for answer in [
        [open.as_str(), "10.0.0.1"],
        ["10.0.0.1", open.as_str()],
        [open.as_str(), "fd00::1"],
        [open.as_str(), "::ffff:10.0.0.1"],
    ] {
        let authority = Authority::new();
        let base_url = format!("https://api.example.com:{}", server.address.port());
        let resolver = Script::new(&[&answer]);
        let connector = connector(
            &base_url,
            guard(&["127.0.0.1/32"], &[]),
            resolver,
            &trusting(&authority),
        );
        let refused = connector.dial().await.unwrap_err();
        assert!(
            matches!(refused, DialError::Forbidden(Forbidden::NotPublic { .. })),
            "{answer:?}: {refused:?}"
        );
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_name_that_turns_inwards_is_refused_when_it_does() {
    let authority = Authority::new();
    let server = TestUpstream::start(&authority, "api.example.com").await;
    let base_url = format!("https://api.example.com:{}", server.address.port());
    let resolver = Script::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let connector = connector(
        &base_url,
        guard(&["127.0.0.1/32"], &[]),
        resolver.clone(),
        &trusting(&authority),
    );
    connector.dial().await.unwrap();
    // Judged and dialled is one answer: a second look-up would have been answered by the second one.
    assert_eq!(resolver.asked(), ["api.example.com"]);
    let refused = connector.dial().await.unwrap_err();
    assert_eq!(refused.code(), "address_not_public");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn the_gateways_own_port_is_not_dialled() {
    let own = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = own.local_addr().unwrap();
    let connector = connector(
        &format!("https://api.example.com:{}", address.port()),
        guard(&["127.0.0.0/8"], &[address]),
        Script::new(&[&["127.0.0.1"]]),
        &trusting(&Authority::new()),
    );
    assert_eq!(
        connector.dial().await.unwrap_err(),
        DialError::Forbidden(Forbidden::Own)
    );
}

#[tokio::test]
async fn an_address_for_a_host_is_dialled_without_a_resolver() {
    let authority = Authority::new();
    let server = TestUpstream::start(&authority, "127.0.0.1").await;
    let resolver = Script::new(&[]);
    let connector = connector(
        &format!("https://{}", server.address),
        guard(&["127.0.0.1/32"], &[]),
        resolver.clone(),
        &trusting(&authority),
    );
    connector.dial().await.unwrap();
    assert_eq!(resolver.asked(), [""; 0]);
}

#[tokio::test]
async fn ipv6_alone_is_dialled() {
    // Nobody listens, and some machines that build this have no IPv6: what the system says differs, that it was asked
    // does not.
    let connector = connector(
        "https://api.example.com:1",
        guard(&["::1/128"], &[]),
        Script::new(&[&["::1"]]),
        &trusting(&Authority::new()),
    );
    assert_eq!(connector.dial().await.unwrap_err().code(), "connect");
}

#[tokio::test]
async fn a_name_without_addresses_is_told_from_one_that_fails() {
    assert_eq!(refusal(&[], &[]).await, DialError::NoAddress);
    let connector = connector(
        "https://api.example.com",
        guard(&[], &[]),
        Script::new(&[]),
        &trusting(&Authority::new()),
    );
    let failed = connector.dial().await.unwrap_err();
    assert_eq!(
        failed,
        DialError::Resolve {
            kind: io::ErrorKind::NotFound
        }
    );
}

#[tokio::test]
async fn the_systems_resolver_gives_addresses_as_they_are() {
    let ips = SystemResolver.resolve("127.0.0.1").await.unwrap();
    assert_eq!(ips, [IpAddr::from(Ipv4Addr::LOCALHOST)]);
}

// Names

#[tokio::test]
async fn host_sni_and_certificate_are_one_name() {
    let authority = Authority::new();
    let server = TestUpstream::start(&authority, "api.example.com").await;
    let port = server.address.port();
    let guard = guard(&["127.0.0.0/8"], &[]);
    let written = format!("https://API.Example.COM.:{port}/v1");
    let upstream = Upstream::parse(&written, &guard).unwrap();
    let path = CanonicalPath::parse("/@evil.example", PathParameters::Refused).unwrap();
    let uri = upstream.uri(&path, None).unwrap();
    let resolver = Script::new(&[&["127.0.0.1"]]);
    let connector = connector(&written, guard, resolver.clone(), &trusting(&authority));
    let client = Client::builder(TokioExecutor::new()).build::<_, Empty<Bytes>>(connector);

    client
        .request(Request::get(uri).body(Empty::new()).unwrap())
        .await
        .unwrap();

    assert_eq!(resolver.asked(), ["api.example.com"]);
    assert_eq!(
        server.seen(),
        [Seen {
            sni: Some("api.example.com".to_owned()),
            authority: format!("api.example.com:{port}"),
            path: "/v1/@evil.example".to_owned(),
            is_http2: true,
            ..Seen::default()
        }]
    );
}

#[tokio::test]
async fn a_certificate_for_another_name_is_not_accepted() {
    let authority = Authority::new();
    let server = TestUpstream::start(&authority, "evil.example").await;
    let connector = connector(
        &format!("https://api.example.com:{}", server.address.port()),
        guard(&["127.0.0.1/32"], &[]),
        Script::new(&[&["127.0.0.1"]]),
        &trusting(&authority),
    );
    let refused = connector.dial().await.unwrap_err();
    assert_eq!(
        refused,
        DialError::Certificate {
            problem: CertificateProblem::WrongName
        }
    );
}

#[tokio::test]
async fn a_certificate_of_a_stranger_is_not_accepted() {
    let server = TestUpstream::start(&Authority::new(), "api.example.com").await;
    let connector = connector(
        &format!("https://api.example.com:{}", server.address.port()),
        guard(&["127.0.0.1/32"], &[]),
        Script::new(&[&["127.0.0.1"]]),
        &trusting(&Authority::new()),
    );
    let refused = connector.dial().await.unwrap_err();
    assert_eq!(
        refused,
        DialError::Certificate {
            problem: CertificateProblem::UnknownIssuer
        }
    );
}

#[tokio::test]
async fn a_uri_of_another_place_is_not_followed() {
    let resolver = Script::new(&[]);
    let mut connector = connector(
        "https://api.example.com",
        guard(&[], &[]),
        resolver.clone(),
        &trusting(&Authority::new()),
    );
    for uri in [
        "https://evil.example/",
        "https://api.example.com:8443/",
        "http://api.example.com/",
    ] {
        let refused = connector.call(uri.parse().unwrap()).await.unwrap_err();
        assert_eq!(refused, DialError::OtherPlace, "{uri}");
    }
    assert_eq!(resolver.asked(), [""; 0]);
}

// TLS

#[tokio::test]
async fn http_1_alone_is_offered_when_asked_for() {
    let authority = Authority::new();
    let server = TestUpstream::start(&authority, "api.example.com").await;
    let guard = guard(&["127.0.0.1/32"], &[]);
    let base_url = format!("https://api.example.com:{}", server.address.port());
    let upstream = Upstream::parse(&base_url, &guard).unwrap();
    let dial = |protocols| {
        let tls = trusting(&authority).client_config(None, protocols).unwrap();
        let resolver = Script::new(&[&["127.0.0.1"]]);
        let connector = Connector::new(upstream.clone(), guard.clone(), resolver, tls, ESTABLISH_WITHIN);
        async move { connector.dial().await.unwrap().is_http2() }
    };
    assert!(dial(Protocols::Any).await);
    assert!(!dial(Protocols::Http1).await);
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_an_upstream_that_asks() {
    let authority = Authority::new();
    let server = TestUpstream::start_asking(&authority, "api.example.com").await;
    let issued = authority.issue("caller.example");
    let certificate = issued.certificate.der().clone();
    let certified =
        rustls::sign::CertifiedKey::new(vec![certificate.clone()], crypto_key(&issued.key.into()));
    let resolver = Arc::new(rustls::sign::SingleCertAndKey::from(certified));
    let tls = trusting(&authority)
        .client_config(Some(resolver), Protocols::Any)
        .unwrap();
    let guard = guard(&["127.0.0.1/32"], &[]);
    let base_url = format!("https://api.example.com:{}", server.address.port());
    let upstream = Upstream::parse(&base_url, &guard).unwrap();
    let uri = base_url.parse::<Uri>().unwrap();
    let names = Script::new(&[&["127.0.0.1"]]);
    let connector = Connector::new(upstream, guard, names, tls, ESTABLISH_WITHIN);
    let client = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build::<_, Empty<Bytes>>(connector);
    let answer = client.get(uri).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(server.seen()[0].certificate, Some(certificate));
}

fn crypto_key(key: &PrivateKeyDer<'static>) -> Arc<dyn rustls::sign::SigningKey> {
    rustls::crypto::aws_lc_rs::sign::any_supported_type(key).unwrap()
}

#[tokio::test]
async fn plain_http_is_spoken_where_it_is_configured() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://vault:{}", listener.local_addr().unwrap().port());
    let connector = connector(
        &base_url,
        guard(&["127.0.0.1/32"], &[]),
        Script::new(&[&["127.0.0.1"]]),
        &trusting(&Authority::new()),
    );
    let (dialled, accepted) = tokio::join!(connector.dial(), listener.accept());
    assert!(!dialled.unwrap().is_http2());
    accepted.unwrap();
}

#[tokio::test]
async fn plain_http_does_not_leave_the_allowed_ranges() {
    for outside in ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1"] {
        let connector = connector(
            "http://vault",
            guard(&["127.0.0.1/32"], &[]),
            Script::new(&[&[outside, "127.0.0.1"]]),
            &trusting(&Authority::new()),
        );
        assert_eq!(
            connector.dial().await.unwrap_err(),
            DialError::PlainOutside,
            "{outside}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_never_shakes_hands_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!(
        "https://api.example.com:{}",
        listener.local_addr().unwrap().port()
    );
    let connector = connector(
        &base_url,
        guard(&["127.0.0.1/32"], &[]),
        Script::new(&[&["127.0.0.1"]]),
        &trusting(&Authority::new()),
    );
    let gave_up = connector.dial().await.unwrap_err();
    assert_eq!(gave_up, DialError::TimedOut { stage: Stage::Tls });
}

#[test]
fn a_connector_shows_its_place_alone() {
    let connector = connector(
        "https://api.example.com",
        guard(&[], &[]),
        Script::new(&[]),
        &trusting(&Authority::new()),
    );
    let shown = format!("{connector:?}");
    assert!(
        shown.contains("api.example.com") && !shown.contains("tls"),
        "{shown}"
    );
}
