use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode,
    sign as oracle_sign,
};
use aws_sigv4::sign::v4;
use http::Request;
use proptest::prelude::*;

use super::*;

/// The key and the moment of the published vectors.
const ID: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const THEN: u64 = 1_440_938_160;

fn signer(service: &str, session_token: Option<&str>) -> AwsSigV4 {
    AwsSigV4::new(AwsSigV4Fields {
        access_key_id: ID.into(),
        secret_access_key: SECRET.into(),
        session_token: session_token.map(Into::into),
        region: "us-east-1".into(),
        service: service.into(),
    })
    .unwrap()
}

fn request(method: &str, target: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("https://example.amazonaws.com{target}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn signed(signer: &AwsSigV4, mut request: Parts, body: Option<&[u8]>) -> Parts {
    let moment = Moment {
        unix_seconds: THEN,
        body,
        access_token: None,
    };
    signer.apply(&mut request, &moment).unwrap();
    request
}

fn signature(request: &Parts) -> &str {
    let value = request.headers[header::AUTHORIZATION].to_str().unwrap();
    value.rsplit_once("Signature=").unwrap().1
}

#[test]
fn signatures_are_those_of_the_published_test_suite() {
    for (method, target, headers, expected) in [
        (
            "GET",
            "/",
            &[][..],
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            "GET",
            "/./",
            &[],
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            "GET",
            "//",
            &[],
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            "GET",
            "/?Param2=value2&Param1=value1",
            &[],
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "POST",
            "/",
            &[],
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        ),
    ] {
        let request = signed(
            &signer("service", None),
            request(method, target, headers),
            Some(b""),
        );
        assert_eq!(signature(&request), expected, "{method} {target}");
    }
    let form = request(
        "POST",
        "/",
        &[("content-type", "application/x-www-form-urlencoded")],
    );
    let form = signed(&signer("service", None), form, Some(b"Param1=value1"));
    assert_eq!(
        form.headers[header::AUTHORIZATION],
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
         SignedHeaders=content-type;host;x-amz-date, \
         Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
    );
    assert_eq!(form.headers["x-amz-date"], "20150830T123600Z");
}

/// What AWS's own Rust signer says of a request as ours left it.
fn by_the_oracle(signer: &AwsSigV4, request: &Parts, body: Option<&[u8]>) -> String {
    let token = signer
        .session_token
        .as_ref()
        .map(|token| token.expose_secret().to_owned());
    let identity = Credentials::new(ID, SECRET, token, None, "test").into();
    let mut settings = SigningSettings::default();
    if signer.is_s3() {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = aws_sigv4::http_request::PayloadChecksumKind::XAmzSha256;
    }
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name(&signer.service)
        .time(SystemTime::UNIX_EPOCH + Duration::from_secs(THEN))
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let uri = request.uri.to_string();
    let own = |name: &HeaderName| HEADER_NAMES.contains(name);
    let headers = request.headers.iter().filter(|(name, _)| !own(name));
    let headers = headers.map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
    let body = body.map_or(SignableBody::UnsignedPayload, SignableBody::Bytes);
    let signable = SignableRequest::new(request.method.as_str(), &uri, headers, body).unwrap();
    oracle_sign(signable, &parameters).unwrap().signature().to_owned()
}

proptest! {
    #[test]
    fn any_request_is_signed_as_aws_signs_it(
        method in "GET|POST|PUT|DELETE",
        path in "(/[a-zA-Z0-9._~-]{1,8}|/%[23][0-9A-E]|/){1,5}",
        query in "([a-zA-Z]{1,3}=([a-z0-9~_.-]|%[2-7][0-9A-E]){0,6}&?){0,4}",
        kind in "[a-z]{1,5}/[a-z]{1,5}",
        body in proptest::collection::vec(any::<u8>(), 0..40),
        token in proptest::option::of("[A-Za-z0-9+/]{8,30}"),
    ) {
        let target = format!("{path}?{query}");
        let request = request(&method, &target, &[("content-type", &kind), ("x-amz-target", "A  b")]);
        let signer = signer("execute-api", token.as_deref());
        let request = signed(&signer, request, Some(&body));
        prop_assert_eq!(signature(&request), by_the_oracle(&signer, &request, Some(&body)));
    }
}

#[test]
fn s3_is_signed_as_aws_signs_it_with_and_without_the_payload() {
    let signer = signer("s3", Some("a-session-token"));
    for body in [None, Some(&b"payload"[..])] {
        for target in ["/bucket/key", "/bucket//a%20b/./c?list-type=2&prefix=a%2Fb", "/"] {
            let request = signed(&signer, request("PUT", target, &[]), body);
            assert_eq!(
                signature(&request),
                by_the_oracle(&signer, &request, body),
                "{target}"
            );
        }
    }
    let unsigned = signed(&signer, request("PUT", "/bucket/key", &[]), None);
    assert_eq!(unsigned.headers["x-amz-content-sha256"], "UNSIGNED-PAYLOAD");
}

#[test]
fn a_key_of_s3_has_one_signature_however_it_is_escaped() {
    let of = |target| signature(&signed(&signer("s3", None), request("GET", target, &[]), None)).to_owned();
    assert_eq!(of("/b/a~b+c"), of("/b/a%7eb%2Bc"));
    assert_ne!(of("/b/a"), of("/b//a"), "these are two keys");
}

#[test]
fn elsewhere_the_payload_has_to_be_there() {
    let mut request = request("GET", "/", &[]);
    let refused = signer("execute-api", None).apply(&mut request, &Moment::default());
    assert_eq!(refused.err(), Some(InjectError::BodyNeeded));
    assert!(request.headers.is_empty());
}

#[test]
fn what_the_caller_says_of_payload_and_time_is_replaced() {
    let forged = [
        ("x-amz-date", "x"),
        ("x-amz-security-token", "x"),
        ("x-amz-content-sha256", "x"),
        ("authorization", "x"),
    ];
    let request = signed(&signer("service", None), request("GET", "/", &forged), Some(b""));
    assert_eq!(
        signature(&request),
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    );
    assert!(!request.headers.contains_key(TOKEN) && !request.headers.contains_key(PAYLOAD_HASH));
}

#[test]
fn a_time_that_no_calendar_has_is_refused() {
    assert_eq!(canonical::timestamp(u64::MAX), Err(InjectError::Time));
    assert_eq!(canonical::timestamp(THEN).unwrap(), "20150830T123600Z");
}
