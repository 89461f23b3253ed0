//! What goes up to a provider, and what comes down from a hostile one.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::Tally;
use super::recorder::Recorder;
use super::stage::{Acme, CREDENTIAL_FIELD, Stage};
use super::wire::Heard;

/// What a caller has no business sending up.
const FORGED: &[&str] = &[
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "Forwarded",
    "X-Real-IP",
    "X_Forwarded_For",
    "Cookie",
    "X-Original-URL",
    "X-Rewrite-URL",
    "Proxy-Authorization",
    "X-Nominated",
    "X-Doctor-Credential",
    "X_Doctor_Credential",
];
/// What a provider has no business sending down.
const HOSTILE: &[(&str, &str)] = &[
    ("Set-Cookie", "a=forged"),
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Credentials", "true"),
    ("Alt-Svc", "h3=\":443\""),
    ("Strict-Transport-Security", "max-age=1"),
    ("Clear-Site-Data", "\"*\""),
    ("Countersign-Error", "gateway"),
];

pub(super) async fn probe(stage: &Stage, acme: &Acme) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    up(stage, acme, &mut tally).await?;
    down(stage, acme, &mut tally).await?;
    redirect(stage, acme, &mut tally).await?;
    echo(stage, acme, &mut tally).await?;
    Ok(tally)
}

async fn call(stage: &Stage, acme: &Acme, path: &str, fields: &str) -> anyhow::Result<Heard> {
    let target = format!("/gateway/p/{}{path}", acme.name);
    stage.ask("GET", &target, &stage.token, fields, "").await
}

async fn up(stage: &Stage, acme: &Acme, tally: &mut Tally) -> anyhow::Result<()> {
    acme.recorder.answer_with("", "200 OK", "");
    let forged: String = FORGED.iter().map(|name| format!("{name}: forged\r\n")).collect();
    call(
        stage,
        acme,
        "/up",
        &format!("{forged}Connection: x-nominated\r\n"),
    )
    .await?;
    let heads = acme.recorder.heads();
    let head = heads
        .first()
        .map(String::as_str)
        .unwrap_or_default()
        .to_ascii_lowercase();
    let lines: Vec<(&str, &str)> = head.lines().filter_map(|line| line.split_once(": ")).collect();
    anyhow::ensure!(
        head.starts_with("get /up "),
        "the provider of the probes was not reached; see --attack-listen"
    );
    for name in FORGED {
        let name = name.to_ascii_lowercase();
        let forged = lines
            .iter()
            .any(|(found, value)| *found == name && value.contains("forged"));
        tally.note(&format!("a forged {name}"), forged);
    }
    tally.note(
        "the caller's token, to the provider",
        head.contains(&stage.token.to_ascii_lowercase()),
    );
    let injected: Vec<_> = lines
        .iter()
        .filter(|(name, _)| *name == CREDENTIAL_FIELD)
        .collect();
    let once = matches!(injected.as_slice(), [(_, value)] if *value == acme.secret);
    tally.note("a credential other than the provider's alone", !once);
    let own = acme.recorder.address.to_string();
    tally.note(
        "another host",
        !lines.iter().any(|(name, value)| *name == "host" && *value == own),
    );
    Ok(())
}

async fn down(stage: &Stage, acme: &Acme, tally: &mut Tally) -> anyhow::Result<()> {
    let fields: String = HOSTILE
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    acme.recorder.answer_with(&fields, "200 OK", "");
    let heard = call(stage, acme, "/down", "").await?;
    for (name, value) in HOSTILE {
        tally.note(&format!("{name} of a provider"), heard.field(name) == Some(value));
    }
    Ok(())
}

async fn redirect(stage: &Stage, acme: &Acme, tally: &mut Tally) -> anyhow::Result<()> {
    let other = Recorder::listen(SocketAddr::new(acme.recorder.address.ip(), 0)).await?;
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        acme.recorder
            .answer_with(&format!("Location: http://{}/\r\n", other.address), status, "");
        call(stage, acme, "/redirect", "").await?;
        tally.note(&format!("a redirect by {status}"), !other.heads().is_empty());
    }
    Ok(())
}

async fn echo(stage: &Stage, acme: &Acme, tally: &mut Tally) -> anyhow::Result<()> {
    let secret = &acme.secret;
    let spellings = [
        ("as it is", secret.clone()),
        ("in base64", STANDARD.encode(secret)),
        ("in base64url", URL_SAFE_NO_PAD.encode(secret)),
        (
            "in hex",
            secret.bytes().map(|byte| format!("{byte:02x}")).collect(),
        ),
    ];
    for (how, text) in spellings {
        acme.recorder.answer_with(
            "Content-Type: text/plain\r\n",
            "200 OK",
            &format!("it was <{text}>"),
        );
        let heard = call(stage, acme, "/echo", "").await?;
        tally.note(&format!("the credential echoed {how}"), heard.contains(&text));
    }
    acme.recorder
        .answer_with(&format!("X-Echo: <{secret}>\r\n"), "200 OK", "");
    let heard = call(stage, acme, "/echo", "").await?;
    tally.note("the credential echoed in a field", heard.contains(secret));
    Ok(())
}
