//! What operations answer.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::body::media_type;
use super::definitions::Definitions;
use super::node::Node;
use super::reference::resolve;
use super::schema::Schema;

/// An answer of an operation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// The status that it is for: `200`, `4XX`, `default`.
    pub status: String,
    /// Its media type; the one that is JSON, where there are several. Without one there is no body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What its body is like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Schema>,
    /// The names of the definitions that the schema refers to, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refers_to: Vec<String>,
}

/// What an operation answers.
pub(super) fn read(root: &Node, operation: &Node, definitions: &mut Definitions<'_>) -> Vec<Response> {
    let given = operation
        .get("responses")
        .and_then(Node::as_object)
        .into_iter()
        .flatten();
    let given = given.filter(|(status, _)| !status.starts_with("x-"));
    let read = given.map(|(status, response)| {
        let content = media_type(resolve(root, response));
        let mut refers_to = BTreeSet::new();
        let schema = content.and_then(|(_, media)| media.get("schema"));
        Response {
            status: status.clone(),
            media_type: content.map(|(name, _)| name.to_owned()),
            schema: schema.map(|schema| definitions.schema(Some(schema), &mut refers_to)),
            refers_to: refers_to.into_iter().collect(),
        }
    });
    read.collect()
}
