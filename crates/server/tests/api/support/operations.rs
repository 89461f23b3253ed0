//! Every operation of both documents, with what it takes to call it.

use countersign::openapi::{admin_document, wire_document};
use http::Method;
use serde_json::Value;

use super::TestApp;
use super::answer::Answer;
use super::caller::{Caller, JSON};

/// An operation as its document has it.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: Method,
    /// With `{…}` in it.
    pub(crate) template: String,
    /// Its object in the document.
    pub(crate) described: Value,
    /// The whole document.
    pub(crate) document: Value,
}

/// All of them, the wire's first.
pub(crate) fn all() -> Vec<Operation> {
    let mut operations = Vec::new();
    for document in [wire_document(), admin_document()] {
        let document = serde_json::to_value(document).unwrap();
        for (template, methods) in document["paths"].as_object().unwrap() {
            for (method, described) in methods.as_object().unwrap() {
                operations.push(Operation {
                    id: described["operationId"].as_str().unwrap().to_owned(),
                    method: method.to_uppercase().parse().unwrap(),
                    template: template.clone(),
                    described: described.clone(),
                    document: document.clone(),
                });
            }
        }
    }
    operations
}

impl Operation {
    /// The path for the project and its client `worker`.
    pub(crate) fn path(&self, app: &TestApp) -> String {
        let values = [
            ("{project_id}", app.project.id.as_str()),
            ("{client_id}", "worker"),
            ("{secret_id}", &app.project.secret_id),
            ("{operator_id}", &app.operator.id),
            ("{provider}", "acme"),
            ("{operation}", "usersList"),
            ("{credential}", "default"),
        ];
        let filled = |path: String, (name, value): &(&str, &str)| path.replace(name, value);
        let path = values.iter().fold(self.template.clone(), filled);
        assert!(!path.contains('{'), "{path}: say what stands there");
        path
    }

    /// A body that would be served, where there is one.
    pub(crate) fn body(&self) -> &'static str {
        match self.id.as_str() {
            "create_project" | "create_project_secret" | "create_operator" | "update_project" => {
                r#"{"name":"x"}"#
            }
            "import_client" => {
                r#"{"client_secret_digest":"sha256$5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"}"#
            }
            "create_provider" => {
                r#"{"name":"new","base_url":"https://a.example","document":"{\"openapi\":\"3.1.0\",\"info\":{},\"paths\":{}}"}"#
            }
            "set_provider_credential" => r#"{"value":{"kind":"bearer","token":"t"}}"#,
            "update_client_profile" => r#"{"token_profile":null}"#,
            _ if self.described.get("requestBody").is_some() => "{}",
            _ => "",
        }
    }

    pub(crate) async fn call(&self, app: &TestApp, caller: &Caller<'_>) -> Answer {
        let content_type = Some(JSON).filter(|_| !self.body().is_empty());
        caller
            .send(self.method.clone(), &self.path(app), content_type, self.body())
            .await
    }

    /// Whether the document says that it answers this status.
    pub(crate) fn declares(&self, status: u16) -> bool {
        self.described["responses"].get(status.to_string()).is_some()
    }
}
