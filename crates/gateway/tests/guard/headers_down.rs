//! What of an upstream's fields comes down.

use countersign_gateway::headers::down::{prepare, prepare_trailers};
use countersign_gateway::headers::{DownRefusal, DownRules, Upgrade};
use http::response::Parts;
use http::{HeaderMap, Response};

fn answer(status: u16, headers: &[(&str, &str)]) -> Parts {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(()).unwrap().into_parts().0
}

fn down(rules: DownRules, headers: &[(&str, &str)]) -> HeaderMap {
    let mut answer = answer(200, headers);
    prepare(&mut answer, rules, Upgrade::None).unwrap();
    answer.headers
}

fn values<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    headers
        .get_all(name)
        .iter()
        .map(|value| value.to_str().unwrap())
        .collect()
}

const OPEN: DownRules = DownRules {
    cookies: true,
    caching: true,
};

#[test]
fn ordinary_fields_come_down_as_they_came() {
    let ordinary = [
        ("content-type", "application/json"),
        ("content-length", "2"),
        ("location", "https://elsewhere.example/x"),
        ("etag", "\"1\""),
        ("link", "<a>; rel=next"),
        ("link", "<b>; rel=last"),
        ("retry-after", "5"),
        ("x-ratelimit-remaining", "7"),
        ("x-accel-buffering", "no"),
    ];
    let headers = down(DownRules::default(), &ordinary);
    for (name, value) in ordinary {
        assert!(values(&headers, name).contains(&value), "{name}");
    }
}

#[test]
fn what_speaks_for_our_origin_or_connection_never_comes_down() {
    for name in [
        "Connection",
        "Keep-Alive",
        "Proxy-Authenticate",
        "Proxy-Connection",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "Access-Control-Allow-Origin",
        "Access-Control-Allow-Credentials",
        "ACCESS-CONTROL-EXPOSE-HEADERS",
        "Access-Control-Allow-Private-Network",
        "Timing-Allow-Origin",
        "Alt-Svc",
        "Strict-Transport-Security",
        "Public-Key-Pins",
        "Public-Key-Pins-Report-Only",
        "Clear-Site-Data",
        "Expect-CT",
        "NEL",
        "Report-To",
        "Reporting-Endpoints",
        "Service-Worker-Allowed",
        "Accept-CH",
        "X-Accel-Redirect",
        "X-Sendfile",
        "Countersign-Error",
        "countersign-reason",
    ] {
        let headers = down(OPEN, &[(name, "x"), ("x-kept", "1"), (name, "x, y")]);
        assert_eq!(values(&headers, name), [""; 0], "{name}");
        assert_eq!(values(&headers, "x-kept"), ["1"], "{name}");
    }
}

#[test]
fn nominated_fields_do_not_come_down() {
    let headers = down(
        OPEN,
        &[
            ("connection", "close, X-Hop"),
            ("Connection", "x-other"),
            ("x-hop", "1"),
            ("X-Other", "2"),
            ("x-kept", "3"),
        ],
    );
    assert_eq!(
        (values(&headers, "x-hop"), values(&headers, "x-other")),
        (vec![], vec![])
    );
    assert_eq!(values(&headers, "x-kept"), ["3"]);
}

#[test]
fn cookies_come_down_only_where_the_operator_said_so() {
    let cookies = [
        ("set-cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("Set-Cookie2", "c=3"),
    ];
    let headers = down(DownRules::default(), &cookies);
    assert!(!headers.contains_key("set-cookie") && !headers.contains_key("set-cookie2"));
    let headers = down(
        DownRules {
            cookies: true,
            ..DownRules::default()
        },
        &cookies,
    );
    assert_eq!(values(&headers, "set-cookie"), ["a=1", "b=2"]);
}

#[test]
fn nothing_is_cached_unless_the_operator_said_so() {
    let caching = [
        ("cache-control", "public"),
        ("Cache-Control", "max-age=60"),
        ("expires", "x"),
        ("cdn-cache-control", "max-age=9"),
    ];
    let headers = down(DownRules::default(), &caching);
    assert_eq!(values(&headers, "cache-control"), ["no-store"]);
    assert!(!headers.contains_key("expires") && !headers.contains_key("cdn-cache-control"));
    let headers = down(OPEN, &[&caching[..], &[("vary", "accept")]].concat());
    assert_eq!(values(&headers, "cache-control"), ["public", "max-age=60"]);
    assert_eq!(values(&headers, "vary"), ["accept", "authorization"]);
}

#[test]
fn a_browser_neither_sniffs_nor_embeds() {
    let upstream = [
        ("x-content-type-options", "sniff"),
        ("Cross-Origin-Resource-Policy", "cross-origin"),
    ];
    let headers = down(OPEN, &upstream);
    assert_eq!(values(&headers, "x-content-type-options"), ["nosniff"]);
    assert_eq!(values(&headers, "cross-origin-resource-policy"), ["same-origin"]);
}

#[test]
fn what_could_run_on_our_origin_is_sandboxed() {
    for content_type in [
        &["text/html"][..],
        &["Text/HTML; charset=utf-8"],
        &["application/xhtml+xml"],
        &["image/svg+xml"],
        &["text/xml"],
        &["application/atom+xml"],
        &["text/xsl"],
        &["multipart/x-mixed-replace; boundary=x"],
        &["application/json, text/html"],
        &["application/json", "text/html"],
        &["nonsense"],
        &[""],
        &[],
    ] {
        let headers: Vec<_> = content_type
            .iter()
            .map(|value| ("content-type", *value))
            .collect();
        let headers = down(OPEN, &headers);
        assert_eq!(
            values(&headers, "content-security-policy"),
            ["sandbox"],
            "{content_type:?}"
        );
    }
    for content_type in [
        "application/json",
        "text/event-stream",
        "text/plain; charset=utf-8",
        "image/png",
        "application/grpc",
    ] {
        let headers = down(OPEN, &[("content-type", content_type)]);
        assert_eq!(
            values(&headers, "content-security-policy"),
            [""; 0],
            "{content_type}"
        );
    }
    let own = down(
        OPEN,
        &[
            ("content-security-policy", "default-src 'none'"),
            ("content-type", "text/html"),
        ],
    );
    assert_eq!(
        values(&own, "content-security-policy"),
        ["default-src 'none'", "sandbox"]
    );
}

const SWITCH: [(&str, &str); 3] = [
    ("connection", "Upgrade"),
    ("upgrade", "WebSocket"),
    ("sec-websocket-accept", "k"),
];

#[test]
fn a_websocket_that_was_asked_for_is_switched_to() {
    let mut answer = answer(
        101,
        &[&SWITCH[..], &[("set-cookie", "a=1"), ("alt-svc", "x")]].concat(),
    );
    prepare(&mut answer, DownRules::default(), Upgrade::WebSocket).unwrap();
    assert_eq!(values(&answer.headers, "connection"), ["upgrade"]);
    assert_eq!(values(&answer.headers, "upgrade"), ["websocket"]);
    assert_eq!(values(&answer.headers, "sec-websocket-accept"), ["k"]);
    assert!(!answer.headers.contains_key("set-cookie") && !answer.headers.contains_key("alt-svc"));
}

#[test]
fn a_switch_that_was_not_asked_for_is_refused() {
    for (headers, asked) in [
        (&SWITCH[..], Upgrade::None),
        (&[], Upgrade::WebSocket),
        (&[("upgrade", "websocket")], Upgrade::WebSocket),
        (
            &[("connection", "upgrade"), ("upgrade", "h2c")],
            Upgrade::WebSocket,
        ),
        (
            &[("connection", "upgrade"), ("upgrade", "websocket, h2c")],
            Upgrade::WebSocket,
        ),
    ] {
        let mut answer = answer(101, headers);
        let refused = prepare(&mut answer, OPEN, asked).unwrap_err();
        assert_eq!(
            (refused, refused.status().as_u16()),
            (DownRefusal::UnaskedSwitch, 502),
            "{headers:?}"
        );
    }
}

#[test]
fn an_answer_that_does_not_switch_has_no_upgrade() {
    let mut answer = answer(200, &SWITCH);
    prepare(&mut answer, DownRules::default(), Upgrade::WebSocket).unwrap();
    assert!(!answer.headers.contains_key("upgrade") && !answer.headers.contains_key("connection"));
}

#[test]
fn trailers_are_cleaned_like_heads() {
    let mut trailers = answer(
        200,
        &[
            ("grpc-status", "0"),
            ("set-cookie", "a=1"),
            ("access-control-allow-origin", "*"),
            ("cache-control", "public"),
            ("content-type", "text/html"),
            ("countersign-error", "gateway"),
        ],
    )
    .headers;
    prepare_trailers(&mut trailers, DownRules::default());
    assert_eq!(trailers.keys().collect::<Vec<_>>(), ["grpc-status"]);
}
