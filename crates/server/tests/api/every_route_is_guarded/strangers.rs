//! Everybody who calls where they must not.

use serde_json::json;

use crate::support::TestApp;
use crate::support::caller::Caller;
use crate::support::fixtures;

/// Who calls and, often, must not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stranger {
    Anonymous,
    WrongProjectSecret,
    OtherProjectsSecret,
    RevokedProjectSecret,
    OwnProjectSecret,
    WrongOperatorKey,
    RevokedOperator,
    ReadOnlyOperator,
    OtherProjectsOperator,
    ClientByBasic,
    AccessToken,
}

pub(super) const STRANGERS: [Stranger; 11] = [
    Stranger::Anonymous,
    Stranger::WrongProjectSecret,
    Stranger::OtherProjectsSecret,
    Stranger::RevokedProjectSecret,
    Stranger::OwnProjectSecret,
    Stranger::WrongOperatorKey,
    Stranger::RevokedOperator,
    Stranger::ReadOnlyOperator,
    Stranger::OtherProjectsOperator,
    Stranger::ClientByBasic,
    Stranger::AccessToken,
];

/// A world with an open rotation on the client `worker`, and everybody in it.
pub(super) struct World {
    pub(super) app: TestApp,
    revoked_secret: String,
    reader: String,
    narrow: String,
    revoked: String,
    pub(super) worker_secret: String,
    token: String,
}

impl World {
    pub(super) async fn new() -> Self {
        let app = TestApp::new().await;
        let worker = app.create_client(json!({ "client_id": "worker" })).await;
        let token = app.token(&worker).await;
        fixtures::make_provider(&app).await;
        let secrets = format!("/admin/v1/projects/{}/secrets", app.project.id);
        let made = app.admin().post(&secrets, json!({ "name": "old" })).await.ok();
        let secret_id = made["project_secret"]["secret_id"].as_str().unwrap();
        app.admin().delete(&format!("{secrets}/{secret_id}")).await.ok();
        let reader = app.create_operator(json!({ "name": "reader" })).await;
        let narrow = json!({ "name": "narrow", "role": "admin", "project_ids": [app.other.id] });
        let narrow = app.create_operator(narrow).await;
        let revoked = app
            .create_operator(json!({ "name": "revoked", "role": "admin" }))
            .await;
        app.admin()
            .delete(&format!("/admin/v1/operators/{}", revoked.id))
            .await
            .ok();
        let revoked_secret = made["project_secret"]["secret"].as_str().unwrap().to_owned();
        Self {
            revoked_secret,
            reader: reader.key,
            narrow: narrow.key,
            revoked: revoked.key,
            worker_secret: worker.secret,
            token,
            app,
        }
    }

    pub(super) fn caller(&self, stranger: Stranger) -> Caller<'_> {
        let (app, anonymous) = (&self.app, self.app.anonymous());
        match stranger {
            Stranger::Anonymous => anonymous,
            Stranger::WrongProjectSecret => anonymous.basic(&app.project.id, "wrong"),
            Stranger::OtherProjectsSecret => app.other_backend(),
            Stranger::RevokedProjectSecret => anonymous.basic(&app.project.id, &self.revoked_secret),
            Stranger::OwnProjectSecret => app.backend(),
            Stranger::WrongOperatorKey => anonymous.bearer("cso_wrong"),
            Stranger::RevokedOperator => anonymous.bearer(&self.revoked),
            Stranger::ReadOnlyOperator => anonymous.bearer(&self.reader),
            Stranger::OtherProjectsOperator => anonymous.bearer(&self.narrow),
            Stranger::ClientByBasic => anonymous.basic("worker", &self.worker_secret),
            Stranger::AccessToken => anonymous.bearer(&self.token),
        }
    }
}
