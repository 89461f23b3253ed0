//! Requests with more than one reading.

use countersign_gateway::framing::{FramingRefusal, check};
use http::{Request, Version};

fn judge(version: Version, method: &str, uri: &str, headers: &[(&str, &str)]) -> Result<(), FramingRefusal> {
    let mut request = Request::builder().version(version).method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    check(&request.body(()).unwrap().into_parts().0)
}

fn http1(headers: &[(&str, &str)]) -> Result<(), FramingRefusal> {
    judge(Version::HTTP_11, "POST", "/p/stripe/v1", headers)
}

fn http2(uri: &str, headers: &[(&str, &str)]) -> Result<(), FramingRefusal> {
    judge(Version::HTTP_2, "POST", uri, headers)
}

const HOST: (&str, &str) = ("host", "gateway.example:4000");

#[test]
fn ordinary_requests_pass() {
    for headers in [
        &[HOST][..],
        &[HOST, ("content-length", "0")],
        &[HOST, ("content-length", "17")],
        &[HOST, ("transfer-encoding", "Chunked")],
        &[
            HOST,
            ("connection", "keep-alive, upgrade"),
            ("upgrade", "websocket"),
        ],
        &[("host", "[::1]:4000")],
    ] {
        assert_eq!(http1(headers), Ok(()), "{headers:?}");
    }
    for headers in [
        &[][..],
        &[("host", "GATEWAY.example")],
        &[("te", "trailers")],
        &[("content-length", "17")],
    ] {
        assert_eq!(
            http2("https://gateway.example/p/stripe", headers),
            Ok(()),
            "{headers:?}"
        );
    }
    assert_eq!(judge(Version::HTTP_10, "GET", "/", &[HOST]), Ok(()));
    assert_eq!(
        judge(Version::HTTP_10, "GET", "/", &[HOST, ("content-length", "0")]),
        Ok(())
    );
    assert_eq!(http2("/p/stripe", &[HOST]), Ok(()));
}

#[test]
fn trace_and_connect_are_405() {
    for (method, uri) in [
        ("TRACE", "/p/stripe"),
        ("CONNECT", "evil.example:443"),
        ("TRACK", "/p/stripe"),
        ("track", "/p/stripe"),
    ] {
        for version in [Version::HTTP_10, Version::HTTP_11, Version::HTTP_2] {
            let refusal = judge(version, method, uri, &[HOST]).unwrap_err();
            assert_eq!(
                (refusal, refusal.status().as_u16()),
                (FramingRefusal::Method, 405),
                "{method}"
            );
        }
    }
}

#[test]
fn there_is_exactly_one_host() {
    for headers in [
        &[][..],
        &[HOST, HOST],
        &[HOST, ("Host", "evil.example")],
        &[("host", "a.example, b.example")],
        &[("host", "")],
        &[("host", "user@gateway.example")],
        &[("host", "gateway.example/path")],
        &[("host", "gate way")],
    ] {
        assert_eq!(http1(headers), Err(FramingRefusal::Host), "{headers:?}");
    }
    for (uri, headers) in [
        ("https://gateway.example/p", &[("host", "evil.example")][..]),
        (
            "https://gateway.example/p",
            &[("host", "gateway.example"), ("host", "gateway.example")],
        ),
        ("https://user@gateway.example/p", &[]),
        ("/p", &[]),
        ("/p", &[("host", "a.example,b.example")]),
    ] {
        assert_eq!(
            http2(uri, headers),
            Err(FramingRefusal::Host),
            "{uri} {headers:?}"
        );
    }
}

#[test]
fn the_target_is_a_path() {
    for uri in ["http://evil.example/p", "https://gateway.example/p/stripe"] {
        assert_eq!(
            judge(Version::HTTP_11, "GET", uri, &[HOST]),
            Err(FramingRefusal::AbsoluteForm),
            "{uri}"
        );
    }
}

#[test]
fn a_body_has_one_end() {
    for (headers, expected) in [
        (
            &[("content-length", "5"), ("transfer-encoding", "chunked")][..],
            FramingRefusal::LengthAndCoding,
        ),
        (
            &[("Transfer-Encoding", "chunked"), ("Content-Length", "5")],
            FramingRefusal::LengthAndCoding,
        ),
        (
            &[("content-length", "5"), ("content-length", "5")],
            FramingRefusal::ContentLength,
        ),
        (
            &[("content-length", "5"), ("Content-Length", "6")],
            FramingRefusal::ContentLength,
        ),
        (&[("content-length", "5, 5")], FramingRefusal::ContentLength),
        (&[("content-length", "+5")], FramingRefusal::ContentLength),
        (&[("content-length", "-1")], FramingRefusal::ContentLength),
        (&[("content-length", "0x5")], FramingRefusal::ContentLength),
        (&[("content-length", "")], FramingRefusal::ContentLength),
        (
            &[("content-length", "99999999999999999999")],
            FramingRefusal::ContentLength,
        ),
        (
            &[("transfer-encoding", "xchunked")],
            FramingRefusal::TransferEncoding,
        ),
        (
            &[("transfer-encoding", "chunked, identity")],
            FramingRefusal::TransferEncoding,
        ),
        (
            &[("transfer-encoding", "gzip, chunked")],
            FramingRefusal::TransferEncoding,
        ),
        (
            &[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")],
            FramingRefusal::TransferEncoding,
        ),
    ] {
        let headers = [&[HOST], headers].concat();
        let refusal = http1(&headers).unwrap_err();
        assert_eq!(
            (refusal, refusal.status().as_u16()),
            (expected, 400),
            "{headers:?}"
        );
    }
}

#[test]
fn http_1_0_has_no_body() {
    for header in [("content-length", "5"), ("transfer-encoding", "chunked")] {
        assert_eq!(
            judge(Version::HTTP_10, "POST", "/p", &[HOST, header]),
            Err(FramingRefusal::BodyInHttp10)
        );
    }
}

#[test]
fn http_2_knows_no_fields_of_connections() {
    for header in [
        ("connection", "close"),
        ("Keep-Alive", "timeout=5"),
        ("proxy-connection", "close"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "websocket"),
        ("te", "gzip"),
        ("te", "trailers, gzip"),
    ] {
        assert_eq!(
            http2("https://gateway.example/p", &[header]),
            Err(FramingRefusal::ConnectionField),
            "{header:?}"
        );
    }
}

#[test]
fn versions_not_served_are_refused() {
    for version in [Version::HTTP_09, Version::HTTP_3] {
        let refusal = judge(version, "GET", "/p", &[HOST]).unwrap_err();
        assert_eq!((refusal.code(), refusal.status().as_u16()), ("http_version", 505));
    }
}
