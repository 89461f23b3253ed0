//! `/admin/v1/projects/{project_id}/keys`: what is shown of keys. Their life is told in `keys/life.rs`.

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::answer::sorted_keys;

#[tokio::test]
async fn keys_are_shown_with_their_times_and_without_their_private_half() {
    let app = TestApp::new().await;
    let path = format!("/admin/v1/projects/{}/keys", app.project.id);
    let answer = app.admin().post(&format!("{path}/rotate"), json!({})).await;
    let made = answer.ok();
    assert_eq!(sorted_keys(&made), ["key", "note", "request_id", "status_code"]);
    let listed = app.admin().get(&path).await.ok();
    assert_eq!(sorted_keys(&listed), ["keys", "request_id", "status_code"]);
    let listed_keys = listed["keys"].as_array().unwrap();
    let algorithms: Vec<_> = listed_keys.iter().map(|key| &key["algorithm"]).collect();
    assert_eq!(algorithms, ["RS256", "ES256", "EdDSA", "RS256"]);
    assert_eq!(
        listed["keys"][0],
        json!({
            "kid": app.project.kid, "algorithm": "RS256", "state": "active",
            "announced_at": "2027-01-15T08:00:00.75Z", "activate_at": "2027-01-15T08:00:00.75Z",
            "retire_at": "2027-01-15T09:00:00.75Z", "drop_at": "2027-01-15T11:00:00.75Z",
        })
    );
    let new = &listed["keys"][3];
    assert_eq!(*new, made["key"]);
    assert_eq!(
        (&new["state"], &new["activate_at"]),
        (&json!("announced"), &json!("2027-01-15T09:00:00.75Z"))
    );
    assert_eq!((&new["retire_at"], &new["drop_at"]), (&Value::Null, &Value::Null));
}
