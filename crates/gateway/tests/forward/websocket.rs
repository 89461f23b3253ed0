//! A WebSocket through hyper's server, as in front of the gateway.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use countersign_gateway::forward::Outgoing;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::recorder::{Answer, Recorder, ok};
use super::world::{World, call};

const AGREES: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
const ASKS: &str = "GET /chat HTTP/1.1\r\nHost: g\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A caller's end of a connection to a gateway for this provider.
fn connect(world: Arc<World>) -> DuplexStream {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let service = service_fn(move |mut request: Request<Incoming>| {
        let world = world.clone();
        async move {
            let websocket = Some(hyper::upgrade::on(&mut request));
            let (head, _) = request.into_parts();
            let outgoing = Outgoing {
                headers: head.headers,
                websocket,
                ..call(head.method, head.uri.path(), &[])
            };
            Ok::<_, Infallible>(match world.send(outgoing).await {
                Ok(answer) => answer.map(BodyExt::boxed_unsync),
                Err(error) => {
                    let empty = Empty::<Bytes>::new().map_err(|never| match never {});
                    let mut response = Response::new(empty.boxed_unsync());
                    *response.status_mut() = StatusCode::from_u16(error.status().as_u16()).unwrap();
                    response
                }
            })
        }
    });
    tokio::spawn(async move {
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(theirs), service)
            .with_upgrades();
        let _gone = connection.await;
    });
    ours
}

async fn read_head(stream: &mut DuplexStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

#[tokio::test]
async fn bytes_go_both_ways_once_the_provider_has_agreed() {
    let recorder = Recorder::start(|_, _| Answer::Echo(AGREES)).await;
    let credential = serde_json::json!({"kind": "bearer", "token": "upstream-token-1"});
    let world = Arc::new(World::new(&recorder, Some(&credential)));
    let mut caller = connect(world.clone());
    caller.write_all(ASKS.as_bytes()).await.unwrap();
    let head = read_head(&mut caller).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(
        head.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
        "{head}"
    );
    for text in ["first", "second"] {
        caller.write_all(text.as_bytes()).await.unwrap();
        let mut back = vec![0; text.len()];
        caller.read_exact(&mut back).await.unwrap();
        assert_eq!(back, text.as_bytes());
    }
    let request = recorder.request();
    assert!(
        request.contains("authorization: Bearer upstream-token-1\r\n"),
        "{request}"
    );
    assert!(
        request.to_ascii_lowercase().contains("upgrade: websocket\r\n"),
        "{request}"
    );
    drop(caller);
    while world.ended().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!((world.ended()[0].bytes_up, world.ended()[0].bytes_down), (11, 11));
}

#[tokio::test]
async fn a_provider_that_does_not_agree_ends_the_connection() {
    let recorder = Recorder::start(|_, _| ok("no")).await;
    let mut caller = connect(Arc::new(World::new(&recorder, None)));
    // Were the connection kept, the second request would be served unseen by whoever thought it a WebSocket.
    let smuggled = format!("{ASKS}GET /smuggled HTTP/1.1\r\nHost: g\r\n\r\n");
    caller.write_all(smuggled.as_bytes()).await.unwrap();
    let mut answer = String::new();
    caller.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    assert!(!recorder.request().contains("smuggled"));
}
