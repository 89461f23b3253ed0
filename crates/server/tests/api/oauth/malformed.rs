//! Token requests that cannot be read, or could be read in two ways: none is taken, nothing changes.

use serde_json::json;

use super::{app_with_client, ask, form_body, json_body};
use crate::support::caller::{FORM, JSON};

#[tokio::test]
async fn what_cannot_be_read_one_way_is_refused() {
    let (app, client, _) = app_with_client().await;
    let before = app.dump().await;
    let (json, form) = (
        |more: &str| json_body(&client, more),
        |more: &str| form_body(&client, more),
    );
    for (content_type, body) in [
        (FORM, form("&client_id=another").into_bytes()),
        (FORM, form("&scope=a&scope=b").into_bytes()),
        (FORM, form("&grant_type=client_credentials").into_bytes()),
        (FORM, form("&client_secret=").into_bytes()),
        (FORM, form("&x=1&x=1").into_bytes()),
        (FORM, form("&scope=%ff").into_bytes()),
        (FORM, form("&%ff=x").into_bytes()),
        (FORM, [form("&scope=").as_bytes(), b"\xff"].concat()),
        (FORM, json("").into_bytes()),
        (FORM, form("").replace("client_id", "CLIENT_ID").into_bytes()),
        (JSON, form("").into_bytes()),
        (JSON, json(r#","scope":["a"]"#).into_bytes()),
        (JSON, json(r#","scope":7"#).into_bytes()),
        (JSON, json(r#","scopes":[1]"#).into_bytes()),
        (JSON, json(r#","scopes":{"a":1}"#).into_bytes()),
        (JSON, json(r#","resource":7"#).into_bytes()),
        (JSON, json(r#","grant_type":"client_credentials""#).into_bytes()),
        (
            JSON,
            br#"{"client_id":7,"client_secret":"x","grant_type":"client_credentials"}"#.to_vec(),
        ),
        (
            JSON,
            br#"{"client_id":"x","client_secret":{"$ne":null},"grant_type":"client_credentials"}"#.to_vec(),
        ),
        (
            JSON,
            br#"{"client_secret":"x","grant_type":"client_credentials"}"#.to_vec(),
        ),
        (
            JSON,
            br#"{"client_id":"x","grant_type":"client_credentials"}"#.to_vec(),
        ),
        (JSON, b"{}".to_vec()),
        (FORM, Vec::new()),
    ] {
        let shown = String::from_utf8_lossy(&body).into_owned();
        let answer = ask(&app, Some(content_type), None, body).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]),
            (400, &json!("invalid_request")),
            "{shown}"
        );
        assert!(!answer.text().contains(&client.secret));
    }
    assert_eq!(app.dump().await, before);
}

#[tokio::test]
async fn nul_bytes_are_nobodys_credentials() {
    let (app, client, _) = app_with_client().await;
    for body in [
        form_body(&client, "").replace("&client_secret", "%00&client_secret"),
        form_body(&client, "").replace(&client.secret, &format!("{}%00", client.secret)),
    ] {
        ask(&app, Some(FORM), None, body)
            .await
            .oauth(400, "invalid_client");
    }
    ask(&app, Some(FORM), None, form_body(&client, "&scope=a%00"))
        .await
        .oauth(400, "invalid_scope");
}
