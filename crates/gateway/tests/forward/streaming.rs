//! Bodies that go on while they are read.

use std::sync::Arc;

use countersign_gateway::forward::{HowEnded, Outgoing};
use http::Method;
use http_body_util::BodyExt as _;
use serde_json::json;
use tokio::sync::{Mutex, mpsc};

use super::recorder::{Answer, Recorder};
use super::world::{World, call};

const TOKEN: &str = "upstream-token-0123456789";
const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";

async fn event_stream() -> (Recorder, mpsc::Sender<&'static str>) {
    let (send, receive) = mpsc::channel(16);
    let receive = Arc::new(Mutex::new(receive));
    let recorder = Recorder::start(move |_, _| Answer::Pieces(receive.clone())).await;
    (recorder, send)
}

fn get() -> Outgoing {
    call(Method::GET, "/events", &[])
}

#[tokio::test]
async fn each_event_comes_down_before_the_next_is_sent() {
    let (recorder, events) = event_stream().await;
    let world = World::new(&recorder, Some(&json!({"kind": "bearer", "token": TOKEN})));
    events.send(HEAD).await.unwrap();
    let mut body = world.send(get()).await.unwrap().into_body();
    for event in ["data: one\n\n", "data: two\n\n", "data: up\n\n"] {
        events.send(event).await.unwrap();
        let frame = body.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), event);
    }
    drop(events);
    assert!(body.frame().await.is_none());
    assert_eq!(world.ended()[0].how, HowEnded::Complete);
}

#[tokio::test]
async fn a_credential_in_two_pieces_is_found() {
    let (recorder, events) = event_stream().await;
    let world = World::new(&recorder, Some(&json!({"kind": "bearer", "token": TOKEN})));
    for piece in [HEAD, "data: upstream-tok", "en-0123456789\n\n"] {
        events.send(piece).await.unwrap();
    }
    drop(events);
    let body = world
        .send(get())
        .await
        .unwrap()
        .into_body()
        .collect()
        .await
        .unwrap();
    assert_eq!(body.to_bytes(), "data: [redacted]\n\n");
    assert_eq!(world.ended()[0].scrub_hits, 1);
}

#[tokio::test]
async fn a_caller_that_hangs_up_hangs_up_on_the_provider() {
    let (recorder, events) = event_stream().await;
    let world = World::new(&recorder, None);
    events.send(HEAD).await.unwrap();
    let answer = world.send(get()).await.unwrap();
    drop(answer);
    assert_eq!(world.ended()[0].how, HowEnded::HungUp);
    // Writing fails once the other end is gone, and the recorder then takes no more pieces.
    while events.send("data: nobody\n\n").await.is_ok() {}
}
