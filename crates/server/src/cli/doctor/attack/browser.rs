//! Pages that would call with somebody else's rights.

use super::Tally;
use super::stage::Stage;
use super::wire::Request;

const EVIL: &str = "Origin: https://evil.example\r\n";

pub(super) async fn probe(stage: &Stage) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    let preflight = format!(
        "{EVIL}Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization\r\n"
    );
    let heard = stage.ask("OPTIONS", &stage.target(), "", &preflight, "").await?;
    tally.note(
        "a preflight of another origin",
        heard.has_field("access-control-allow-origin"),
    );
    let private = format!("{preflight}Access-Control-Request-Private-Network: true\r\n");
    let heard = stage.ask("OPTIONS", &stage.target(), "", &private, "").await?;
    tally.note(
        "a preflight into a private network",
        heard.has_field("access-control-allow-private-network"),
    );
    let heard = stage.read(&stage.token, EVIL).await?;
    tally.note(
        "an answer to a page of another origin",
        heard.has_field("access-control-allow-origin"),
    );
    tally.note(
        "cookies with calls of pages",
        heard.has_field("access-control-allow-credentials"),
    );
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}"#;
    let tools = |fields| Request {
        method: "POST",
        target: "/gateway/mcp",
        token: &stage.token,
        fields,
        body: list,
    };
    let accept = "Accept: application/json, text/event-stream\r\n";
    let heard = stage.wire.say(&tools(accept).bytes("evil.example")).await?;
    tally.note("tools by a name that was pointed here", heard.succeeded());
    let of_page = format!("{accept}{EVIL}");
    let heard = stage
        .wire
        .say(&tools(&of_page).bytes(&stage.wire.authority))
        .await?;
    tally.note("tools for a page of another origin", heard.succeeded());
    Ok(tally)
}
