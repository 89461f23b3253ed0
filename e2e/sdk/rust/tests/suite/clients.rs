//! The life of a client, from create to delete, through the official SDK.

use serde_json::json;
use stytch::consumer::debug::WhoamiRequest;
use stytch::consumer::m2m_clients::{
    CreateRequest, DeleteRequest, GetRequest, UpdateRequest, UpdateRequestStatus,
};
use stytch::consumer::m2m_clients_secrets::{RotateCancelRequest, RotateRequest, RotateStartRequest};

use crate::surroundings::{
    Sdk, Server, assert_refused, assert_request_id, is_id, last_four, owned, plain, unique, with,
};

everywhere!(
    whoami,
    wrong_project_secret,
    wrong_project_id,
    create_with_every_field,
    create_with_nothing,
    create_with_a_used_id,
    create_with_a_weak_secret,
    update_changes_one_field_only,
    metadata_merges_at_the_top_level_only,
    an_inactive_client_gets_no_token,
    delete,
    rotation,
    a_rotation_that_was_not_started,
    an_unknown_client,
);

async fn get(sdk: &Sdk, client_id: &str) -> stytch::Result<serde_json::Value> {
    let answer = sdk
        .m2m
        .clients
        .get(GetRequest {
            client_id: client_id.to_owned(),
        })
        .await?;
    assert_eq!(answer.status_code.as_u16(), 200);
    assert_request_id(&answer.request_id);
    Ok(plain(answer.m2m_client))
}

async fn whoami(sdk: Sdk) {
    let answer = sdk.debug.whoami(WhoamiRequest {}).await.expect("an answer");
    assert_eq!(
        (answer.status_code.as_u16(), &answer.project_id),
        (200, &sdk.server.project_id)
    );
    assert_request_id(&answer.request_id);
    assert!(!answer.name.is_empty());
}

async fn assert_unauthorized(stranger: Sdk) {
    assert_refused(
        stranger.debug.whoami(WhoamiRequest {}).await,
        401,
        "unauthorized_credentials",
    );
    let created = stranger.m2m.clients.create(CreateRequest::default()).await;
    assert_refused(created, 401, "unauthorized_credentials");
}

async fn wrong_project_secret(sdk: Sdk) {
    let project_secret = unique(&format!("secret-{}", sdk.server.env()));
    assert_unauthorized(sdk.another(Server {
        project_secret,
        ..sdk.server.clone()
    }))
    .await;
}

async fn wrong_project_id(sdk: Sdk) {
    let project_id = unique(&format!("project-{}", sdk.server.env()));
    assert_unauthorized(sdk.another(Server {
        project_id,
        ..sdk.server.clone()
    }))
    .await;
}

async fn create_with_every_field(sdk: Sdk) {
    let (client_id, client_name) = (unique("imported"), unique("Überbringer"));
    let client_description = "brings \"parcels\" \u{1F4E6} home";
    let scopes = owned(&["read:users", "write:*", "admin"]);
    let trusted_metadata = json!({ "org_id": "o-1", "limits": { "rate": 2.5, "tags": ["a", null, true] } });
    let client_secret = unique("imported-secret");
    let answer = sdk
        .m2m
        .clients
        .create(CreateRequest {
            scopes: scopes.clone(),
            client_id: Some(client_id.clone()),
            client_secret: Some(client_secret.clone()),
            client_name: Some(client_name.clone()),
            client_description: Some(client_description.to_owned()),
            trusted_metadata: Some(trusted_metadata.clone()),
        })
        .await
        .expect("a client");
    assert_eq!(answer.status_code.as_u16(), 200);
    assert_request_id(&answer.request_id);
    assert_eq!(answer.m2m_client.client_secret, client_secret);
    let expected = json!({
        "client_id": client_id,
        "client_name": client_name,
        "client_description": client_description,
        "status": "active",
        "scopes": scopes,
        "client_secret_last_four": last_four(&client_secret),
        "trusted_metadata": trusted_metadata,
        "next_client_secret_last_four": null,
    });
    assert_eq!(get(&sdk, &client_id).await.expect("the client"), expected);
    sdk.token(&answer.m2m_client).await;
    assert_eq!(plain(answer.m2m_client), expected);
}

async fn create_with_nothing(sdk: Sdk) {
    let client = sdk.make_with(&[]).await;
    assert!(
        is_id(&client.client_id, &format!("m2m-client-{}", sdk.server.env())),
        "{}",
        client.client_id
    );
    let random = client
        .client_secret
        .strip_prefix("csk_")
        .expect("the prefix of a generated secret");
    assert!(
        random.len() == 49 && random.chars().all(|c| c.is_ascii_alphanumeric()),
        "{random}"
    );
    assert_eq!(
        plain(&client),
        json!({
            "client_id": client.client_id,
            "client_name": "",
            "client_description": "",
            "status": "active",
            "scopes": [],
            "client_secret_last_four": last_four(&client.client_secret),
            "trusted_metadata": {},
            "next_client_secret_last_four": null,
        })
    );
}

async fn create_with_a_used_id(sdk: Sdk) {
    let used = CreateRequest {
        client_id: Some(unique("taken")),
        ..Default::default()
    };
    sdk.make(used.clone()).await;
    assert_refused(sdk.m2m.clients.create(used).await, 400, "duplicate_m2m_client_id");
}

async fn create_with_a_weak_secret(sdk: Sdk) {
    let weak = CreateRequest {
        client_secret: Some("password1".to_owned()),
        ..Default::default()
    };
    assert_refused(
        sdk.m2m.clients.create(weak).await,
        400,
        "insecure_m2m_client_secret",
    );
}

async fn update_changes_one_field_only(sdk: Sdk) {
    // The SDK sends every field it was not given as an explicit null, which must change nothing.
    let changes = [
        (
            UpdateRequest {
                client_name: Some("renamed".to_owned()),
                ..Default::default()
            },
            json!({ "client_name": "renamed" }),
        ),
        (
            UpdateRequest {
                client_description: Some("described anew".to_owned()),
                ..Default::default()
            },
            json!({ "client_description": "described anew" }),
        ),
        (
            UpdateRequest {
                client_name: Some(String::new()),
                ..Default::default()
            },
            json!({ "client_name": "" }),
        ),
        (
            UpdateRequest {
                scopes: Some(owned(&["write:users", "read:users"])),
                ..Default::default()
            },
            json!({ "scopes": ["write:users", "read:users"] }),
        ),
        (
            UpdateRequest {
                scopes: Some(vec![]),
                ..Default::default()
            },
            json!({ "scopes": [] }),
        ),
        (
            UpdateRequest {
                status: Some(UpdateRequestStatus::Inactive),
                ..Default::default()
            },
            json!({ "status": "inactive" }),
        ),
        (
            UpdateRequest {
                trusted_metadata: Some(json!({ "plan": "free" })),
                ..Default::default()
            },
            json!({ "trusted_metadata": { "plan": "free" } }),
        ),
    ];
    for (update, change) in changes {
        let client = sdk
            .make(CreateRequest {
                client_name: Some("before".to_owned()),
                client_description: Some("as created".to_owned()),
                scopes: owned(&["read:users"]),
                trusted_metadata: Some(json!({ "plan": "paid" })),
                ..Default::default()
            })
            .await;
        let client_id = client.client_id.clone();
        let expected = with(&plain(&client), &change);
        let answer = sdk
            .m2m
            .clients
            .update(UpdateRequest {
                client_id: client_id.clone(),
                ..update
            })
            .await
            .expect("an update");
        assert_eq!(answer.status_code.as_u16(), 200);
        assert_request_id(&answer.request_id);
        assert_eq!(plain(answer.m2m_client), expected);
        assert_eq!(get(&sdk, &client_id).await.expect("the client"), expected);
    }
}

async fn metadata_merges_at_the_top_level_only(sdk: Sdk) {
    let before = json!({ "kept": 1, "gone": 2, "nested": { "a": 1, "b": 2 } });
    let client = sdk
        .make(CreateRequest {
            trusted_metadata: Some(before),
            ..Default::default()
        })
        .await;
    let update = UpdateRequest {
        client_id: client.client_id,
        trusted_metadata: Some(json!({ "gone": null, "nested": { "c": null }, "new": [1] })),
        ..Default::default()
    };
    let updated = sdk
        .m2m
        .clients
        .update(update)
        .await
        .expect("an update")
        .m2m_client;
    assert_eq!(
        updated.trusted_metadata,
        Some(json!({ "kept": 1, "nested": { "c": null }, "new": [1] }))
    );
}

async fn an_inactive_client_gets_no_token(sdk: Sdk) {
    let client = sdk.make_with(&[]).await;
    let set = async |status| {
        let client_id = client.client_id.clone();
        let update = UpdateRequest {
            client_id,
            status: Some(status),
            ..Default::default()
        };
        sdk.m2m.clients.update(update).await.expect("an update");
    };
    let issued = sdk.token(&client).await;
    set(UpdateRequestStatus::Inactive).await;
    assert_refused(
        sdk.try_token(&client.client_id, &client.client_secret).await,
        400,
        "invalid_client",
    );
    // A token is checked offline: it outlives the change, as the API says.
    assert_eq!(sdk.client_of(&issued).await, client.client_id);
    set(UpdateRequestStatus::Active).await;
    sdk.token(&client).await;
}

async fn delete(sdk: Sdk) {
    let client = sdk.make_with(&[]).await;
    let delete = || {
        sdk.m2m.clients.delete(DeleteRequest {
            client_id: client.client_id.clone(),
        })
    };
    let answer = delete().await.expect("an answer");
    assert_eq!(
        (answer.status_code.as_u16(), &answer.client_id),
        (200, &client.client_id)
    );
    assert_request_id(&answer.request_id);
    assert_refused(get(&sdk, &client.client_id).await, 404, "m2m_client_not_found");
    assert_refused(delete().await, 404, "m2m_client_not_found");
    assert_refused(
        sdk.try_token(&client.client_id, &client.client_secret).await,
        400,
        "invalid_client",
    );
}

async fn rotation(sdk: Sdk) {
    let client = sdk.make_with(&[]).await;
    let (client_id, first) = (&client.client_id, &client.client_secret);
    let secrets = &sdk.m2m.clients.secrets;
    let start = || {
        secrets.rotate_start(RotateStartRequest {
            client_id: client_id.clone(),
        })
    };
    let gets_token = async |secret: &str| assert!(sdk.try_token(client_id, secret).await.is_ok());
    let is_dead =
        async |secret: &str| assert_refused(sdk.try_token(client_id, secret).await, 400, "invalid_client");

    let started = start().await.expect("a rotation");
    assert_eq!(started.status_code.as_u16(), 200);
    assert_request_id(&started.request_id);
    let second = started.m2m_client.next_client_secret.clone();
    assert_ne!(&second, first);
    let rotating = with(
        &plain(&client),
        &json!({ "next_client_secret_last_four": last_four(&second) }),
    );
    assert_eq!(plain(started.m2m_client), rotating);
    assert_eq!(get(&sdk, client_id).await.expect("the client"), rotating);
    gets_token(first).await;
    gets_token(&second).await;
    assert_refused(start().await, 400, "m2m_client_already_rotating_secret");

    let answer = secrets
        .rotate(RotateRequest {
            client_id: client_id.clone(),
        })
        .await
        .expect("a rotation");
    assert_eq!(answer.status_code.as_u16(), 200);
    let completed = with(
        &plain(&client),
        &json!({ "client_secret_last_four": last_four(&second) }),
    );
    assert_eq!(plain(answer.m2m_client), completed);
    gets_token(&second).await;
    is_dead(first).await;

    let third = start().await.expect("a rotation").m2m_client.next_client_secret;
    gets_token(&third).await;
    let cancel = RotateCancelRequest {
        client_id: client_id.clone(),
    };
    let answer = secrets.rotate_cancel(cancel).await.expect("a cancellation");
    assert_eq!(answer.status_code.as_u16(), 200);
    assert_eq!(plain(answer.m2m_client), completed);
    gets_token(&second).await;
    is_dead(&third).await;
}

async fn a_rotation_that_was_not_started(sdk: Sdk) {
    let client_id = sdk.make_with(&[]).await.client_id;
    let secrets = &sdk.m2m.clients.secrets;
    let rotated = secrets
        .rotate(RotateRequest {
            client_id: client_id.clone(),
        })
        .await;
    assert_refused(rotated, 400, "m2m_client_not_rotating_secret");
    let cancelled = secrets.rotate_cancel(RotateCancelRequest { client_id }).await;
    assert_refused(cancelled, 400, "m2m_client_not_rotating_secret");
}

async fn an_unknown_client(sdk: Sdk) {
    let client_id = unique("nobody");
    let clients = &sdk.m2m.clients;
    assert_refused(get(&sdk, &client_id).await, 404, "m2m_client_not_found");
    let update = UpdateRequest {
        client_id: client_id.clone(),
        ..Default::default()
    };
    assert_refused(clients.update(update).await, 404, "m2m_client_not_found");
    let start = RotateStartRequest {
        client_id: client_id.clone(),
    };
    assert_refused(
        clients.secrets.rotate_start(start).await,
        404,
        "m2m_client_not_found",
    );
    let rotate = RotateRequest {
        client_id: client_id.clone(),
    };
    assert_refused(clients.secrets.rotate(rotate).await, 404, "m2m_client_not_found");
    let cancel = RotateCancelRequest { client_id };
    assert_refused(
        clients.secrets.rotate_cancel(cancel).await,
        404,
        "m2m_client_not_found",
    );
}
