//! `sdk/vectors/tokens.json`: tokens that every SDK must judge as this crate does.
//!
//! Each case is one good token, or one with exactly one fault and otherwise right, its signature included. The
//! file is committed, so that an SDK needs no signing key to be tested; `COUNTERSIGN_UPDATE_VECTORS=1` writes it
//! anew. It is not compared by bytes, because an ECDSA signature is another each time.

use std::path::Path;

use aws_lc_rs::hmac;
use countersign_token::issue::{SigningKey, sign};
use countersign_token::{
    Algorithm, Claims, Expected, JwkSet, MAX_TOKEN_BYTES, PublicJwk, PublicKey, TokenType, VerifyingKeys,
    test_keys, verify,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::support::{
    AUDIENCE, ISSUER, NOW, claims, encode, good_token, key_set, kid, signed, signed_text, signing_key,
};

const FILE: &str = "../../sdk/vectors/tokens.json";
const HEADER: &str = r#"{"alg":"EdDSA","kid":"jwk-test-eddsa","typ":"JWT"}"#;
/// In the set, with too few bits to be believed.
const WEAK_KID: &str = "jwk-test-weak";

#[derive(Serialize, Deserialize)]
struct Vectors {
    /// What this is, for whoever opens the file.
    about: String,
    /// When all tokens are judged, in seconds since 1970-01-01T00:00:00Z.
    now: i64,
    issuer: String,
    audience: String,
    jwks: Value,
    cases: Vec<Case>,
}

#[derive(Serialize, Deserialize)]
struct Case {
    name: String,
    token: String,
    /// Why it is refused; absent for a good one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// What a good one says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    claims: Option<Value>,
    /// The types that the verifier accepts; `JWT` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    types: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    leeway_seconds: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_age_seconds: Option<i64>,
}

#[test]
fn the_vectors_are_judged_as_they_say_and_are_all_there() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let made = vectors();
    if std::env::var_os("COUNTERSIGN_UPDATE_VECTORS").is_some() {
        std::fs::write(&file, serde_json::to_string_pretty(&made).unwrap() + "\n").unwrap();
    }
    let kept: Vectors = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let names = |vectors: &Vectors| {
        let name = |case: &Case| (case.name.clone(), case.code.clone());
        vectors.cases.iter().map(name).collect::<Vec<_>>()
    };
    assert_eq!(
        names(&kept),
        names(&made),
        "write the file anew: COUNTERSIGN_UPDATE_VECTORS=1"
    );
    let set = JwkSet::from_json(&serde_json::to_vec(&kept.jwks).unwrap()).unwrap();
    let keys = VerifyingKeys::from_set(&set);
    for case in &kept.cases {
        judge(case, &keys);
    }
}

fn judge(case: &Case, keys: &VerifyingKeys) {
    let types: Vec<_> = case.types.as_deref().map_or(vec![TokenType::Jwt], |types| {
        let named = |name: &String| {
            [TokenType::Jwt, TokenType::AtJwt]
                .into_iter()
                .find(|typ| typ.name() == name)
        };
        types.iter().filter_map(named).collect()
    });
    let expected = Expected {
        issuers: &[ISSUER],
        audience: AUDIENCE,
        types: &types,
        leeway_seconds: case.leeway_seconds.unwrap_or(0),
        max_age_seconds: case.max_age_seconds,
    };
    let name = &case.name;
    match (verify(&case.token, keys, &expected, NOW), &case.code) {
        (Err(refusal), Some(code)) => assert_eq!(refusal.code(), code, "{name}"),
        (Ok(claims), None) => {
            let claims = serde_json::to_value(claims).unwrap();
            assert_eq!(Some(&claims), case.claims.as_ref(), "{name}");
        }
        (verdict, code) => panic!("{name}: {verdict:?}, expected {code:?}"),
    }
}

fn vectors() -> Vectors {
    let mut set = key_set();
    set.keys.push(PublicJwk::new(
        WEAK_KID,
        PublicKey::Rsa {
            modulus: vec![0xff; 128],
            exponent: vec![1, 0, 1],
        },
    ));
    let cases = [
        good(),
        algorithms(),
        keys(),
        signatures(),
        forms(),
        headers(),
        said(),
    ];
    Vectors {
        about: "Tokens and what a verifier must say to them; written by crates/token/tests/tokens/vectors.rs"
            .into(),
        now: NOW,
        issuer: ISSUER.into(),
        audience: AUDIENCE.into(),
        jwks: serde_json::to_value(set).unwrap(),
        cases: cases.into_iter().flatten().collect(),
    }
}

fn bad(name: &str, code: &str, token: impl Into<String>) -> Case {
    Case {
        name: name.to_owned(),
        token: token.into(),
        code: Some(code.to_owned()),
        claims: None,
        types: None,
        leeway_seconds: None,
        max_age_seconds: None,
    }
}

fn accepted(name: &str, token: impl Into<String>, claims: &Claims) -> Case {
    Case {
        code: None,
        claims: Some(serde_json::to_value(claims).unwrap()),
        ..bad(name, "", token)
    }
}

fn good_claims() -> String {
    serde_json::to_string(&claims()).unwrap()
}

/// Good claims but for one.
fn with(name: &str, value: Value) -> String {
    let mut claims = serde_json::to_value(claims()).unwrap();
    claims[name] = value;
    signed(HEADER, claims.to_string())
}

fn by(claims: &Claims) -> String {
    sign(&signing_key(Algorithm::EdDsa), TokenType::Jwt, claims).unwrap()
}

fn good() -> Vec<Case> {
    let mut cases: Vec<_> = Algorithm::ALL
        .into_iter()
        .map(|algorithm| accepted(&format!("good, {algorithm}"), good_token(algorithm), &claims()))
        .collect();
    let new_name = HEADER.replace("EdDSA", "Ed25519");
    cases.push(accepted(
        "good, Ed25519 by its name of RFC 9864",
        signed(&new_name, good_claims()),
        &claims(),
    ));
    let at_jwt = sign(&signing_key(Algorithm::Es256), TokenType::AtJwt, &claims()).unwrap();
    let both = Some(vec!["JWT".to_owned(), "at+jwt".to_owned()]);
    cases.push(Case {
        types: both,
        ..accepted("good, at+jwt beside JWT", at_jwt.clone(), &claims())
    });
    cases.push(Case {
        types: Some(vec!["at+jwt".to_owned()]),
        ..accepted("good, at+jwt alone", at_jwt, &claims())
    });
    let media_type = HEADER.replace(r#""JWT""#, r#""application/jwt""#);
    cases.push(accepted(
        "good, the type as a media type",
        signed(&media_type, good_claims()),
        &claims(),
    ));
    let text = serde_json::to_value(claims()).unwrap();
    cases.push(accepted(
        "good, the audience as a text",
        {
            let mut text = text.clone();
            text["aud"] = json!(AUDIENCE);
            signed(HEADER, text.to_string())
        },
        &claims(),
    ));
    let mut least = text.as_object().unwrap().clone();
    least.remove("nbf");
    least.remove("scope");
    cases.push(accepted(
        "good, without nbf and scope",
        signed(HEADER, Value::from(least).to_string()),
        &Claims {
            scope: String::new(),
            ..claims()
        },
    ));
    let mut extra = claims();
    extra.jti = Some("j".into());
    extra.client_id = Some(extra.sub.clone());
    extra
        .extra
        .insert("tier".into(), json!({"name": "gold", "names": ["a", "a"]}));
    cases.push(accepted("good, with more claims", by(&extra), &extra));
    let late = Claims {
        exp: NOW - 59,
        ..claims()
    };
    cases.push(Case {
        leeway_seconds: Some(60),
        ..accepted("good, just expired within the tolerance", by(&late), &late)
    });
    let early = Claims {
        iat: NOW + 60,
        nbf: NOW + 60,
        ..claims()
    };
    cases.push(Case {
        leeway_seconds: Some(60),
        ..accepted("good, from the future within the tolerance", by(&early), &early)
    });
    cases
}

fn algorithms() -> Vec<Case> {
    let mut cases = Vec::new();
    for alg in [
        "none", "None", "nOnE", "", "RS1", "RS512", "PS256", "ES256K", "ES384",
    ] {
        let header = HEADER.replace("EdDSA", alg);
        cases.push(bad(
            &format!("alg {alg:?}, signed"),
            "unsupported_algorithm",
            signed(&header, good_claims()),
        ));
        cases.push(bad(
            &format!("alg {alg:?}, unsigned"),
            "unsupported_algorithm",
            format!("{}.{}.", encode(&header), encode(good_claims())),
        ));
    }
    let absent = HEADER.replace(r#""alg":"EdDSA","#, "");
    cases.push(bad(
        "no alg",
        "unsupported_algorithm",
        signed(&absent, good_claims()),
    ));
    for alg in ["null", "[\"EdDSA\"]", "7"] {
        let header = HEADER.replace(r#""EdDSA""#, alg);
        cases.push(bad(
            &format!("alg is {alg}"),
            "malformed",
            signed(&header, good_claims()),
        ));
    }
    let document = serde_json::to_vec(&key_set()).unwrap();
    for (alg, of) in [
        ("HS256", hmac::HMAC_SHA256),
        ("HS384", hmac::HMAC_SHA384),
        ("HS512", hmac::HMAC_SHA512),
    ] {
        let header = format!(r#"{{"alg":"{alg}","kid":"jwk-test-rs256","typ":"JWT"}}"#);
        let input = format!("{}.{}", encode(header), encode(good_claims()));
        let tag = hmac::sign(&hmac::Key::new(of, &document), input.as_bytes());
        let name = format!("{alg} with the public key as its secret");
        cases.push(bad(
            &name,
            "unsupported_algorithm",
            format!("{input}.{}", encode(tag)),
        ));
    }
    cases
}

fn keys() -> Vec<Case> {
    let mut cases = Vec::new();
    for own in Algorithm::ALL {
        for other in Algorithm::ALL.into_iter().filter(|&other| other != own) {
            let key = SigningKey::from_pkcs8(kid(other), own, test_keys::pkcs8(own)).unwrap();
            cases.push(bad(
                &format!("{own} under the id of the {other} key"),
                "algorithm_mismatch",
                sign(&key, TokenType::Jwt, &claims()).unwrap(),
            ));
        }
    }
    let rs256 = Algorithm::Rs256;
    let strange = SigningKey::from_pkcs8(kid(rs256), rs256, test_keys::RS256_OTHER_PKCS8).unwrap();
    cases.push(bad(
        "another key under the right id",
        "bad_signature",
        sign(&strange, TokenType::Jwt, &claims()).unwrap(),
    ));
    let weak = SigningKey::from_pkcs8(WEAK_KID, rs256, test_keys::RS256_OTHER_PKCS8).unwrap();
    cases.push(bad(
        "a key of 1024 bits",
        "unusable_key",
        sign(&weak, TokenType::Jwt, &claims()).unwrap(),
    ));
    cases.push(bad(
        "no key id",
        "missing_key_id",
        signed(r#"{"alg":"EdDSA","typ":"JWT"}"#, good_claims()),
    ));
    for (name, kid, code) in [
        ("an unknown key id", "../jwk-test-eddsa".to_owned(), "unknown_key"),
        ("a key id of a prototype", "__proto__".to_owned(), "unknown_key"),
        ("a long key id", "k".repeat(257), "malformed"),
    ] {
        let header = HEADER.replace("jwk-test-eddsa", &kid);
        cases.push(bad(name, code, signed(&header, good_claims())));
    }
    let jwk = serde_json::to_value(signing_key(Algorithm::EdDsa).public_jwk()).unwrap();
    for (name, value) in [
        ("jwk", jwk),
        ("jku", json!("https://attacker.example/jwks.json")),
        ("x5u", json!("https://attacker.example/chain.pem")),
        ("x5c", json!(["MIIB"])),
    ] {
        let mut header = json!({"alg": "EdDSA", "kid": "jwk-attacker", "typ": "JWT"});
        header[name] = value;
        cases.push(bad(
            &format!("a token that brings its own key by {name}"),
            "unknown_key",
            signed(&header.to_string(), good_claims()),
        ));
    }
    cases
}

fn signatures() -> Vec<Case> {
    let wider = Claims {
        scope: "write:*".into(),
        ..claims()
    };
    let mut cases = Vec::new();
    for algorithm in Algorithm::ALL {
        let good = good_token(algorithm);
        let [header, body, signature] = good.split('.').collect::<Vec<_>>()[..] else {
            panic!("three parts")
        };
        let other_body = encode(serde_json::to_string(&wider).unwrap());
        let other_first = if signature.starts_with('A') { "B" } else { "A" };
        let zeros = match algorithm {
            Algorithm::Rs256 => 256,
            Algorithm::Es256 | Algorithm::EdDsa => 64,
        };
        for (name, token) in [
            ("exchanged claims", format!("{header}.{other_body}.{signature}")),
            (
                "a changed signature",
                format!("{header}.{body}.{other_first}{}", &signature[1..]),
            ),
            ("no signature", format!("{header}.{body}.")),
            // CVE-2022-21449: r = s = 0 once passed for every message.
            (
                "a signature of zeros",
                format!("{header}.{body}.{}", encode(vec![0; zeros])),
            ),
            (
                "a longer signature",
                format!("{header}.{body}.{signature}{}", "AAAA"),
            ),
        ] {
            cases.push(bad(&format!("{name}, {algorithm}"), "bad_signature", token));
        }
    }
    cases
}

fn forms() -> Vec<Case> {
    let good = signed(HEADER, good_claims());
    let (header, body) = (encode(HEADER), encode(good_claims()));
    let long = |length: usize| HEADER.replace("{", &format!(r#"{{"f":"{}","#, "f".repeat(length)));
    let mut not_utf8 = good_claims().into_bytes();
    not_utf8[9] = 0xff;
    let mut cases = vec![
        bad("one byte too long", "oversize", "a".repeat(MAX_TOKEN_BYTES + 1)),
        bad(
            "too long and otherwise good",
            "oversize",
            signed(&long(12_000), good_claims()),
        ),
        bad(
            "as long as allowed and nothing",
            "malformed",
            "a".repeat(MAX_TOKEN_BYTES),
        ),
        accepted("good and long", signed(&long(8_000), good_claims()), &claims()),
        bad("nothing", "malformed", ""),
        bad("two dots", "malformed", ".."),
        bad("one part", "malformed", &header),
        bad("two parts", "malformed", format!("{header}.{body}")),
        bad("four parts", "malformed", format!("{good}.e30")),
        bad("a JWE", "malformed", "eyJhbGciOiJkaXIifQ..AAAA.AAAA.AAAA"),
        bad("with its scheme", "malformed", format!("Bearer {good}")),
        bad("a space before", "malformed", format!(" {good}")),
        bad("a line end after", "malformed", format!("{good}\n")),
        bad("padding after", "malformed", format!("{good}=")),
        bad(
            "padding inside",
            "malformed",
            signed_text(&format!("{header}.{body}=")),
        ),
        bad(
            "white space inside",
            "malformed",
            signed_text(&format!("{header} .{body}")),
        ),
        bad("claims that are no UTF-8", "malformed", signed(HEADER, not_utf8)),
    ];
    for part in [
        "",
        "null",
        "7",
        "[]",
        "{",
        "{}{}",
        "\u{feff}{}",
        "{'alg':'EdDSA'}",
    ] {
        cases.push(bad(
            &format!("header {part:?}"),
            "malformed",
            signed(part, good_claims()),
        ));
        cases.push(bad(
            &format!("claims {part:?}"),
            "malformed",
            signed(HEADER, part),
        ));
    }
    cases
}

fn headers() -> Vec<Case> {
    let mut cases = Vec::new();
    for crit in [r#"["exp"]"#, r#"["b64"]"#, "[]", "null", r#""exp""#] {
        let header = HEADER.replace("{", &format!(r#"{{"crit":{crit},"exp":1,"b64":false,"#));
        cases.push(bad(
            &format!("crit {crit}"),
            "critical_header",
            signed(&header, good_claims()),
        ));
    }
    for (name, header) in [
        (
            "alg",
            r#"{"alg":"none","alg":"EdDSA","kid":"jwk-test-eddsa","typ":"JWT"}"#,
        ),
        (
            "kid",
            r#"{"alg":"EdDSA","kid":"jwk-attacker","typ":"JWT","kid":"jwk-test-eddsa"}"#,
        ),
        (
            "unknown",
            r#"{"alg":"EdDSA","kid":"jwk-test-eddsa","typ":"JWT","x":1,"x":1}"#,
        ),
        (
            "deep",
            r#"{"alg":"EdDSA","kid":"jwk-test-eddsa","typ":"JWT","x":{"y":1,"y":1}}"#,
        ),
    ] {
        let name = format!("a doubled header member: {name}");
        cases.push(bad(&name, "duplicate_member", signed(header, good_claims())));
    }
    for typ in ["at+jwt", "application/at+jwt", "dpop+jwt", "JWS", "", "JWT "] {
        let header = HEADER.replace(r#""JWT""#, &format!("{typ:?}"));
        cases.push(bad(
            &format!("typ {typ:?}"),
            "wrong_type",
            signed(&header, good_claims()),
        ));
    }
    let untyped = r#"{"alg":"EdDSA","kid":"jwk-test-eddsa"}"#;
    cases.push(bad("no typ", "wrong_type", signed(untyped, good_claims())));
    cases.push(Case {
        types: Some(vec!["at+jwt".to_owned()]),
        ..bad(
            "JWT where at+jwt is expected",
            "wrong_type",
            good_token(Algorithm::EdDsa),
        )
    });
    cases
}

/// What a token says, being signed rightly.
fn said() -> Vec<Case> {
    let mut cases = Vec::new();
    let good = good_claims();
    let open = good.strip_suffix('}').unwrap();
    for more in [
        r#""scope":"write:*""#,
        r#""exp":9999999999"#,
        r#""tier":1,"tier":2"#,
        r#""tier":[{"a":1,"a":2}]"#,
        r#""__proto__":1,"__proto__":2"#,
        "\"s\\u0063ope\":\"write:*\"",
    ] {
        cases.push(bad(
            &format!("doubled claims: {more}"),
            "duplicate_member",
            signed(HEADER, format!("{open},{more}}}")),
        ));
    }
    for name in ["iss", "sub", "aud", "iat", "exp"] {
        let mut claims = serde_json::to_value(claims()).unwrap();
        claims.as_object_mut().unwrap().remove(name);
        cases.push(bad(
            &format!("no {name}"),
            "missing_claim",
            signed(HEADER, claims.to_string()),
        ));
    }
    for (name, value) in [
        ("exp", json!("1900000000")),
        ("exp", json!(1_900_000_000.5)),
        ("exp", json!(null)),
        ("iat", json!(true)),
        ("iss", json!([ISSUER])),
        ("aud", json!({AUDIENCE: true})),
        ("aud", json!([[AUDIENCE]])),
        ("aud", json!([AUDIENCE, 7])),
        ("scope", json!(["write:*"])),
        ("sub", json!(7)),
        ("jti", json!({})),
        ("client_id", json!(null)),
    ] {
        cases.push(bad(&format!("{name} is {value}"), "malformed", with(name, value)));
    }
    for (name, code, value) in [
        ("iss", "wrong_issuer", json!("stytch.com/project-test-other")),
        ("iss", "wrong_issuer", json!(format!("{ISSUER}/"))),
        ("iss", "wrong_issuer", json!("")),
        ("aud", "wrong_audience", json!(["project-test-other"])),
        ("aud", "wrong_audience", json!([])),
        ("aud", "wrong_audience", json!(format!("{AUDIENCE} "))),
        ("exp", "expired", json!(NOW)),
        ("exp", "expired", json!(-1)),
        ("nbf", "not_yet_valid", json!(NOW + 1)),
        ("iat", "not_yet_valid", json!(NOW + 1)),
    ] {
        cases.push(bad(
            &format!("{code}: {name} is {value}"),
            code,
            with(name, value),
        ));
    }
    for (name, code, leeway, claim, value) in [
        ("expired beyond the tolerance", "expired", 60, "exp", NOW - 60),
        (
            "from the future beyond the tolerance",
            "not_yet_valid",
            60,
            "nbf",
            NOW + 61,
        ),
    ] {
        cases.push(Case {
            leeway_seconds: Some(leeway),
            ..bad(name, code, with(claim, json!(value)))
        });
    }
    cases.push(Case {
        max_age_seconds: Some(60),
        ..bad(
            "older than the caller accepts",
            "too_old",
            with("iat", json!(NOW - 61)),
        )
    });
    cases
}
