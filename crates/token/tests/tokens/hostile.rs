//! Tokens made to be believed, and why each is not. Where a signature is possible at all, it is right: only
//! the named fault stands between the token and its acceptance.

use crate::support::{
    AUDIENCE, ISSUER, NOW, claims, encode, expected, good_token, judge, key_set, keys, kid, signed,
    signed_text, signing_key,
};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_token::issue::{SigningKey, sign};
use countersign_token::{
    Algorithm, Claims, Expected, MAX_TOKEN_BYTES, PublicKey, Refusal, TokenType, test_keys, unverified,
    verify,
};
use serde_json::json;

/// A header that the issuer's Ed25519 key would write.
const GOOD_HEADER: &str = r#"{"alg":"EdDSA","kid":"jwk-test-eddsa","typ":"JWT"}"#;

fn good_claims() -> String {
    serde_json::to_string(&claims()).unwrap()
}

fn code(token: &str) -> &'static str {
    judge(token).expect_err(token).code()
}

#[test]
fn the_tokens_that_the_others_spoil_are_good() {
    for algorithm in Algorithm::ALL {
        assert_eq!(judge(&good_token(algorithm)), Ok(claims()), "{algorithm}");
    }
    assert_eq!(judge(&signed(GOOD_HEADER, good_claims())), Ok(claims()));
    let by_its_new_name = GOOD_HEADER.replace("EdDSA", "Ed25519");
    assert_eq!(
        judge(&signed(&by_its_new_name, good_claims())),
        Ok(claims()),
        "RFC 9864"
    );
}

// ---- algorithms and keys

#[test]
fn no_algorithm_is_no_signature() {
    for alg in [
        r#""none""#,
        r#""None""#,
        r#""nOnE""#,
        r#""""#,
        r#""RS1""#,
        r#""PS256""#,
        r#""ES256K""#,
    ] {
        let header = GOOD_HEADER.replace(r#""EdDSA""#, alg);
        assert_eq!(
            code(&signed(&header, good_claims())),
            "unsupported_algorithm",
            "{alg}, signed"
        );
        let unsigned = format!("{}.{}.", encode(&header), encode(good_claims()));
        assert_eq!(code(&unsigned), "unsupported_algorithm", "{alg}, unsigned");
    }
    assert_eq!(
        code(&signed(r#"{"kid":"jwk-test-eddsa","typ":"JWT"}"#, good_claims())),
        "unsupported_algorithm"
    );
    for alg in ["null", "[\"EdDSA\"]", "{}", "7"] {
        let header = GOOD_HEADER.replace(r#""EdDSA""#, alg);
        assert_eq!(code(&signed(&header, good_claims())), "malformed", "{alg}");
    }
}

#[test]
fn a_public_key_is_no_hmac_secret() {
    let set = key_set();
    let document = serde_json::to_vec(&set).unwrap();
    let PublicKey::Rsa { modulus, .. } = &set.keys[0].key else {
        panic!("the RSA key comes first")
    };
    let modulus_text = encode(modulus);
    for secret in [&document[..], modulus, modulus_text.as_bytes(), b""] {
        for alg in ["HS256", "HS384", "HS512"] {
            let header = format!(r#"{{"alg":"{alg}","kid":"jwk-test-rs256","typ":"JWT"}}"#);
            let input = format!("{}.{}", encode(header), encode(good_claims()));
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
            assert_eq!(
                code(&format!("{input}.{}", encode(tag))),
                "unsupported_algorithm",
                "{alg}"
            );
        }
    }
}

#[test]
fn a_key_serves_its_own_algorithm_only() {
    for own in Algorithm::ALL {
        for other in Algorithm::ALL.into_iter().filter(|&other| other != own) {
            // Signed by the attacker's idea of `own`, under the id of the issuer's key for `other`.
            let key = SigningKey::from_pkcs8(kid(other), own, test_keys::pkcs8(own)).unwrap();
            let token = sign(&key, TokenType::Jwt, &claims()).unwrap();
            assert_eq!(
                judge(&token),
                Err(Refusal::AlgorithmMismatch {
                    kid: kid(other).into()
                }),
                "{own} as {other}"
            );
        }
    }
}

#[test]
fn a_key_of_somebody_else_under_the_right_id_signs_nothing() {
    let key = SigningKey::from_pkcs8(
        kid(Algorithm::Rs256),
        Algorithm::Rs256,
        test_keys::RS256_OTHER_PKCS8,
    )
    .unwrap();
    assert_eq!(
        judge(&sign(&key, TokenType::Jwt, &claims()).unwrap()),
        Err(Refusal::BadSignature)
    );
}

#[test]
fn keys_are_named_and_known() {
    let without = r#"{"alg":"EdDSA","typ":"JWT"}"#;
    assert_eq!(judge(&signed(without, good_claims())), Err(Refusal::MissingKeyId));
    let unknown = GOOD_HEADER.replace("jwk-test-eddsa", "../jwk-test-eddsa");
    assert_eq!(
        judge(&signed(&unknown, good_claims())),
        Err(Refusal::UnknownKey {
            kid: "../jwk-test-eddsa".into()
        })
    );
    let long = GOOD_HEADER.replace("jwk-test-eddsa", &"k".repeat(257));
    assert_eq!(code(&signed(&long, good_claims())), "malformed");
}

#[test]
fn a_token_does_not_bring_its_own_key() {
    let jwk = serde_json::to_value(signing_key(Algorithm::EdDsa).public_jwk()).unwrap();
    for (name, value) in [
        ("jwk", jwk),
        ("jku", json!("https://attacker.example/jwks.json")),
        ("x5u", json!("https://attacker.example/chain.pem")),
        ("x5c", json!(["MIIB"])),
    ] {
        let mut header = json!({"alg": "EdDSA", "kid": "jwk-attacker", "typ": "JWT"});
        header[name] = value;
        assert_eq!(
            code(&signed(&header.to_string(), good_claims())),
            "unknown_key",
            "{name}"
        );
    }
}

// ---- signatures

#[test]
fn no_character_of_a_token_can_be_changed() {
    for algorithm in Algorithm::ALL {
        let keys = keys();
        let good = good_token(algorithm);
        for position in 0..good.len() {
            for replacement in ["A", "B", "_", ".", "=", "+", " ", "\0", "é"] {
                if &good[position..=position] == replacement {
                    continue;
                }
                let changed = format!("{}{replacement}{}", &good[..position], &good[position + 1..]);
                let verdict = verify(&changed, &keys, &expected(), NOW);
                assert!(verdict.is_err(), "{algorithm}: {replacement:?} at {position}");
            }
        }
    }
}

#[test]
fn no_part_of_a_token_is_a_token() {
    for algorithm in Algorithm::ALL {
        let keys = keys();
        let good = good_token(algorithm);
        for length in 0..good.len() {
            assert!(
                verify(&good[..length], &keys, &expected(), NOW).is_err(),
                "{algorithm}: first {length}"
            );
            assert!(
                verify(&good[length + 1..], &keys, &expected(), NOW).is_err(),
                "{algorithm}: after {length}"
            );
        }
    }
}

#[test]
fn claims_cannot_be_exchanged() {
    let wider = Claims {
        scope: "write:*".into(),
        ..claims()
    };
    for algorithm in Algorithm::ALL {
        let good = good_token(algorithm);
        let [header, _, signature] = good.split('.').collect::<Vec<_>>()[..] else {
            panic!("three parts")
        };
        let forged = format!(
            "{header}.{}.{signature}",
            encode(serde_json::to_string(&wider).unwrap())
        );
        assert_eq!(judge(&forged), Err(Refusal::BadSignature), "{algorithm}");
    }
}

#[test]
fn an_ecdsa_signature_has_the_fixed_form_and_no_zeros() {
    let good = good_token(Algorithm::Es256);
    let (input, _) = good.rsplit_once('.').unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, test_keys::ES256_PKCS8).unwrap();
    let asn1 = pair.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
    assert_eq!(
        judge(&format!("{input}.{}", encode(asn1))),
        Err(Refusal::BadSignature),
        "ASN.1 form"
    );
    // CVE-2022-21449: r = s = 0 once passed for every message.
    assert_eq!(
        judge(&format!("{input}.{}", encode([0; 64]))),
        Err(Refusal::BadSignature),
        "zeros"
    );
    assert_eq!(judge(&format!("{input}.")), Err(Refusal::BadSignature), "nothing");
}

// ---- form

#[test]
fn a_long_token_is_not_read() {
    let at_the_bound = "a".repeat(MAX_TOKEN_BYTES);
    assert_eq!(judge(&at_the_bound), Err(Refusal::Malformed));
    assert_eq!(judge(&format!("{at_the_bound}a")), Err(Refusal::Oversize));

    let filler = |length: usize| GOOD_HEADER.replace("{", &format!(r#"{{"f":"{}","#, "f".repeat(length)));
    assert_eq!(judge(&signed(&filler(8_000), good_claims())), Ok(claims()));
    assert_eq!(
        judge(&signed(&filler(12_000), good_claims())),
        Err(Refusal::Oversize)
    );
}

#[test]
fn a_token_has_three_parts() {
    let good = signed(GOOD_HEADER, good_claims());
    for token in [
        String::new(),
        ".".into(),
        "..".into(),
        "...".into(),
        format!(".{good}"),
        format!("{good}."),
        format!("{good}.e30"),
        good.replacen('.', "..", 1),
        good.replace('.', ","),
        good.replacen('.', "", 1),
        signed_text(&format!(
            "{}.{}.{}",
            encode(GOOD_HEADER),
            encode(good_claims()),
            encode("{}")
        )),
        // RFC 7516: a JWE has five parts.
        "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..AAAA.AAAA.AAAA".into(),
        // RFC 7515 section 7.2: the JSON form.
        json!({"payload": encode(good_claims()), "protected": encode(GOOD_HEADER), "signature": "AA"})
            .to_string(),
    ] {
        assert_eq!(judge(&token), Err(Refusal::Malformed), "{token}");
    }
}

#[test]
fn a_part_is_strict_base64url() {
    let (header, body) = (encode(GOOD_HEADER), encode(good_claims()));
    let padded_header = STANDARD.encode(GOOD_HEADER);
    let padded_body = STANDARD.encode(good_claims() + " ");
    assert!(padded_header.ends_with('=') && padded_body.ends_with('='));
    for input in [
        format!("{padded_header}.{body}"),
        format!("{header}.{padded_body}"),
        format!("{header}.{body}="),
        format!("{header} .{body}"),
        format!("{header}\n.{body}"),
        format!("{header}.{}", body.replacen('e', "e%", 1)),
    ] {
        assert_eq!(judge(&signed_text(&input)), Err(Refusal::Malformed), "{input}");
    }
    let good = signed(GOOD_HEADER, good_claims());
    for token in [
        format!("{good}="),
        format!("{good}=="),
        format!("{good}\n"),
        format!(" {good}"),
        format!("Bearer {good}"),
    ] {
        assert_eq!(judge(&token), Err(Refusal::Malformed), "{token:?}");
    }
}

#[test]
fn header_and_claims_are_json_objects() {
    let text = json!(good_claims()).to_string();
    let deep = format!("{}{}", "[".repeat(4_000), "]".repeat(4_000));
    for part in [
        "",
        "null",
        "7",
        "[]",
        "{",
        "{}{}",
        "{} x",
        &text,
        &deep,
        "\u{feff}{}",
        "{'alg':'EdDSA'}",
    ] {
        assert_eq!(
            judge(&signed(part, good_claims())),
            Err(Refusal::Malformed),
            "header {part}"
        );
        assert_eq!(
            judge(&signed(GOOD_HEADER, part)),
            Err(Refusal::Malformed),
            "claims {part}"
        );
    }
    let mut not_utf8 = good_claims().into_bytes();
    not_utf8[9] = 0xff;
    assert_eq!(judge(&signed(GOOD_HEADER, not_utf8)), Err(Refusal::Malformed));
}

#[test]
fn no_member_comes_twice() {
    for header in [
        r#"{"alg":"none","alg":"EdDSA","kid":"jwk-test-eddsa","typ":"JWT"}"#,
        r#"{"alg":"EdDSA","kid":"jwk-test-eddsa","typ":"JWT","kid":"jwk-test-eddsa"}"#,
        r#"{"alg":"EdDSA","kid":"jwk-test-eddsa","typ":"JWT","x":1,"x":1}"#,
        r#"{"alg":"EdDSA","kid":"jwk-test-eddsa","typ":"JWT","x":{"y":1,"y":1}}"#,
        r#"{"alg":"EdDSA","kid":"jwk-test-eddsa","typ":"JWT","crit":[],"crit":[]}"#,
    ] {
        assert_eq!(
            judge(&signed(header, good_claims())),
            Err(Refusal::DuplicateMember),
            "{header}"
        );
    }
    let good = good_claims();
    let open = good.strip_suffix('}').unwrap();
    for more in [
        r#""scope":"write:*""#,
        r#""sub":"m2m-client-test-other""#,
        r#""exp":9999999999"#,
        r#""tier":1,"tier":2"#,
        r#""tier":[{"a":1,"a":2}]"#,
        "\"s\\u0063ope\":\"write:*\"",
    ] {
        let token = signed(GOOD_HEADER, format!("{open},{more}}}"));
        assert_eq!(judge(&token), Err(Refusal::DuplicateMember), "{more}");
        assert_eq!(
            unverified::decode(&token),
            Err(Refusal::DuplicateMember),
            "{more}"
        );
    }
}

#[test]
fn nothing_is_critical() {
    for crit in [r#"["exp"]"#, r#"["b64"]"#, "[]", "null", "false", r#""exp""#] {
        let header = GOOD_HEADER.replace("{", &format!(r#"{{"crit":{crit},"exp":1,"b64":false,"#));
        assert_eq!(
            judge(&signed(&header, good_claims())),
            Err(Refusal::CriticalHeader),
            "{crit}"
        );
    }
}

// ---- claims

#[test]
fn a_token_of_another_type_is_for_another_purpose() {
    let types = [
        r#""at+jwt""#,
        r#""application/at+jwt""#,
        r#""dpop+jwt""#,
        r#""logout+jwt""#,
        r#""JWS""#,
        r#""""#,
        r#""JWT ""#,
    ];
    for typ in types {
        let header = GOOD_HEADER.replace(r#""JWT""#, typ);
        assert_eq!(
            judge(&signed(&header, good_claims())),
            Err(Refusal::WrongType),
            "{typ}"
        );
    }
    let without = r#"{"alg":"EdDSA","kid":"jwk-test-eddsa"}"#;
    assert_eq!(judge(&signed(without, good_claims())), Err(Refusal::WrongType));

    let at_jwt = sign(&signing_key(Algorithm::EdDsa), TokenType::AtJwt, &claims()).unwrap();
    let expected = Expected {
        types: &[TokenType::AtJwt],
        ..expected()
    };
    assert_eq!(verify(&at_jwt, &keys(), &expected, NOW), Ok(claims()));
    let jwt = good_token(Algorithm::EdDsa);
    assert_eq!(verify(&jwt, &keys(), &expected, NOW), Err(Refusal::WrongType));
    let nothing = Expected {
        types: &[],
        ..expected
    };
    assert_eq!(verify(&at_jwt, &keys(), &nothing, NOW), Err(Refusal::WrongType));
}

#[test]
fn a_token_for_somebody_else_or_another_time_is_refused() {
    let cases = [
        (
            Claims {
                iss: "stytch.com/project-test-other".into(),
                ..claims()
            },
            Refusal::WrongIssuer,
        ),
        (
            Claims {
                aud: vec!["project-test-other".into()],
                ..claims()
            },
            Refusal::WrongAudience,
        ),
        (
            Claims {
                aud: vec![],
                ..claims()
            },
            Refusal::WrongAudience,
        ),
        (Claims { exp: NOW, ..claims() }, Refusal::Expired),
        (
            Claims {
                exp: i64::MIN,
                ..claims()
            },
            Refusal::Expired,
        ),
        (
            Claims {
                nbf: NOW + 1,
                ..claims()
            },
            Refusal::NotYetValid,
        ),
        (
            Claims {
                iat: i64::MAX,
                ..claims()
            },
            Refusal::NotYetValid,
        ),
    ];
    for (claims, refusal) in cases {
        let token = sign(&signing_key(Algorithm::EdDsa), TokenType::Jwt, &claims).unwrap();
        assert_eq!(judge(&token), Err(refusal));
    }
    let old = Claims {
        iat: NOW - 61,
        ..claims()
    };
    let token = sign(&signing_key(Algorithm::EdDsa), TokenType::Jwt, &old).unwrap();
    let young = Expected {
        max_age_seconds: Some(60),
        ..expected()
    };
    assert_eq!(verify(&token, &keys(), &young, NOW), Err(Refusal::TooOld));
}

#[test]
fn claims_are_of_their_kind() {
    for (name, value) in [
        ("exp", json!("1900000000")),
        ("exp", json!(1.9e9)),
        ("exp", json!(null)),
        ("exp", json!(u64::MAX)),
        ("iss", json!([ISSUER])),
        ("aud", json!({AUDIENCE: true})),
        ("aud", json!([[AUDIENCE]])),
        ("scope", json!(["write:*"])),
        ("sub", json!(7)),
        ("jti", json!({})),
    ] {
        let mut claims = serde_json::to_value(claims()).unwrap();
        claims[name] = value.clone();
        assert_eq!(
            judge(&signed(GOOD_HEADER, claims.to_string())),
            Err(Refusal::Malformed),
            "{name}: {value}"
        );
    }
    for name in ["iss", "sub", "aud", "iat", "exp"] {
        let mut claims = serde_json::to_value(claims()).unwrap();
        claims.as_object_mut().unwrap().remove(name);
        let token = signed(GOOD_HEADER, claims.to_string());
        assert_eq!(judge(&token), Err(Refusal::MissingClaim { name }));
    }
}

// ---- what a refusal says

#[test]
fn the_signature_is_judged_before_any_claim() {
    let good = good_token(Algorithm::EdDsa);
    let (_, signature) = good.rsplit_once('.').unwrap();
    for body in ["not json", "{}", r#"{"exp":0,"exp":0}"#] {
        let forged = format!("{}.{}.{signature}", encode(GOOD_HEADER), encode(body));
        assert_eq!(judge(&forged), Err(Refusal::BadSignature), "{body}");
    }
}

#[test]
fn a_refusal_does_not_repeat_the_token() {
    let secret = encode(digest::digest(&digest::SHA256, b"a claim that nobody may see"));
    let telling = Claims {
        sub: secret.clone(),
        iss: secret.clone(),
        ..claims()
    };
    let token = sign(&signing_key(Algorithm::EdDsa), TokenType::Jwt, &telling).unwrap();
    let unknown = signed(
        &GOOD_HEADER.replace("jwk-test-eddsa", "jwk"),
        serde_json::to_string(&telling).unwrap(),
    );
    for token in [
        token.clone(),
        unknown,
        token.replace('.', "~"),
        token[..token.len() - 1].to_owned(),
    ] {
        let refusal = judge(&token).unwrap_err();
        let said = format!("{refusal} {refusal:?}");
        assert!(!said.contains(&secret), "{said}");
        for part in token.split(['.', '~']) {
            assert!(!said.contains(part), "{said}");
        }
    }
}
