//! What a verifier of a project's tokens sees.

use anyhow::{Context, ensure};
use countersign_token::JwkSet;
use http::header::CACHE_CONTROL;

use super::key_set;
use super::report::{Check, Report, Verdict, fail, ok, warn};
use super::surface::believed_url;
use crate::cli::calling::{Call, Caller, Reply, Server};

/// Looks at metadata and keys.
pub(super) async fn examine(server: &Server, project_id: &str, report: &mut Report) {
    report.tell(
        Check::Metadata,
        Some(project_id),
        metadata(server, project_id).await,
    );
    report.tell(Check::KeySet, Some(project_id), keys(server, project_id).await);
}

/// An issuer is fixed when its project is made. Where the server has moved since, verifiers look in the old place.
async fn metadata(server: &Server, project_id: &str) -> anyhow::Result<Verdict> {
    let path = [
        ".well-known",
        "oauth-authorization-server",
        "v1",
        "public",
        project_id,
    ];
    let metadata = server.ask(Call::get(&path), &Caller::Nobody).await?.good()?;
    let issuer = metadata.text_at("/issuer")?;
    let expected = format!("{}/v1/public/{project_id}", believed_url(server).await?);
    for (member, tail) in [("token_endpoint", "oauth2/token"), ("jwks_uri", "jwks.json")] {
        let said = metadata.text_at(&format!("/{member}"))?;
        if said != format!("{issuer}/{tail}") {
            return Ok(fail(format!(
                "{member} is {said}, which is not below the issuer {issuer}"
            )));
        }
    }
    Ok(if issuer == expected {
        ok(format!("the issuer is {issuer}"))
    } else {
        warn(format!(
            "the issuer is {issuer}, and the server has moved to {expected}"
        ))
    })
}

async fn keys(server: &Server, project_id: &str) -> anyhow::Result<Verdict> {
    let answer = ask(server, &["v1", "sessions", "jwks", project_id]).await?;
    let cacheable = answer
        .headers
        .get(CACHE_CONTROL)
        .and_then(|value| value.to_str().ok());
    let cacheable = cacheable.is_some_and(|value| value.contains("max-age="));
    let kids = key_set::judge(&answer.good()?.value)?;
    let twin = ask(server, &["v1", "b2b", "sessions", "jwks", project_id]).await?;
    ensure!(
        key_set::judge(&twin.good()?.value)? == kids,
        "/v1/b2b/sessions/jwks has other keys than /v1/sessions/jwks"
    );
    let standard = ask(server, &["v1", "public", project_id, "jwks.json"])
        .await?
        .good()?;
    let standard = JwkSet::from_json(standard.text.as_bytes())?;
    for kid in &kids {
        let found = standard.keys.iter().any(|key| key.kid == *kid);
        ensure!(found, "jwks.json lacks {kid}");
    }
    if !cacheable {
        return Ok(warn(
            "Cache-Control of the key set got lost on the way: verifiers guess how long to keep it",
        ));
    }
    let (wire, all) = (kids.len(), standard.keys.len());
    Ok(ok(format!(
        "keys for SDKs of the wire: {wire}, in jwks.json: {all}; all members are there"
    )))
}

async fn ask(server: &Server, path: &[&str]) -> anyhow::Result<Reply> {
    let reply = server.ask(Call::get(path), &Caller::Nobody).await;
    reply.with_context(|| format!("/{}", path.join("/")))
}
