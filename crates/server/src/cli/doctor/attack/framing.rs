//! Requests whose end two programs see at different places, and methods that are none of the gateway's.

use super::Tally;
use super::stage::Stage;

/// A search, which a body belongs to.
const SEARCH: &str = "/gateway/p/countersign/v1/m2m/clients/search";

pub(super) async fn probe(stage: &Stage) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    let (host, token) = (&stage.wire.authority, &stage.token);
    let opening = format!(
        "POST {SEARCH} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
    );
    let control = stage
        .wire
        .say(format!("{opening}Connection: close\r\nContent-Length: 2\r\n\r\n{{}}").as_bytes())
        .await?;
    anyhow::ensure!(
        control.succeeded(),
        "a search that should be allowed is refused: {:?}",
        control.statuses()
    );
    let refused = [
        ("two lengths", "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
        ("a list of lengths", "Content-Length: 2, 3\r\n\r\n{}"),
        ("a signed length", "Content-Length: +2\r\n\r\n{}"),
        (
            "a transfer coding that is none",
            "Transfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        ),
        (
            "chunked, not last",
            "Transfer-Encoding: chunked, identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        ),
        (
            "a chunk's size in C",
            "Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n",
        ),
        ("a space before the colon", "Content-Length : 2\r\n\r\n{}"),
        (
            "a folded field",
            "X-Folded: a\r\n b\r\nContent-Length: 2\r\n\r\n{}",
        ),
        ("a NUL in a field", "X-Null: a\0b\r\nContent-Length: 2\r\n\r\n{}"),
        ("a CR in a field", "X-Return: a\rb\r\nContent-Length: 2\r\n\r\n{}"),
        ("two hosts", "Host: evil.example\r\nContent-Length: 2\r\n\r\n{}"),
    ];
    for (name, rest) in refused {
        let heard = stage
            .wire
            .say(format!("{opening}Connection: close\r\n{rest}").as_bytes())
            .await?;
        tally.note(name, heard.succeeded());
    }
    // What one program takes for a body, and another for a request of its own.
    let hidden = format!(
        "GET {} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n",
        stage.target()
    );
    let behind = format!(
        "{opening}Content-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}",
        5 + hidden.len()
    );
    let heard = stage.wire.say(behind.as_bytes()).await?;
    tally.note(
        "a request hidden behind a length and a transfer coding",
        heard.statuses().len() > 1,
    );
    let within = opening.replace(token.as_str(), "x");
    let within = format!("{within}Content-Length: {}\r\n\r\n{hidden}", hidden.len());
    let heard = stage.wire.say(within.as_bytes()).await?;
    tally.note(
        "a request hidden in the body of a refused one",
        heard.statuses().len() > 1,
    );
    for method in ["TRACE", "CONNECT", "PURGE"] {
        let heard = stage.ask(method, &stage.target(), token, "", "").await?;
        tally.note(method, heard.succeeded());
    }
    let heard = stage.ask("CONNECT", "evil.example:443", token, "", "").await?;
    tally.note("CONNECT to another host", heard.succeeded());
    Ok(tally)
}
