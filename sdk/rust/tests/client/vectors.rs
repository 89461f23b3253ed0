//! The vectors that every SDK must judge alike.

use std::collections::BTreeSet;
use std::time::Duration;

use countersign_client::{ClockFn, JwkSet, TokenType, Verifier};
use serde_json::Value;

const VECTORS: &str = include_str!("../../../vectors/tokens.json");
/// Fewer, and somebody has lost some.
const LEAST_CASES: usize = 150;

#[tokio::test]
async fn every_vector_is_judged_as_it_says() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    assert!(cases.len() >= LEAST_CASES, "{}", cases.len());
    let mut codes = BTreeSet::new();
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let verifier = verifier(&vectors, case);
        // Twice: what is remembered must be judged as at first sight.
        for sight in ["first", "second"] {
            let verdict = verifier.verify(case["token"].as_str().unwrap()).await;
            match (verdict, case["code"].as_str()) {
                (Err(refusal), Some(code)) => {
                    assert_eq!(refusal.code(), code, "{name}, {sight} sight");
                    codes.insert(code.to_owned());
                }
                (Ok(identity), None) => {
                    let claims = serde_json::to_value(identity.claims()).unwrap();
                    assert_eq!(claims, case["claims"], "{name}, {sight} sight");
                }
                (verdict, code) => panic!("{name}, {sight} sight: {verdict:?} instead of {code:?}"),
            }
        }
    }
    println!("{} vectors, codes {codes:?}", cases.len());
    assert_eq!(
        codes.len(),
        17,
        "every refusal of a token is among them: {codes:?}"
    );
}

fn verifier(vectors: &Value, case: &Value) -> Verifier {
    let text = |name: &str| vectors[name].as_str().unwrap().to_owned();
    let seconds = |name: &str| case[name].as_u64().map(Duration::from_secs);
    let now = vectors["now"].as_i64().unwrap();
    let types = match case["types"].as_array() {
        None => vec![TokenType::Jwt],
        Some(names) => names
            .iter()
            .map(|name| match name.as_str().unwrap() {
                "JWT" => TokenType::Jwt,
                "at+jwt" => TokenType::AtJwt,
                other => panic!("{other}"),
            })
            .collect(),
    };
    let mut builder = Verifier::builder()
        .issuer(text("issuer"))
        .audience(text("audience"))
        .token_types(types)
        .keys(JwkSet::from_json(vectors["jwks"].to_string().as_bytes()).unwrap())
        .clock(ClockFn(move || now));
    if let Some(leeway) = seconds("leeway_seconds") {
        builder = builder.clock_tolerance(leeway);
    }
    if let Some(age) = seconds("max_age_seconds") {
        builder = builder.max_age(age);
    }
    builder.build().unwrap()
}
