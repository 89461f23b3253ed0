//! Bytes on a socket, through hyper's server and everything that judges a request: what is refused, and what goes up.

use std::convert::Infallible;

use bytes::Bytes;
use countersign_gateway::canonical_path::{CanonicalPath, PathParameters};
use countersign_gateway::framing;
use countersign_gateway::headers::UpRules;
use countersign_gateway::headers::up;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const RULES: UpRules<'static> = UpRules {
    credential_names: &[],
    websocket: false,
};

/// The judges in their order; what goes up, one field a line.
fn judge(mut request: Parts) -> Result<String, (StatusCode, &'static str)> {
    framing::check(&request).map_err(|refusal| (refusal.status(), refusal.code()))?;
    let path = CanonicalPath::parse(request.uri.path(), PathParameters::Refused)
        .map_err(|refusal| (StatusCode::BAD_REQUEST, refusal.code()))?;
    up::prepare(&mut request, &RULES).map_err(|refusal| (refusal.status(), refusal.code()))?;
    let fields = request
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap()));
    Ok(format!(
        "{} {path}\n{}",
        request.method,
        fields.collect::<String>()
    ))
}

/// Sends these bytes, ends, and gives everything that comes back.
async fn answer_to(bytes: &str) -> String {
    let (mut ours, theirs) = tokio::io::duplex(64 * 1024);
    let service = service_fn(|request: Request<Incoming>| async {
        let (status, text) = match judge(request.into_parts().0) {
            Ok(text) => (StatusCode::OK, text),
            Err((status, code)) => (status, code.to_owned()),
        };
        let mut response = Response::new(Full::new(Bytes::from(text)));
        *response.status_mut() = status;
        Ok::<_, Infallible>(response)
    });
    tokio::spawn(async move {
        let mut server = Builder::new(TokioExecutor::new());
        // The test ends its half first.
        server.http1().half_close(true);
        let _closed = server.serve_connection(TokioIo::new(theirs), service).await;
    });
    ours.write_all(bytes.as_bytes()).await.unwrap();
    ours.shutdown().await.unwrap();
    let mut answer = String::new();
    ours.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Status and text of the one answer.
async fn judged(bytes: &str) -> (u16, String) {
    let answer = answer_to(bytes).await;
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let (_, text) = answer.split_once("\r\n\r\n").unwrap();
    (status, text.to_owned())
}

#[tokio::test]
async fn what_hyper_lets_through_is_refused_here() {
    for (bytes, status, code) in [
        ("TRACE /p HTTP/1.1\r\nHost: g\r\n\r\n", 405, "method_not_allowed"),
        (
            "CONNECT evil.example:443 HTTP/1.1\r\nHost: g\r\n\r\n",
            405,
            "method_not_allowed",
        ),
        (
            "GET /p HTTP/1.1\r\nHost: g\r\nHost: evil.example\r\n\r\n",
            400,
            "host",
        ),
        ("GET /p HTTP/1.1\r\n\r\n", 400, "host"),
        (
            "GET http://evil.example/p HTTP/1.1\r\nHost: g\r\n\r\n",
            400,
            "absolute_form",
        ),
        (
            "POST /p HTTP/1.0\r\nHost: g\r\nContent-Length: 1\r\n\r\nx",
            400,
            "body_in_http_1_0",
        ),
        ("OPTIONS * HTTP/1.1\r\nHost: g\r\n\r\n", 400, "path_not_absolute"),
        (
            "GET //evil.example/p HTTP/1.1\r\nHost: g\r\n\r\n",
            400,
            "path_empty_segment",
        ),
        (
            "GET /\\evil.example HTTP/1.1\r\nHost: g\r\n\r\n",
            400,
            "path_backslash",
        ),
        (
            "GET /..//evil.example HTTP/1.1\r\nHost: g\r\n\r\n",
            400,
            "path_dot_segment",
        ),
        (
            "GET /public/../admin HTTP/1.1\r\nHost: g\r\n\r\n",
            400,
            "path_dot_segment",
        ),
        (
            "GET /public/%2e%2e/admin HTTP/1.1\r\nHost: g\r\n\r\n",
            400,
            "path_dot_segment",
        ),
        (
            "GET /a%2fb HTTP/1.1\r\nHost: g\r\n\r\n",
            400,
            "path_encoded_separator",
        ),
        (
            "GET /p HTTP/1.1\r\nHost: g\r\nConnection: authorization\r\n\r\n",
            400,
            "protected_nomination",
        ),
        (
            "GET /p HTTP/1.1\r\nHost: g\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
            403,
            "websocket_not_allowed",
        ),
    ] {
        assert_eq!(judged(bytes).await, (status, code.to_owned()), "{bytes:?}");
    }
}

#[tokio::test]
async fn what_hyper_refuses_never_arrives() {
    for head in [
        "Content-Length: 1\r\nContent-Length: 2",
        "Content-Length: 2, 2",
        "Content-Length: +2",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked, identity",
        "X-Space : 1",
        "X-Fold: 1\r\n 2",
        "X-Nul: a\0b",
        "X-Cr: a\rb",
    ] {
        let (status, text) = judged(&format!("POST /p HTTP/1.1\r\nHost: g\r\n{head}\r\n\r\n")).await;
        assert_eq!((status, text.as_str()), (400, ""), "{head:?}");
    }
}

/// Hyper keeps the coding and drops the length before anybody can see it, so that no refusal is possible here. What
/// goes up has one framing all the same. Should hyper begin to show both, they are refused, and this test says so.
#[tokio::test]
async fn of_length_beside_coding_hyper_leaves_the_coding() {
    for fields in [
        "Content-Length: 3\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 3",
    ] {
        let bytes = format!("POST /p HTTP/1.1\r\nHost: g\r\n{fields}\r\n\r\n0\r\n\r\n");
        let (status, text) = judged(&bytes).await;
        assert_eq!(
            (status, text.as_str()),
            (200, "POST /p\nvia: 1.1 countersign\n"),
            "{fields:?}"
        );
    }
}

#[tokio::test]
async fn forged_fields_do_not_go_up() {
    let bytes = "GET /p HTTP/1.1\r\nHost: evil.example\r\nAuthorization: Bearer caller\r\nCOOKIE: a=1\r\n\
        X-Forwarded-Host: evil.example\r\nX_Forwarded_For: 10.0.0.1\r\nForwarded: host=evil.example\r\n\
        X-Original-URL: /admin\r\nX-Rewrite-URL: /admin\r\nX-HTTP-Method-Override: DELETE\r\nConnection: close, x-secret\r\n\
        X-Secret: 1\r\nProxy-Authorization: x\r\nTE: gzip\r\nAccept: */*\r\n\r\n";
    let (status, text) = judged(bytes).await;
    assert_eq!(
        (status, text.as_str()),
        (200, "GET /p\naccept: */*\nvia: 1.1 countersign\n")
    );
}

#[tokio::test]
async fn a_request_behind_an_upgrade_is_judged_by_itself() {
    let bytes = "GET /a HTTP/1.1\r\nHost: g\r\nConnection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n\
        TRACE /b HTTP/1.1\r\nHost: g\r\n\r\n";
    let answers = answer_to(bytes).await;
    assert!(answers.contains("GET /a\nvia: 1.1 countersign\n"), "{answers}");
    assert!(answers.ends_with("method_not_allowed"), "{answers}");
}
