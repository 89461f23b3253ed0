//! An OpenAPI document, digested.
//!
//! A [`Document`] is what the gateway keeps of an OpenAPI 3.0 or 3.1 document: [`Operation`]s with flat arguments, and
//! schemas as compact text. It is made once, when a provider is added, is stored as JSON, and each operation can be stored
//! and read for itself. An [`OperationIndex`] finds operations by name, and by method and path.
//!
//! Two things are said elsewhere and hold here as they stand there: names are those of `@hey-api/openapi-ts`, and
//! arguments follow the flat rule of `sdk/toolkit/README.md`, points 1 to 5. `sdk/vectors/operations.json` holds the
//! toolkit and this module to each other.
//!
//! Nothing but the document is read: references out of it are refused, and so is what is larger, deeper or longer than
//! any real one.

mod argument;
mod body;
mod casing;
mod circles;
mod complete;
mod definitions;
mod dialect;
mod error;
mod flat;
mod index;
mod keywords;
mod members;
mod names;
mod node;
mod operation;
mod parameters;
mod pointer;
mod reference;
mod reserved;
mod response;
mod schema;
mod security;
mod servers;
mod source;
mod taken;
mod template;
mod version;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use url::Url;

pub use argument::{Argument, Place, Style};
pub use body::{Body, MemberEncoding};
pub use error::{DocumentError, Shown};
pub use index::OperationIndex;
pub use operation::Operation;
pub use response::Response;
pub use schema::{Definition, Schema};
pub use security::{SecurityScheme, TokenPath};
pub use servers::OperationServer;
pub use source::MAX_BYTES;

use definitions::Definitions;
use names::OperationNames;
use node::Node;
use operation::{Home, Site};
use pointer::Pointer;

/// How many operations a document may have; the largest public ones have some thousands.
const MAX_OPERATIONS: usize = 10_000;

/// The methods of a path, in the order in which `@hey-api/openapi-ts` goes through them: it decides which of two
/// operations has the plain name.
const METHODS: [&str; 8] = [
    "delete", "get", "head", "options", "patch", "post", "put", "trace",
];

/// What is kept of an OpenAPI document.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// What the API is called.
    pub title: String,
    /// The version of the API, as its document has it.
    pub version: String,
    /// Where the API is, without a slash behind it; the first counts. None, if the document names no usable one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<String>,
    /// How the API wants to know who calls, by the names that [`Operation::security`] uses.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub security_schemes: BTreeMap<String, SecurityScheme>,
    /// Where its OAuth 2.0 flows say that tokens are asked for and renewed. They close calls; nothing is sent there because of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub token_paths: Vec<TokenPath>,
    /// The operations, in the order of the document.
    pub operations: Vec<Operation>,
    /// The schemas that operations refer to, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub definitions: BTreeMap<String, Definition>,
}

impl Document {
    /// Reads JSON or YAML of at most [`MAX_BYTES`]. It computes without a pause, for seconds where documents are large: call
    /// it where that blocks nobody. `source` is what relative servers are relative to: the URL that the
    /// document came from.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] says what is wrong, and where. Nothing is taken in part.
    pub fn read(bytes: &[u8], source: Option<&Url>) -> Result<Self, DocumentError> {
        let root = source::parse(bytes)?;
        let references_stand_alone = version::check(&root)?;
        reference::check(&root)?;

        let servers: Vec<String> = root
            .list("servers")
            .iter()
            .filter_map(|server| servers::server_url(server, source))
            .collect();
        let home = Home {
            source,
            server: servers.first().map(String::as_str),
        };
        let mut definitions = Definitions::new(&root, references_stand_alone);
        let operations = read_operations(&root, &home, &mut definitions)?;
        let schemes = root
            .get("components")
            .and_then(|components| components.get("securitySchemes"));
        let schemes = schemes.and_then(Node::as_object);
        let schemes = || schemes.into_iter().flatten();
        Ok(Self {
            title: info(&root, "title"),
            version: info(&root, "version"),
            token_paths: schemes()
                .flat_map(|(_, scheme)| security::token_paths(&root, scheme, home.server))
                .collect(),
            security_schemes: schemes()
                .map(|(name, scheme)| (name.clone(), SecurityScheme::read(&root, scheme)))
                .collect(),
            operations,
            definitions: definitions.finish()?,
            servers,
        })
    }
}

/// A text about the API. YAML's `version: 1.0` is a number.
fn info(root: &Node, name: &str) -> String {
    match root.get("info").and_then(|info| info.get(name)) {
        Some(Node::Text(text)) => text.clone(),
        Some(Node::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

fn read_operations(
    root: &Node,
    home: &Home<'_>,
    definitions: &mut Definitions<'_>,
) -> Result<Vec<Operation>, DocumentError> {
    let mut operations = Vec::new();
    let mut names = OperationNames::default();
    let paths = Pointer::default().join("paths");
    for (path, given) in root.get("paths").and_then(Node::as_object).into_iter().flatten() {
        if path.starts_with("x-") {
            continue;
        }
        let item_place = paths.join(path);
        template::check(path, &item_place)?;
        let item = path_item(root, given, &item_place)?;
        for method in METHODS {
            let Some(source) = item.get(method).filter(|source| **source != Node::Null) else {
                continue;
            };
            let place = item_place.join(method);
            let source = reference::resolve(root, source);
            if source.as_object().is_none() {
                return Err(DocumentError::invalid(&place, "is not an object"));
            }
            if operations.len() == MAX_OPERATIONS {
                return Err(DocumentError::TooManyOperations {
                    max_operations: MAX_OPERATIONS,
                });
            }
            let id = match source.get("operationId") {
                None | Some(Node::Null) => None,
                Some(Node::Text(id)) => Some(id.as_str()),
                Some(_) => {
                    return Err(DocumentError::invalid(
                        &place,
                        "has an `operationId` that is not a text",
                    ));
                }
            };
            let Some(name) = names.give(id, method, path) else {
                let fault = "has an `operationId` without a letter or a digit; name it otherwise";
                return Err(DocumentError::invalid(&place, fault));
            };
            let site = Site {
                root,
                item,
                source,
                place,
                method,
                path,
            };
            let operation = operation::read(&site, name, home, definitions)?;
            definitions.keep(stored_bytes(&operation))?;
            operations.push(operation);
        }
    }
    Ok(operations)
}

/// How large it is as JSON.
fn stored_bytes(operation: &Operation) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // Nothing in it can fail to be written; what did would count for as much as there is.
    serde_json::to_writer(&mut count, operation).map_or(usize::MAX, |()| count.0)
}

/// What stands under a path. Beside a reference there may be words, but nothing that counts: readers differ on which
/// of the two does.
fn path_item<'a>(root: &'a Node, given: &'a Node, place: &Pointer) -> Result<&'a Node, DocumentError> {
    let item = reference::resolve(root, given);
    if item.as_object().is_none() {
        return Err(DocumentError::invalid(place, "is not an object"));
    }
    let says = |name: &str| METHODS.contains(&name) || matches!(name, "parameters" | "servers");
    if given.reference().is_some()
        && given
            .as_object()
            .is_some_and(|members| members.keys().any(|name| says(name)))
    {
        return Err(DocumentError::invalid(
            place,
            "has operations, parameters or servers beside a `$ref`; join them",
        ));
    }
    Ok(item)
}
