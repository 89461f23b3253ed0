//! Which keywords of a schema are kept, and what their values must look like.
//!
//! Documents are written by hand, and a validator refuses a whole schema for one `required: true`. What is not as JSON
//! Schema has it is therefore left out, as are examples and extensions, which take most of the room.

use super::node::Node;

/// What stands under a keyword.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Keyword {
    /// A schema. `in_place`: for the value itself, and not for a part of it.
    Schema { in_place: bool },
    /// An array of schemas.
    Schemas { in_place: bool },
    /// An object of schemas.
    NamedSchemas { in_place: bool },
    /// A value that is kept as it is.
    Plain,
}

/// What to do with a keyword; `None` to leave it out.
pub(super) fn keyword(name: &str, value: &Node) -> Option<Keyword> {
    let (in_place, apart) = (true, false);
    match name {
        "not" | "if" | "then" | "else" => Some(Keyword::Schema { in_place }),
        "items"
        | "additionalProperties"
        | "unevaluatedItems"
        | "unevaluatedProperties"
        | "contains"
        | "propertyNames" => Some(Keyword::Schema { in_place: apart }),
        "allOf" | "anyOf" | "oneOf" => is_filled_list(value).then_some(Keyword::Schemas { in_place }),
        "prefixItems" => is_filled_list(value).then_some(Keyword::Schemas { in_place: apart }),
        "dependentSchemas" => value.as_object().map(|_| Keyword::NamedSchemas { in_place }),
        "properties" | "patternProperties" => value
            .as_object()
            .map(|_| Keyword::NamedSchemas { in_place: apart }),
        _ => is_plain(name, value).then_some(Keyword::Plain),
    }
}

fn is_plain(name: &str, value: &Node) -> bool {
    match name {
        "title" | "description" | "format" | "pattern" | "contentEncoding" | "contentMediaType" => {
            matches!(value, Node::Text(_))
        }
        "default" | "const" => true,
        "enum" => is_filled_list(value),
        "type" => match value {
            Node::List(types) => !types.is_empty() && types.iter().all(is_type),
            one => is_type(one),
        },
        "required" => {
            matches!(value, Node::List(names) if names.iter().all(|name| matches!(name, Node::Text(_))))
        }
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => matches!(value, Node::Number(_)),
        "multipleOf" => {
            matches!(value, Node::Number(number) if number.as_f64().is_some_and(|number| number > 0.0))
        }
        "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties"
        | "minContains" | "maxContains" => matches!(value, Node::Number(number) if number.is_u64()),
        "uniqueItems" | "readOnly" | "writeOnly" | "deprecated" => matches!(value, Node::Bool(_)),
        _ => false,
    }
}

fn is_type(value: &Node) -> bool {
    const TYPES: [&str; 7] = [
        "array", "boolean", "integer", "null", "number", "object", "string",
    ];
    matches!(value, Node::Text(name) if TYPES.contains(&name.as_str()))
}

fn is_filled_list(value: &Node) -> bool {
    matches!(value, Node::List(items) if !items.is_empty())
}
