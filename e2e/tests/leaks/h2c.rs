//! A call over HTTP/2 without TLS: the client of the other tests speaks only HTTP/1.1.

use anyhow::ensure;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use tokio::net::TcpStream;

/// Posts JSON with Basic credentials and returns the JSON of a 200.
pub(super) async fn post(
    address: &str,
    path: &str,
    (user, password): (&str, &str),
    body: &Value,
) -> anyhow::Result<Value> {
    let (sender, connection) = h2::client::handshake(TcpStream::connect(address).await?).await?;
    // It ends when the sender is dropped.
    let connection = tokio::spawn(connection);
    let credentials = BASE64_STANDARD.encode(format!("{user}:{password}"));
    let request = http::Request::post(format!("http://{address}{path}"))
        .header("authorization", format!("Basic {credentials}"))
        .header("content-type", "application/json")
        .body(())?;
    let mut sender = sender.ready().await?;
    let (answer, mut stream) = sender.send_request(request, false)?;
    stream.send_data(body.to_string().into(), true)?;
    let answer = answer.await?;
    let status = answer.status();
    let (mut body, mut bytes) = (answer.into_body(), Vec::new());
    while let Some(part) = body.data().await {
        bytes.extend(part?);
    }
    drop((sender, stream, body));
    connection.await??;
    ensure!(status == 200, "{status}");
    Ok(serde_json::from_slice(&bytes)?)
}
