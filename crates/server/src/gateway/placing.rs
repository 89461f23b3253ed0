//! From the arguments of an operation to the parts of a call, and what to say when they do not fit.

use axum::body::Body;
use countersign_gateway::arguments::{ArgumentError, ArgumentFault, Fault, Placed, Validator, place};
use countersign_gateway::canonical_path::{CanonicalPath, PathParameters, PathRefusal};
use countersign_gateway::document::{Argument, Operation, Place};
use countersign_gateway::headers::up;
use countersign_gateway::query::{Query, QueryRefusal};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use rand::RngExt as _;
use serde_json::{Map, Value};

use super::GatewayRefusal;
use crate::chance::chance;

/// Where arguments lead.
pub(super) struct Target {
    pub(super) path: CanonicalPath,
    pub(super) query: Option<Query>,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
}

/// Why they lead nowhere.
pub(super) enum Unplaced {
    /// One argument cannot stand where it belongs.
    Argument(ArgumentError),
    /// The document's path has two readings by itself.
    Path(PathRefusal),
    /// All together are too long.
    Query(QueryRefusal),
}

impl Target {
    pub(super) fn new(
        operation: &Operation,
        arguments: &Map<String, Value>,
        parameters: PathParameters,
    ) -> Result<Self, Unplaced> {
        let placed = placed(operation, arguments.clone()).map_err(Unplaced::Argument)?;
        let headers = headers(operation, &placed).map_err(Unplaced::Argument)?;
        let path = CanonicalPath::parse(&placed.path, parameters).map_err(|refusal| {
            let error = two_readings(operation, arguments, parameters);
            error.map_or(Unplaced::Path(refusal), Unplaced::Argument)
        })?;
        let pairs = placed.query.iter().map(|(name, value)| format!("{name}={value}"));
        let query: Vec<_> = pairs.collect();
        let query = (!query.is_empty()).then(|| Query::parse(&query.join("&")));
        Ok(Self {
            query: query.transpose().map_err(Unplaced::Query)?,
            body: placed.body.map_or_else(Body::empty, |body| body.content.into()),
            path,
            headers,
        })
    }
}

impl Unplaced {
    /// As the caller hears it; `others` are the faults that the schema finds.
    pub(super) fn refusal(self, others: impl FnOnce() -> Vec<Fault>) -> GatewayRefusal {
        let fault = match self {
            Self::Argument(error) => Fault::from(error),
            Self::Path(refusal) => return refusal.into(),
            Self::Query(refusal) => return refusal.into(),
        };
        let mut faults = others();
        if !faults.iter().any(|other| other.field == fault.field) {
            faults.insert(0, fault);
        }
        GatewayRefusal::invalid_arguments(faults)
    }
}

/// What the operation's schema finds in the arguments. A schema that is itself none finds nothing: to judge arguments early is a help,
/// and the provider judges them anyway.
pub(super) fn faults(schema: &Value, arguments: Map<String, Value>) -> Vec<Fault> {
    match Validator::new(schema) {
        Ok(validator) => validator
            .check(&Value::Object(arguments))
            .err()
            .unwrap_or_default(),
        Err(error) => {
            tracing::debug!(%error, "arguments are not judged");
            Vec::new()
        }
    }
}

/// The arguments without parameters that are null: OpenAPI gives null no form there, and callers that fill in a form send it for absence.
pub(super) fn without_nulls(operation: &Operation, mut arguments: Map<String, Value>) -> Map<String, Value> {
    let is_parameter = |argument: &&Argument| !matches!(argument.place, Place::Member | Place::Body);
    for parameter in operation.arguments.iter().filter(is_parameter) {
        if arguments.get(&parameter.name).is_some_and(Value::is_null) {
            arguments.remove(&parameter.name);
        }
    }
    arguments
}

fn placed(operation: &Operation, arguments: Map<String, Value>) -> Result<Placed, ArgumentError> {
    let boundary = format!("{:032x}", chance().random::<u128>());
    place(operation, arguments, &boundary)
}

/// The fields of the call. An argument that would be dropped on the way is refused, so that no caller believes it was sent.
fn headers(operation: &Operation, placed: &Placed) -> Result<HeaderMap, ArgumentError> {
    let unusable = |place: Place, original: &str| {
        let is_it = |argument: &&Argument| argument.place == place && argument.original == original;
        let argument = operation.arguments.iter().find(is_it);
        ArgumentError {
            fault: ArgumentFault::Unusable,
            argument: argument.map_or(original, |argument| &argument.name).to_owned(),
            reason: "belongs into a field that does not pass the gateway",
        }
    };
    if let Some((name, _)) = placed.cookies.first() {
        return Err(unusable(Place::Cookie, name));
    }
    let mut headers = HeaderMap::new();
    for (original, text) in &placed.headers {
        let field = HeaderName::try_from(original).ok().filter(may_be_argument);
        let field = field.zip(HeaderValue::try_from(text.as_str()).ok());
        let (name, value) = field.ok_or_else(|| unusable(Place::Header, original))?;
        headers.insert(name, value);
    }
    if let Some(body) = &placed.body {
        // A media type that no field can carry is none.
        if let Ok(media_type) = HeaderValue::try_from(&body.media_type) {
            headers.insert(CONTENT_TYPE, media_type);
        }
        headers.insert(CONTENT_LENGTH, body.content.len().into());
    }
    Ok(headers)
}

/// What the body is, the body says.
fn may_be_argument(name: &HeaderName) -> bool {
    up::passes(name) && ![CONTENT_LENGTH, CONTENT_TYPE].contains(name)
}

/// The argument whose text gives the path two readings.
fn two_readings(
    operation: &Operation,
    arguments: &Map<String, Value>,
    parameters: PathParameters,
) -> Option<ArgumentError> {
    let in_path = |argument: &&Argument| argument.place == Place::Path;
    // With a harmless text in place of all others, or of all.
    let is_refused = |kept: Option<&Argument>| {
        let mut alone = arguments.clone();
        for other in operation.arguments.iter().filter(in_path) {
            if kept.is_none_or(|kept| kept.name != other.name) {
                alone.insert(other.name.clone(), "x".into());
            }
        }
        placed(operation, alone).is_ok_and(|placed| CanonicalPath::parse(&placed.path, parameters).is_err())
    };
    if is_refused(None) {
        return None;
    }
    let mut arguments = operation.arguments.iter().filter(in_path);
    let culprit = arguments.find(|argument| is_refused(Some(argument)))?;
    Some(ArgumentError {
        fault: ArgumentFault::Unusable,
        argument: culprit.name.clone(),
        reason: "holds a character that no part of a path may have",
    })
}
