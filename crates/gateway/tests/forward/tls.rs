//! Providers behind TLS, over HTTP/2.

use http::{Method, Version};
use http_body_util::BodyExt as _;
use serde_json::json;

use super::test_upstream::{Authority, Seen, TestUpstream};
use super::world::{World, call};

const NAME: &str = "api.example.com";

fn url(server: &TestUpstream) -> String {
    format!("https://{NAME}:{}/v1", server.address.port())
}

#[tokio::test]
async fn a_client_certificate_is_shown_where_it_is_asked_for() {
    let authority = Authority::new();
    let server = TestUpstream::start_asking(&authority, NAME).await;
    let ours = authority.issue("countersign.example");
    let credential = json!({
        "kind": "client-certificate",
        "certificate": ours.certificate.pem(), "private_key": ours.key.serialize_pem()
    });
    let world = World::behind_tls(&url(&server), &authority, Some(&credential));
    let foreign = [("host", "evil.example"), ("x-client-cert", "forged")];
    let answer = world.answered(call(Method::GET, "/things", &foreign)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        server.seen(),
        [Seen {
            sni: Some(NAME.to_owned()),
            authority: format!("{NAME}:{}", server.address.port()),
            path: "/v1/things".to_owned(),
            is_http2: true,
            te: None,
            certificate: Some(ours.certificate.der().clone()),
        }]
    );

    let without = World::behind_tls(&url(&server), &authority, None);
    assert_eq!(without.refused(call(Method::GET, "/things", &[])).await.0, 502);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn grpc_passes() {
    let authority = Authority::new();
    let server = TestUpstream::start(&authority, NAME).await;
    let credential = json!({ "kind": "bearer", "token": "upstream-token-0123456789" });
    let world = World::behind_tls(&url(&server), &authority, Some(&credential));
    let fields = [("content-type", "application/grpc"), ("te", "trailers")];
    for _ in 0..2 {
        let mut outgoing = call(Method::POST, "/things.Things/List", &fields);
        outgoing.version = Version::HTTP_2;
        let body = world.send(outgoing).await.unwrap().into_body();
        let whole = body.collect().await.unwrap();
        assert_eq!(whole.trailers().unwrap()["grpc-status"], "0");
    }
    for seen in server.seen() {
        assert!(seen.is_http2);
        assert_eq!(seen.te.as_deref(), Some("trailers"));
    }
    assert_eq!((server.seen().len(), server.connections()), (2, 1));
}
