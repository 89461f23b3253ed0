//! The tools: three that reach every operation, and one for each operation where they are few.

use std::borrow::Cow;
use std::sync::Arc;

use countersign_gateway::document::Operation;
use http::Method;
use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::{Value, json};

use super::super::operations::Callable;
use super::super::provider::method;
use super::super::search::shortened;

pub(super) const SEARCH_OPERATIONS: &str = "search_operations";
pub(super) const DESCRIBE_OPERATION: &str = "describe_operation";
pub(super) const CALL_OPERATION: &str = "call_operation";

/// Up to so many operations have a tool each. All tools stand in the model's context with their schemas; beyond a few dozen, models
/// choose worse among them than by searching, and clients cut the list off.
const MOST_OPERATION_TOOLS: usize = 64;
/// The longest name that all known clients take.
const NAME_MAX_CHARS: usize = 64;

/// How the tools belong together.
pub(super) const INSTRUCTIONS: &str = "Calls operations of APIs with credentials that stay in the gateway. Find an operation with \
    search_operations, read its arguments with describe_operation, and call it with call_operation. Where there are few operations, \
    each is a tool of its own, too. Only operations that the token may call are shown.";

/// The tools of somebody who may call these operations.
pub(super) fn of(callable: &[Callable]) -> Vec<Tool> {
    let mut tools = vec![search(), describe(), call()];
    let operations = || {
        callable
            .iter()
            .flat_map(|one| one.operations().map(move |operation| (one, operation)))
    };
    if operations().nth(MOST_OPERATION_TOOLS).is_none() {
        tools.extend(operations().filter_map(|(one, operation)| operation_tool(one, operation)));
    }
    tools
}

fn search() -> Tool {
    let schema = json!({
        "type": "object",
        "properties": {
            "query": { "type": "string", "description": "Words to look for in names, tags, paths and descriptions; without them, all." },
            "provider": { "type": "string", "description": "Only operations of this provider." },
            "limit": { "type": "integer", "minimum": 1, "maximum": 100, "description": "20, unless said." },
            "cursor": { "type": "string", "description": "Where to go on: next_cursor of the page before." },
            "schema": { "type": "boolean", "description": "Whether to show the JSON Schema of the arguments." }
        },
        "additionalProperties": false
    });
    let description = "Finds operations that you may call, the best fit first.";
    read_only(tool(SEARCH_OPERATIONS, description, schema))
}

fn describe() -> Tool {
    let description = "Shows one operation with the JSON Schema of its arguments.";
    read_only(tool(DESCRIBE_OPERATION, description, names(json!({}))))
}

fn call() -> Tool {
    let description = "Calls an operation. The answer is the provider's.";
    let arguments = json!({ "type": "object", "description": "As the operation's schema has them." });
    tool(
        CALL_OPERATION,
        description,
        names(json!({ "arguments": arguments })),
    )
}

/// The schema of an operation's names and what stands beside them.
fn names(beside: Value) -> Value {
    let mut properties = json!({
        "provider": { "type": "string", "description": "The provider's name." },
        "operation": { "type": "string", "description": "The operation's name." }
    });
    if let (Value::Object(properties), Value::Object(beside)) = (&mut properties, beside) {
        properties.extend(beside);
    }
    json!({
        "type": "object", "properties": properties, "required": ["provider", "operation"], "additionalProperties": false
    })
}

/// `None` for one whose name clients would refuse, or whose name is taken: `call_operation` reaches it.
fn operation_tool(callable: &Callable, operation: &Operation) -> Option<Tool> {
    let name = format!("{}_{}", callable.name(), operation.name);
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let is_taken = [SEARCH_OPERATIONS, DESCRIBE_OPERATION, CALL_OPERATION].contains(&name.as_str());
    if name.len() > NAME_MAX_CHARS || !name.bytes().all(is_plain) || is_taken {
        return None;
    }
    let texts = [&operation.summary, &operation.description];
    let texts: Vec<_> = texts.into_iter().flatten().map(|text| shortened(text)).collect();
    let schema = callable.provider.catalogue.document.arguments_schema(operation);
    let method = method(operation).ok()?;
    let hints = ToolAnnotations::new()
        .read_only(matches!(method, Method::GET | Method::HEAD))
        .idempotent(method.is_idempotent());
    Some(tool(name, texts.join("\n\n"), schema.value()).with_annotations(hints))
}

fn read_only(tool: Tool) -> Tool {
    tool.with_annotations(ToolAnnotations::new().read_only(true))
}

fn tool(
    name: impl Into<Cow<'static, str>>,
    description: impl Into<Cow<'static, str>>,
    schema: Value,
) -> Tool {
    let schema: JsonObject = match schema {
        Value::Object(schema) => schema,
        // Ours and those of arguments are objects.
        _ => JsonObject::new(),
    };
    Tool::new(name, description, Arc::new(schema))
}
