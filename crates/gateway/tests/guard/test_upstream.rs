//! A TLS server that writes down by which names it was called.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Version};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// An authority of one test.
pub(super) struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(super) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        // Of two authorities with one name, the wrong one would be told by its signature only.
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        params
            .distinguished_name
            .push(DnType::CommonName, format!("Authority {number}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Self {
            certificate,
            issuer: Issuer::new(params, key),
        }
    }

    pub(super) fn certificate(&self) -> CertificateDer<'static> {
        self.certificate.clone()
    }

    pub(super) fn issue(&self, name: &str) -> Issued {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Issued { certificate, key }
    }
}

/// A certificate and its key.
pub(super) struct Issued {
    pub(super) certificate: rcgen::Certificate,
    pub(super) key: KeyPair,
}

/// By which names a request came, and with what beside.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Seen {
    pub(super) sni: Option<String>,
    pub(super) authority: String,
    pub(super) path: String,
    pub(super) is_http2: bool,
    pub(super) te: Option<String>,
    pub(super) certificate: Option<CertificateDer<'static>>,
}

/// The server. It ends with its test's runtime.
pub(super) struct TestUpstream {
    pub(super) address: SocketAddr,
    record: Arc<Record>,
}

#[derive(Default)]
struct Record {
    connections: AtomicUsize,
    seen: Mutex<Vec<Seen>>,
}

impl TestUpstream {
    pub(super) async fn start(authority: &Authority, name: &str) -> Self {
        Self::serve(config(authority, name, false)).await
    }

    /// One that turns away whoever has no certificate of the authority.
    pub(super) async fn start_asking(authority: &Authority, name: &str) -> Self {
        Self::serve(config(authority, name, true)).await
    }

    async fn serve(config: ServerConfig) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let record = Arc::new(Record::default());
        let acceptor = TlsAcceptor::from(Arc::new(config));
        tokio::spawn(accept_forever(listener, acceptor, record.clone()));
        Self { address, record }
    }

    pub(super) fn connections(&self) -> usize {
        self.record.connections.load(Ordering::SeqCst)
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.record.seen.lock().unwrap().clone()
    }
}

async fn accept_forever(listener: TcpListener, acceptor: TlsAcceptor, record: Arc<Record>) {
    while let Ok((stream, _)) = listener.accept().await {
        record.connections.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(serve_one(stream, acceptor.clone(), record.clone()));
    }
}

async fn serve_one(stream: TcpStream, acceptor: TlsAcceptor, record: Arc<Record>) {
    // A caller who does not like the certificate goes away.
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let tls = stream.get_ref().1;
    let sni = tls.server_name().map(str::to_owned);
    let certificates = tls.peer_certificates();
    let certificate = certificates.map(|certificates| certificates[0].clone().into_owned());
    let service = service_fn(|request: Request<Incoming>| {
        let from_uri = request.uri().authority().map(ToString::to_string);
        let field = |name| {
            let value = request.headers().get(name)?;
            Some(value.to_str().unwrap().to_owned())
        };
        record.seen.lock().unwrap().push(Seen {
            sni: sni.clone(),
            authority: from_uri.or_else(|| field("host")).unwrap(),
            path: request.uri().path().to_owned(),
            is_http2: request.version() == Version::HTTP_2,
            te: field("te"),
            certificate: certificate.clone(),
        });
        // As gRPC tells how a call ended. HTTP/1.1 leaves trailers out that nobody announced.
        let trailers = HeaderMap::from_iter([(
            HeaderName::from_static("grpc-status"),
            HeaderValue::from_static("0"),
        )]);
        let body = Empty::<Bytes>::new().with_trailers(async { Some(Ok(trailers)) });
        async { Ok::<_, Infallible>(Response::new(body)) }
    });
    let _gone = Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

fn config(authority: &Authority, name: &str, asks: bool) -> ServerConfig {
    let provider: Arc<CryptoProvider> = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let verifier = if asks {
        verifier
    } else {
        verifier.allow_unauthenticated()
    };
    let issued = authority.issue(name);
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(vec![issued.certificate.der().clone()], issued.key.into())
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}
