//! `countersign serve`: says where it listens, and shares its data with nobody.

use anyhow::Context as _;
use countersign_e2e::{Options, Server};
use reqwest::Method;

#[tokio::test]
async fn serve_prints_its_address_and_answers_there() -> anyhow::Result<()> {
    let server = Server::start(Options {
        name: "address",
        ..Options::default()
    })
    .await?;
    assert!(server.url().starts_with("http://127.0.0.1:"), "{}", server.url());
    assert_eq!(
        server.request(Method::GET, "/healthz").send().await?.status(),
        200
    );
    server.stop().await
}

#[tokio::test]
async fn a_second_server_is_refused_on_the_same_data_and_the_first_goes_on() -> anyhow::Result<()> {
    let server = Server::start(Options {
        name: "first",
        ..Options::default()
    })
    .await?;
    let second = Server::start(Options {
        name: "second",
        data_dir: Some(server.data_dir().to_owned()),
        ..Options::default()
    })
    .await;
    let refusal = format!("{:#}", second.err().context("two servers run on the same data")?);
    let words = format!(
        "{} is in use by another countersign process; stop that one first",
        server.data_dir().display()
    );
    assert!(refusal.contains(&words), "{refusal}");
    assert_eq!(server.request(Method::GET, "/readyz").send().await?.status(), 200);
    server.stop().await
}
