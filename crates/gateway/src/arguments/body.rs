//! The body of a request, in its media type.

use serde_json::{Map, Value};

use super::parameter_style::{Writing, scalar, write_pairs};
use super::percent::Text;
use super::{ArgumentError, ArgumentFault, Pair, PlacedBody, Unwritable};
use crate::document::{Body, MemberEncoding, Operation, Place, Style};

const FORM: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data";

/// The body that the arguments make which are no parameters.
pub(super) fn place(
    operation: &Operation,
    mut left: Map<String, Value>,
    boundary: &str,
) -> Result<Option<PlacedBody>, ArgumentError> {
    let body = operation.body.as_ref();
    if let Some(body) = body
        && body.spread
    {
        if left.is_empty() && !body.required {
            return Ok(None);
        }
        let members = left
            .into_iter()
            .map(|(argument, value)| (member_name(operation, argument), value));
        return written(body, "body", &Value::Object(members.collect()), boundary);
    }
    let argument = operation
        .arguments
        .iter()
        .find(|argument| argument.place == Place::Body)
        .map_or("body", |argument| argument.name.as_str());
    let whole = body.and_then(|body| Some((body, left.remove(argument)?)));
    if let Some(unknown) = left.keys().next() {
        return Err(ArgumentError {
            fault: ArgumentFault::Unknown,
            argument: unknown.clone(),
            reason: "is no argument of this operation",
        });
    }
    match whole {
        Some((body, value)) => written(body, argument, &value, boundary),
        None => Ok(None),
    }
}

/// What a member is called in the body.
fn member_name(operation: &Operation, argument: String) -> String {
    let mut members = operation
        .arguments
        .iter()
        .filter(|member| member.place == Place::Member);
    members
        .find(|member| member.name == argument)
        .map_or(argument, |member| member.original.clone())
}

fn written(
    body: &Body,
    argument: &str,
    value: &Value,
    boundary: &str,
) -> Result<Option<PlacedBody>, ArgumentError> {
    write(body, value, boundary)
        .map(Some)
        .map_err(|unwritable| unwritable.of(argument))
}

fn write(body: &Body, value: &Value, boundary: &str) -> Result<PlacedBody, Unwritable> {
    let essence = body.media_type.split(';').next().unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    let as_documented = |content: String| PlacedBody {
        media_type: body.media_type.clone(),
        content: content.into_bytes(),
    };
    if essence.ends_with("/json") || essence.ends_with("+json") {
        return Ok(as_documented(value.to_string()));
    }
    if essence == FORM {
        return Ok(as_documented(form(value, body)?));
    }
    if essence == MULTIPART {
        return Ok(PlacedBody {
            media_type: format!("{MULTIPART}; boundary={boundary}"),
            content: multipart(value, body, boundary)?.into_bytes(),
        });
    }
    match value {
        Value::String(text) => Ok(PlacedBody {
            // A range is no type.
            media_type: if body.media_type.contains('*') {
                "text/plain".to_owned()
            } else {
                body.media_type.clone()
            },
            content: text.clone().into_bytes(),
        }),
        value if essence.starts_with("text/") => Ok(as_documented(scalar(value)?)),
        _ => Err(Unwritable("is not text")),
    }
}

/// Scalars as text, arrays item by item, objects as JSON, unless the member's encoding says otherwise.
fn form(value: &Value, body: &Body) -> Result<String, Unwritable> {
    let mut pairs: Vec<Pair> = Vec::new();
    for (name, item) in members(value)? {
        match body.encoding.get(name).filter(|encoding| is_styled(encoding)) {
            Some(encoding) => pairs.extend(write_pairs(item, styled(name, encoding))?),
            None => {
                let key = Text::Encoded.write(name);
                for one in items(item) {
                    pairs.push((key.clone(), Text::Encoded.write(&text(one)?)));
                }
            }
        }
    }
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(name, text)| format!("{name}={text}"))
        .collect();
    Ok(pairs.join("&"))
}

fn is_styled(encoding: &MemberEncoding) -> bool {
    encoding.style.is_some() || encoding.explode.is_some() || encoding.allow_reserved
}

fn styled<'a>(name: &'a str, encoding: &MemberEncoding) -> Writing<'a> {
    let style = encoding.style.unwrap_or(Style::Form);
    Writing {
        name,
        style,
        explode: encoding.explode.unwrap_or(style == Style::Form),
        text: if encoding.allow_reserved {
            Text::Reserved
        } else {
            Text::Encoded
        },
    }
}

/// RFC 7578, with names escaped as browsers do it (HTML section 4.10.21.8).
fn multipart(value: &Value, body: &Body, boundary: &str) -> Result<String, Unwritable> {
    let mut content = String::new();
    for (name, item) in members(value)? {
        let escaped = name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
        let documented = body
            .encoding
            .get(name)
            .and_then(|encoding| encoding.content_type.as_deref());
        for one in items(item) {
            content.push_str(&format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{escaped}\"\r\n"
            ));
            let structured = is_structured(one).then_some("application/json");
            if let Some(media_type) = documented.or(structured) {
                content.push_str(&format!("Content-Type: {media_type}\r\n"));
            }
            content.push_str(&format!("\r\n{}\r\n", text(one)?));
        }
    }
    content.push_str(&format!("--{boundary}--\r\n"));
    Ok(content)
}

fn members(value: &Value) -> Result<impl Iterator<Item = (&String, &Value)>, Unwritable> {
    let Value::Object(members) = value else {
        return Err(Unwritable("is not an object, and a form has members"));
    };
    Ok(members.iter().filter(|(_, item)| !item.is_null()))
}

fn items(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        value => std::slice::from_ref(value),
    }
}

fn is_structured(value: &Value) -> bool {
    value.is_array() || value.is_object()
}

fn text(value: &Value) -> Result<String, Unwritable> {
    if is_structured(value) {
        Ok(value.to_string())
    } else {
        scalar(value)
    }
}
