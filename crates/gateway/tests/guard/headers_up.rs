//! What of a caller's fields goes up.

use countersign_gateway::headers::up::{MOST_HOPS, prepare, prepare_trailers};
use countersign_gateway::headers::{UpRefusal, UpRules, Upgrade};
use http::header::{CONNECTION, HeaderName, HeaderValue, UPGRADE, VIA};
use http::request::Parts;
use http::{Method, Request, StatusCode, Version};

static NAMES: [HeaderName; 1] = [HeaderName::from_static("x-api-key")];
static RULES: UpRules<'_> = UpRules {
    credential_names: &NAMES,
    websocket: false,
};

fn parts(headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().uri("/p/stripe/v1");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

/// What goes up, but for our own `Via`.
fn up_with(rules: &UpRules<'_>, headers: &[(&str, &str)]) -> Result<Vec<(String, String)>, UpRefusal> {
    let mut request = parts(headers);
    prepare(&mut request, rules)?;
    Ok(request
        .headers
        .iter()
        .filter(|(_, value)| *value != "1.1 countersign")
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect())
}

fn up(headers: &[(&str, &str)]) -> Result<Vec<(String, String)>, UpRefusal> {
    up_with(&RULES, headers)
}

fn owned(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn ordinary_fields_go_up_as_they_came() {
    let ordinary = [
        ("accept", "application/json"),
        ("accept", "text/plain"),
        ("content-type", "application/json"),
        ("content-length", "2"),
        ("idempotency-key", "k"),
        ("stripe-version", "2026-01-01"),
        ("x-request-id", "r"),
        ("traceparent", "00-1-2-00"),
        ("x-api-key-id", "not the credential"),
    ];
    assert_eq!(up(&ordinary), Ok(owned(&ordinary)));
}

#[test]
fn credentials_and_claims_of_the_caller_do_not() {
    for name in [
        "Authorization",
        "AUTHORIZATION",
        "Cookie",
        "Cookie2",
        "Host",
        "Expect",
        "Proxy-Authorization",
        "Proxy-Connection",
        "Proxy-Anything",
        "Forwarded",
        "X-Forwarded",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "X-Forwarded-Prefix",
        "X-Forwarded-New-Thing",
        "X-Real-IP",
        "X-Original-URL",
        "X-Original-URI",
        "X-Rewrite-URL",
        "X-HTTP-Method",
        "X-HTTP-Method-Override",
        "X-Method-Override",
        "X-Client-IP",
        "True-Client-IP",
        "CF-Connecting-IP",
        "X-Original-Forwarded-For",
        "X-Envoy-Original-Path",
        "X-Host",
        "Countersign-Credential",
        "countersign-error",
        "Keep-Alive",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "HTTP2-Settings",
        // Names with underscores, and the spellings that arrive as another name.
        "X_Forwarded_For",
        "any_name",
        "x-any_name",
        "X.Forwarded.For",
        "countersign.credential",
    ] {
        let twice = [(name, "forged"), ("accept", "*/*"), (name, "a, b")];
        assert_eq!(up(&twice), Ok(owned(&[("accept", "*/*")])), "{name}");
    }
}

#[test]
fn what_the_credential_sets_is_dropped_in_every_spelling() {
    for name in ["x-api-key", "X-API-KEY", "X_Api_Key", "x.api.key", "x-api~key"] {
        assert_eq!(up(&[(name, "forged"), (name, "again")]), Ok(vec![]), "{name}");
    }
    let names = [HeaderName::from_static("api_key")];
    let rules = UpRules {
        credential_names: &names,
        ..RULES
    };
    assert_eq!(
        up_with(&rules, &[("api-key", "forged"), ("Api.Key", "forged")]),
        Ok(vec![])
    );
}

#[test]
fn nominated_fields_are_dropped() {
    for connection in [
        &[("Connection", "close, X-Secret ,x-other")][..],
        &[("connection", "X-SECRET"), ("Connection", ", x-other,")],
    ] {
        let headers = [
            connection,
            &[
                ("x-secret", "1"),
                ("X-Secret", "2"),
                ("x-other", "3"),
                ("x-kept", "4"),
            ],
        ]
        .concat();
        assert_eq!(up(&headers), Ok(owned(&[("x-kept", "4")])));
    }
}

#[test]
fn nominating_a_protected_field_refuses_the_request() {
    for name in [
        "Host",
        "authorization",
        "Content-Length",
        "content-type",
        "Cookie",
        "Via",
        "Forwarded",
        "X-Forwarded-Host",
        "x_forwarded_for",
        "X-Real-IP",
        "X-Api-Key",
        "x_api_key",
        "Countersign-Credential",
        "traceparent",
    ] {
        for value in [
            name.to_owned(),
            format!("keep-alive, {name}"),
            format!("{name},close"),
        ] {
            assert_eq!(
                up(&[("connection", &value)]),
                Err(UpRefusal::ProtectedNomination),
                "{value}"
            );
        }
        let second_line = [("connection", "close"), ("Connection", name)];
        assert_eq!(up(&second_line), Err(UpRefusal::ProtectedNomination), "{name}");
    }
    for value in ["a b", "x:y", "\"x\"", "close, (x)"] {
        assert_eq!(
            up(&[("connection", value)]),
            Err(UpRefusal::BadConnection),
            "{value}"
        );
    }
    let mut request = parts(&[]);
    let unreadable = HeaderValue::from_bytes(b"close, \xff").unwrap();
    request.headers.insert(CONNECTION, unreadable);
    assert_eq!(prepare(&mut request, &RULES), Err(UpRefusal::BadConnection));
}

#[test]
fn of_te_only_trailers_goes_up() {
    for te in [
        &[("te", "trailers")][..],
        &[("TE", "gzip, Trailers")],
        &[("te", "deflate"), ("te", "trailers")],
    ] {
        let headers = [te, &[("connection", "te")]].concat();
        assert_eq!(up(&headers), Ok(owned(&[("te", "trailers")])), "{te:?}");
    }
    assert_eq!(up(&[("te", "gzip;q=1"), ("connection", "TE")]), Ok(vec![]));
}

#[test]
fn other_protocols_are_not_switched_to() {
    let h2c = [
        ("connection", "Upgrade, HTTP2-Settings"),
        ("upgrade", "h2c"),
        ("http2-settings", "AAMA"),
    ];
    assert_eq!(up(&h2c), Ok(vec![]));
}

const HANDSHAKE: [(&str, &str); 4] = [
    ("connection", "keep-alive, Upgrade"),
    ("upgrade", "WebSocket"),
    ("sec-websocket-key", "AQIDBAUGBwgJCgsMDQ4PEA=="),
    ("sec-websocket-version", "13"),
];

#[test]
fn a_websocket_is_refused_where_no_rule_allows_it() {
    assert_eq!(up(&HANDSHAKE), Err(UpRefusal::WebSocketNotAllowed));
    assert_eq!(UpRefusal::WebSocketNotAllowed.status(), StatusCode::FORBIDDEN);
}

#[test]
fn a_websocket_handshake_goes_up_in_one_form() {
    let rules = UpRules {
        websocket: true,
        ..RULES
    };
    let mut request = parts(&HANDSHAKE);
    assert_eq!(prepare(&mut request, &rules), Ok(Upgrade::WebSocket));
    for (name, expected) in [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-key", "AQIDBAUGBwgJCgsMDQ4PEA=="),
        ("sec-websocket-version", "13"),
    ] {
        let values: Vec<_> = request.headers.get_all(name).iter().collect();
        assert_eq!(values, [expected], "{name}");
    }
    let mut plain = parts(&[]);
    assert_eq!(prepare(&mut plain, &rules), Ok(Upgrade::None));
    assert!(!plain.headers.contains_key(UPGRADE));
}

#[test]
fn a_handshake_that_is_none_is_refused() {
    let rules = UpRules {
        websocket: true,
        ..RULES
    };
    for headers in [
        &[("upgrade", "websocket")][..],
        &[("connection", "close"), ("upgrade", "websocket")],
        &[("connection", "upgrade"), ("upgrade", "websocket, h2c")],
        &[
            ("connection", "upgrade"),
            ("upgrade", "h2c"),
            ("upgrade", "websocket"),
        ],
        &[
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
            ("content-length", "5"),
        ],
        &[
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
            ("transfer-encoding", "chunked"),
        ],
    ] {
        assert_eq!(
            up_with(&rules, headers),
            Err(UpRefusal::BadUpgrade),
            "{headers:?}"
        );
    }
    let mut post = parts(&HANDSHAKE);
    post.method = Method::POST;
    assert_eq!(prepare(&mut post, &rules), Err(UpRefusal::BadUpgrade));
    let mut old = parts(&HANDSHAKE);
    old.version = Version::HTTP_10;
    assert_eq!(prepare(&mut old, &rules), Err(UpRefusal::BadUpgrade));
}

#[test]
fn each_hop_is_written_down() {
    for (version, expected) in [
        (Version::HTTP_11, "1.1 countersign"),
        (Version::HTTP_2, "2 countersign"),
    ] {
        let mut request = parts(&[("via", "1.1 edge")]);
        request.version = version;
        prepare(&mut request, &RULES).unwrap();
        let hops: Vec<_> = request.headers.get_all(VIA).iter().collect();
        assert_eq!(hops, ["1.1 edge", expected]);
    }
}

#[test]
fn a_request_that_goes_round_is_stopped() {
    assert!(up(&[("via", "1.1 countersign, 2 Countersign")]).is_ok());
    for vias in [
        &[("via", "1.1 countersign, 1.1 edge, 2 Countersign, 1.1 countersign")][..],
        &[
            ("via", "1.1 countersign"),
            ("Via", "2 COUNTERSIGN"),
            ("via", "1.1 countersign (x)"),
        ],
        &[("via", &vec!["1.1 edge"; MOST_HOPS + 1].join(", "))],
    ] {
        assert_eq!(up(vias), Err(UpRefusal::Loop), "{vias:?}");
    }
    assert!(up(&[("via", &vec!["1.1 edge"; MOST_HOPS].join(","))]).is_ok());
    assert_eq!(UpRefusal::Loop.status().as_u16(), 508);
}

#[test]
fn trailers_are_cleaned_like_heads() {
    let mut trailers = parts(&[
        ("grpc-status", "0"),
        ("authorization", "Bearer forged"),
        ("x_api_key", "forged"),
        ("content-length", "5"),
        ("x-forwarded-for", "10.0.0.1"),
        ("via", "1.1 edge"),
    ])
    .headers;
    prepare_trailers(&mut trailers, &RULES);
    assert_eq!(trailers.keys().collect::<Vec<_>>(), ["grpc-status"]);
}
