//! Who gets in.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Tally;
use super::stage::Stage;

pub(super) async fn probe(stage: &Stage) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    let long = "x".repeat(100_000);
    let forged = [
        ("no token", ""),
        ("a token without a signature", &unsigned(&stage.token)),
        (
            "a token under another algorithm",
            &with_head(&stage.token, r#"{"alg":"HS256","typ":"JWT"}"#),
        ),
        ("a token whose claims were changed", &changed(&stage.token)),
        ("a token for another audience", &stage.elsewhere),
        ("a token without a scope for the provider", &stage.stranger),
        ("a token of a hundred thousand bytes", &long),
    ];
    for (name, token) in forged {
        tally.note(name, stage.read(token, "").await?.succeeded());
    }
    let target = stage.target();
    let beside = [
        (
            "a token in the query",
            format!("{target}?access_token={}", stage.token),
            String::new(),
        ),
        (
            "a token in a cookie",
            target.clone(),
            format!("Cookie: access_token={}\r\n", stage.token),
        ),
        (
            "a second token beside a bad one",
            target.clone(),
            two(&stage.token),
        ),
    ];
    for (name, target, fields) in beside {
        let heard = stage.ask("GET", &target, "", &fields, "").await?;
        tally.note(name, heard.succeeded());
    }
    let create = "/gateway/p/countersign/v1/m2m/clients";
    let heard = stage.ask("POST", create, &stage.reading, "", "not json").await?;
    // A body that is none: were it let through, it would be judged, and nothing made.
    tally.note("a change with a token for reading", heard.statuses() != [403]);
    let known = stage.read(&stage.stranger, "").await?;
    let unknown = stage
        .ask("GET", "/gateway/p/countersign-none/x", &stage.stranger, "", "")
        .await?;
    let same =
        known.refusal().replace("countersign", "") == unknown.refusal().replace("countersign-none", "");
    tally.note("telling a provider that exists from one that does not", !same);
    Ok(tally)
}

fn unsigned(token: &str) -> String {
    let token = with_head(token, r#"{"alg":"none","typ":"JWT"}"#);
    let without = token
        .rsplit_once('.')
        .map_or(token.as_str(), |(without, _)| without);
    format!("{without}.")
}

fn with_head(token: &str, head: &str) -> String {
    let rest = token.split_once('.').map_or("", |(_, rest)| rest);
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(head))
}

/// Later by a digit, which the signature does not cover.
fn changed(token: &str) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    if let Some(claims) = parts.get_mut(1) {
        let text = URL_SAFE_NO_PAD.decode(&*claims).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).replacen("\"exp\":1", "\"exp\":2", 1);
        *claims = URL_SAFE_NO_PAD.encode(text);
    }
    parts.join(".")
}

fn two(token: &str) -> String {
    format!("Authorization: Bearer x\r\nAuthorization: Bearer {token}\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forged_tokens_differ_from_the_true_one_where_they_say() {
        let claims = URL_SAFE_NO_PAD.encode(r#"{"exp":1790000000}"#);
        let token = format!("{}.{claims}.c2ln", URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#));
        assert!(unsigned(&token).ends_with(&format!(".{claims}.")));
        let later = changed(&token);
        assert!(later.contains(&URL_SAFE_NO_PAD.encode(r#"{"exp":2790000000}"#)) && later.ends_with(".c2ln"));
    }
}
