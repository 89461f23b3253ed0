//! One operation of a document.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use url::Url;

use super::argument::{Argument, Place, Style, is_false};
use super::body::{self, Body};
use super::definitions::Definitions;
use super::error::DocumentError;
use super::flat::argument_names;
use super::members::body_members;
use super::node::{Members, Node};
use super::parameters;
use super::pointer::Pointer;
use super::reference::resolve;
use super::response::{self, Response};
use super::schema::Schema;
use super::security;
use super::servers::{OperationServer, operation_server};

/// One operation of an API. It is read and written as JSON for itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// Its name: that of the function that `@hey-api/openapi-ts` makes of it. No two of a document have the same.
    pub name: String,
    /// Its `operationId`, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<String>,
    /// Its HTTP method, in capitals.
    pub method: String,
    /// Its path below the server's, with `{name}` in place of path parameters.
    pub path: String,
    /// What it belongs to, the first being the heading that it is shown under.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// What it does, in a line. Like all descriptions it is text of a stranger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The same at length, in Markdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether it should not be used any more.
    #[serde(default, skip_serializing_if = "is_false")]
    pub deprecated: bool,
    /// Where its calls go.
    #[serde(default, skip_serializing_if = "OperationServer::is_document")]
    pub server: OperationServer,
    /// Its arguments: parameters by their places, then what the body is made of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<Argument>,
    /// Its body, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
    /// The names of the definitions that its arguments and its body refer to, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refers_to: Vec<String>,
    /// Sets of security schemes, one of which is needed; none where nothing is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security: Vec<Vec<String>>,
    /// What it answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub responses: Vec<Response>,
}

/// Where an operation stands in its document.
pub(super) struct Site<'a> {
    pub(super) root: &'a Node,
    pub(super) item: &'a Node,
    pub(super) source: &'a Node,
    pub(super) place: Pointer,
    /// The method, in small letters.
    pub(super) method: &'a str,
    pub(super) path: &'a str,
}

/// Where the operations of a document go.
pub(super) struct Home<'a> {
    /// What relative servers are relative to.
    pub(super) source: Option<&'a Url>,
    /// The first server of the document.
    pub(super) server: Option<&'a str>,
}

/// Reads one operation.
pub(super) fn read(
    site: &Site<'_>,
    name: String,
    home: &Home<'_>,
    definitions: &mut Definitions<'_>,
) -> Result<Operation, DocumentError> {
    let source = site.source;
    let mut refers_to = BTreeSet::new();
    let (arguments, body) = read_arguments(site, definitions, &mut refers_to)?;
    let texts = source.list("tags").iter().filter_map(|tag| match tag {
        Node::Text(tag) => Some(tag.clone()),
        _ => None,
    });
    Ok(Operation {
        name,
        operation_id: source.text("operationId").map(str::to_owned),
        method: site.method.to_ascii_uppercase(),
        path: site.path.to_owned(),
        tags: texts.collect(),
        summary: text(source, "summary"),
        description: text(source, "description"),
        deprecated: source.is_true("deprecated"),
        server: operation_server(site.item, source, home.server, home.source),
        arguments,
        body,
        refers_to: refers_to.into_iter().collect(),
        security: security::requirement(site.root, source),
        responses: response::read(site.root, source, definitions),
    })
}

fn text(source: &Node, name: &str) -> Option<String> {
    source
        .text(name)
        .filter(|text| !text.trim().is_empty())
        .map(str::to_owned)
}

/// An argument that has no name yet, because that depends on all others.
struct Slot {
    place: Place,
    original: String,
    style: Option<Style>,
    explode: bool,
    allow_reserved: bool,
    json: bool,
    required: bool,
    description: Option<String>,
    schema: Schema,
}

fn read_arguments(
    site: &Site<'_>,
    definitions: &mut Definitions<'_>,
    refers_to: &mut BTreeSet<String>,
) -> Result<(Vec<Argument>, Option<Body>), DocumentError> {
    let found = parameters::read(site.root, site.item, site.source, site.path, &site.place)?;
    let mut slots: Vec<Slot> = found
        .into_iter()
        .map(|parameter| Slot {
            place: parameter.place,
            original: parameter.name.to_owned(),
            style: Some(parameter.style),
            explode: parameter.explode,
            allow_reserved: parameter.allow_reserved,
            json: parameter.json,
            required: parameter.required,
            description: parameter.description.map(str::to_owned),
            schema: definitions.schema(
                described(parameter.schema, parameter.description).as_ref(),
                refers_to,
            ),
        })
        .collect();
    let body = read_body(site, definitions, refers_to, &mut slots)?;

    let named: Vec<_> = slots
        .iter()
        .map(|slot| (slot.place, slot.original.as_str()))
        .collect();
    let names = argument_names(&named);
    let arguments = names.into_iter().zip(slots).map(|(name, slot)| Argument {
        name,
        place: slot.place,
        original: slot.original,
        style: slot.style,
        explode: slot.explode,
        allow_reserved: slot.allow_reserved,
        json: slot.json,
        required: slot.required,
        description: slot.description,
        schema: slot.schema,
    });
    Ok((arguments.collect(), body))
}

/// The schema with the parameter's description, where it has none of its own: those who read nothing but the schema
/// need it.
fn described(schema: Option<&Node>, description: Option<&str>) -> Option<Node> {
    let Some(description) = description else {
        return schema.cloned();
    };
    let mut members = match schema {
        Some(Node::Object(members)) => members.clone(),
        None => Members::new(),
        Some(other) => return Some(other.clone()),
    };
    members
        .entry("description".to_owned())
        .or_insert_with(|| Node::Text(description.to_owned()));
    Some(Node::Object(members))
}

/// The body; what it is made of goes to the slots.
fn read_body(
    site: &Site<'_>,
    definitions: &mut Definitions<'_>,
    refers_to: &mut BTreeSet<String>,
    slots: &mut Vec<Slot>,
) -> Result<Option<Body>, DocumentError> {
    let Some(given) = site.source.get("requestBody") else {
        return Ok(None);
    };
    let source = resolve(site.root, given);
    if source.as_object().is_none() {
        return Err(DocumentError::invalid(
            &site.place.join("requestBody"),
            "is not an object",
        ));
    }
    let Some((media_type, media)) = body::media_type(source) else {
        return Ok(None);
    };
    let required = source.is_true("required");
    let schema = media.get("schema");
    let members = schema
        .filter(|_| body::is_spreadable(media_type))
        .and_then(|schema| body_members(site.root, schema));
    let slot = |place, original: &str, required, description: Option<&str>, schema| Slot {
        place,
        original: original.to_owned(),
        style: None,
        explode: false,
        allow_reserved: false,
        json: false,
        required,
        description: description.map(str::to_owned),
        schema,
    };
    let whole = definitions.schema(schema, refers_to);
    match &members {
        Some(members) => slots.extend(members.iter().map(|(name, member)| {
            let is_answer = member.schemas.iter().any(|schema| schema.is_true("readOnly"));
            let description = member
                .schemas
                .iter()
                .find_map(|schema| schema.text("description"));
            let schema = definitions.schema_of_all(&member.schemas, refers_to);
            slot(
                Place::Member,
                name,
                required && member.required && !is_answer,
                description,
                schema,
            )
        })),
        None => slots.push(slot(
            Place::Body,
            "body",
            required,
            source.text("description"),
            whole.clone(),
        )),
    }
    Ok(Some(Body {
        media_type: media_type.to_owned(),
        spread: members.is_some(),
        required,
        encoding: if body::is_json(media_type) {
            Default::default()
        } else {
            body::encoding(media)
        },
        schema: whole,
    }))
}
