//! Calls the example `service` with a token.
//!
//! Wants `COUNTERSIGN_URL`, `COUNTERSIGN_PROJECT_ID`, `COUNTERSIGN_CLIENT_ID`, `COUNTERSIGN_CLIENT_SECRET` and `SERVICE_URL`.

use countersign_client::{BearerToken, TokenSource};
use reqwest_middleware::ClientBuilder;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tokens = TokenSource::builder()
        .from_env()
        .scopes(["read:reports"])
        .build()?;
    let http = reqwest::Client::builder().no_proxy().build()?;
    let client = ClientBuilder::new(http).with(BearerToken::new(tokens)).build();

    let service = std::env::var("SERVICE_URL").map_err(|_| "SERVICE_URL is missing")?;
    let answer = client.get(format!("{service}/reports")).send().await?;
    let (status, body) = (answer.status(), answer.text().await?);
    if !status.is_success() {
        return Err(format!("the service answers {status}: {body}").into());
    }
    #[expect(
        clippy::print_stdout,
        reason = "what a program says when it is started by hand"
    )]
    {
        println!("{body}");
    }
    Ok(())
}
