//! Published key sets: the wire's two paths, and the standard one (wire contract 5).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::certificate::Certificate;
use crate::support::TestApp;
use crate::support::answer::sorted_keys;
use crate::support::tokens::{standard_jwks_path, stytch_jwks_path};

async fn keys(app: &TestApp, path: &str) -> Vec<Value> {
    app.anonymous().get(path).await.ok()["keys"]
        .as_array()
        .unwrap()
        .clone()
}

fn b2b_path(project_id: &str) -> String {
    format!("/v1/b2b/sessions/jwks/{project_id}")
}

// ## The wire's sets

#[tokio::test]
async fn a_set_has_its_exact_shape_with_every_member() {
    let app = TestApp::new().await;
    for path in [stytch_jwks_path(&app.project.id), b2b_path(&app.project.id)] {
        let body = app.anonymous().get(&path).await.ok();
        assert_eq!(sorted_keys(&body), ["keys", "request_id", "status_code"]);
        let key = &body["keys"][0];
        assert_eq!(
            sorted_keys(key),
            ["alg", "e", "key_ops", "kid", "kty", "n", "use", "x5c", "x5tS256"]
        );
        for (name, value) in [
            ("kty", json!("RSA")),
            ("use", json!("sig")),
            ("alg", json!("RS256")),
            ("key_ops", json!(["verify"])),
            ("kid", json!(app.project.kid)),
            ("e", json!("AQAB")),
        ] {
            assert_eq!(key[name], value, "{name}");
        }
        assert_eq!(
            URL_SAFE_NO_PAD.decode(key["n"].as_str().unwrap()).unwrap().len(),
            256,
            "2048 bits, no leading zero"
        );
    }
}

#[tokio::test]
async fn x5c_holds_a_real_certificate_of_the_same_key() {
    let app = TestApp::new().await;
    let key = &keys(&app, &stytch_jwks_path(&app.project.id)).await[0];
    assert_eq!(key["x5c"].as_array().unwrap().len(), 1);
    let der = STANDARD.decode(key["x5c"][0].as_str().unwrap()).unwrap();
    let certificate = Certificate::parse(&der);
    assert_eq!(
        certificate.modulus,
        URL_SAFE_NO_PAD.decode(key["n"].as_str().unwrap()).unwrap()
    );
    assert_eq!(certificate.exponent, [1, 0, 1]);
    assert!(certificate.is_self_signed());
    assert_eq!(
        (certificate.serial, certificate.issuer),
        ([1].as_slice(), certificate.subject)
    );
    assert!(certificate.subject.ends_with(b"Countersign"));
    assert_eq!(
        certificate.validity,
        ["270115080000Z", "370114181200Z"],
        "ten years from when it was made"
    );
    let thumbprint = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &der);
    assert_eq!(key["x5tS256"], STANDARD.encode(thumbprint), "base64 with padding");
}

/// One key without n and e, and the Rust SDK refuses the whole set.
#[tokio::test]
async fn the_wires_sets_hold_rsa_keys_alone() {
    let app = TestApp::new().await;
    for path in [stytch_jwks_path(&app.project.id), b2b_path(&app.project.id)] {
        let keys = keys(&app, &path).await;
        assert_eq!(keys.len(), 1);
        assert_eq!(keys[0]["kty"], "RSA");
    }
}

#[tokio::test]
async fn a_made_key_is_published_like_a_given_one() {
    let app = TestApp::new().await;
    let body = json!({ "name": "new", "environment": "live" });
    let made = app.admin().post("/admin/v1/projects", body).await.ok();
    let key = &keys(
        &app,
        &stytch_jwks_path(made["project"]["project_id"].as_str().unwrap()),
    )
    .await[0];
    assert!(key["kid"].as_str().unwrap().starts_with("jwk-live-"), "{key}");
    let der = STANDARD.decode(key["x5c"][0].as_str().unwrap()).unwrap();
    assert!(Certificate::parse(&der).is_self_signed());
}

// ## The standard set

#[tokio::test]
async fn the_standard_set_holds_keys_of_every_algorithm() {
    let app = TestApp::new().await;
    let answer = app.anonymous().get(&standard_jwks_path(&app.project.id)).await;
    let body = answer.ok();
    assert_eq!(sorted_keys(&body), ["keys"], "a plain RFC 7517 set");
    let described = body["keys"].as_array().unwrap().iter().map(|key| {
        assert_eq!((&key["use"], key["kid"].is_string()), (&json!("sig"), true));
        assert!(
            key.get("d").is_none() && key.get("p").is_none() && key.get("k").is_none(),
            "public halves alone"
        );
        (
            key["kty"].as_str().unwrap(),
            key["alg"].as_str().unwrap(),
            key["crv"].as_str(),
        )
    });
    let mut described: Vec<_> = described.collect();
    described.sort_unstable();
    assert_eq!(
        described,
        [
            ("EC", "ES256", Some("P-256")),
            ("OKP", "EdDSA", Some("Ed25519")),
            ("RSA", "RS256", None)
        ]
    );
}

// ## All of them

#[tokio::test]
async fn sets_may_be_kept_for_a_while_and_errors_may_not() {
    for (announce, max_age) in [(3600, 900), (1800, 900), (600, 300), (0, 0)] {
        let app = TestApp::with(|config| config.keys.announce = Duration::from_secs(announce)).await;
        let id = &app.project.id;
        for path in [stytch_jwks_path(id), b2b_path(id), standard_jwks_path(id)] {
            let answer = app.anonymous().get(&path).await;
            assert_eq!(
                answer.header("cache-control"),
                Some(format!("public, max-age={max_age}").as_str())
            );
        }
    }
}

#[tokio::test]
async fn an_unknown_project_has_no_keys() {
    let app = TestApp::new().await;
    for id in [
        "project-test-x",
        "nonsense",
        "project-test-%00",
        "project-test-a%2Fb",
        &"x".repeat(3000),
    ] {
        for path in [stytch_jwks_path(id), b2b_path(id), standard_jwks_path(id)] {
            let answer = app.anonymous().get(&path).await;
            answer.problem(404, "project_not_found");
            assert_eq!(answer.header("cache-control"), Some("no-store"));
        }
    }
}

#[tokio::test]
async fn each_project_has_keys_of_its_own() {
    let app = TestApp::new().await;
    assert_eq!(
        app.published_kids(&stytch_jwks_path(&app.project.id)).await,
        [app.project.kid.as_str()]
    );
    assert_eq!(
        app.published_kids(&stytch_jwks_path(&app.other.id)).await,
        [app.other.kid.as_str()]
    );
}

#[tokio::test]
async fn private_halves_rest_sealed() {
    let app = TestApp::new().await;
    let record = countersign_store::Store::project(app.store.as_ref(), &app.project.project_id())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(record.keys.len(), 3);
    for key in record.keys {
        let sealed = format!("{:?}", key.sealed);
        let as_der = STANDARD.encode(countersign_token::test_keys::RS256_PKCS8);
        assert!(
            !sealed.contains(&as_der[..40]) && !sealed.contains("PRIVATE"),
            "{sealed}"
        );
        assert_eq!(
            key.certificate.is_some(),
            key.algorithm == countersign_core::Algorithm::Rs256
        );
    }
}
