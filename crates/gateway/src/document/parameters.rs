//! The flat rule, point 1: the parameters of an operation.

use indexmap::IndexMap;

use super::argument::{Place, Style};
use super::error::DocumentError;
use super::node::Node;
use super::pointer::Pointer;
use super::reference::resolve;

/// Headers that are none of the parameters, as OpenAPI says: they are the transport's business, and `Authorization` is
/// the credential's.
const NOT_PARAMETERS: [&str; 3] = ["accept", "content-type", "authorization"];

/// A parameter as the document has it.
pub(super) struct Parameter<'a> {
    pub(super) place: Place,
    pub(super) name: &'a str,
    pub(super) style: Style,
    pub(super) explode: bool,
    pub(super) allow_reserved: bool,
    pub(super) json: bool,
    pub(super) required: bool,
    pub(super) description: Option<&'a str>,
    pub(super) schema: Option<&'a Node>,
}

/// The parameters of an operation by their places, in the order of the document. `item` is that of its path.
pub(super) fn read<'a>(
    root: &'a Node,
    item: &'a Node,
    operation: &'a Node,
    path: &str,
    place: &Pointer,
) -> Result<Vec<Parameter<'a>>, DocumentError> {
    let invalid = |fault| DocumentError::invalid(place, fault);
    // One of the operation takes the place of one of the path with the same name and place.
    let mut found = IndexMap::new();
    for given in item.list("parameters").iter().chain(operation.list("parameters")) {
        let source = resolve(root, given);
        let at = source.text("in").and_then(Place::of_parameter);
        let (Some(name), Some(at)) = (source.text("name"), at) else {
            return Err(invalid("has a parameter without `name` and `in`"));
        };
        let is_none = match at {
            Place::Header => NOT_PARAMETERS.iter().any(|none| name.eq_ignore_ascii_case(none)),
            Place::Path => !path.contains(&format!("{{{name}}}")),
            _ => false,
        };
        if !is_none {
            found.insert((at, name), parameter(source, at, name));
        }
    }
    if template_names(path).any(|name| !found.contains_key(&(Place::Path, name))) {
        return Err(invalid(
            "does not describe each `{parameter}` of its path; add it to `parameters`",
        ));
    }
    let mut parameters: Vec<_> = found.into_values().collect();
    parameters.sort_by_key(|parameter| parameter.place);
    Ok(parameters)
}

fn parameter<'a>(source: &'a Node, place: Place, name: &'a str) -> Parameter<'a> {
    let content = source.get("content").and_then(Node::as_object);
    let style = source
        .text("style")
        .and_then(Style::named)
        .filter(|_| content.is_none());
    let style = style.unwrap_or(Style::usual(place));
    let explode = match source.get("explode") {
        Some(Node::Bool(explode)) if content.is_none() => *explode,
        _ => style == Style::Form,
    };
    Parameter {
        place,
        name,
        style,
        explode,
        allow_reserved: content.is_none() && place == Place::Query && source.is_true("allowReserved"),
        json: content.is_some(),
        required: place == Place::Path || source.is_true("required"),
        description: source.text("description"),
        schema: match content {
            Some(content) => content.values().next().and_then(|media| media.get("schema")),
            None => source.get("schema"),
        },
    }
}

/// The names in `{…}` of a path template.
pub(super) fn template_names(path: &str) -> impl Iterator<Item = &str> {
    // What stands before each closing brace, from the last opening one on: braces in braces are no name.
    let mut parts = path.split('}').peekable();
    std::iter::from_fn(move || {
        loop {
            let part = parts.next()?;
            // Behind the last closing brace there is no name.
            parts.peek()?;
            if let Some((_, name)) = part.rsplit_once('{') {
                return Some(name);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read_json(path: &str, item: &Value, operation: &Value) -> Result<Vec<String>, &'static str> {
        let root = Node::from_json(&json!({"item": item, "operation": operation}));
        let (item, operation) = (root.get("item").unwrap(), root.get("operation").unwrap());
        let read = read(&root, item, operation, path, &Pointer::default()).map_err(|error| error.code())?;
        Ok(read
            .iter()
            .map(|one| {
                format!(
                    "{}:{} {:?} {}",
                    one.place.name(),
                    one.name,
                    one.style,
                    one.explode
                )
            })
            .collect())
    }

    #[test]
    fn one_of_the_operation_takes_the_place_of_one_of_its_path() {
        let item = json!({"parameters": [
            {"name": "q", "in": "query", "style": "spaceDelimited"}, {"name": "id", "in": "path"}
        ]});
        let operation = json!({"parameters": [{"name": "q", "in": "query"}, {"name": "q", "in": "header"}]});
        assert_eq!(
            read_json("/{id}", &item, &operation).unwrap(),
            [
                "path:id Simple false",
                "query:q Form true",
                "header:q Simple false"
            ]
        );
    }

    #[test]
    fn headers_of_the_transport_and_strangers_to_the_path_are_none() {
        let operation = json!({"parameters": [
            {"name": "ACCEPT", "in": "header"}, {"name": "Content-Type", "in": "header"},
            {"name": "authorization", "in": "header"}, {"name": "other", "in": "path"},
            {"name": "Accept", "in": "query"}, {"name": "X-Authorization", "in": "header"}
        ]});
        assert_eq!(
            read_json("/", &json!({}), &operation).unwrap(),
            ["query:Accept Form true", "header:X-Authorization Simple false"]
        );
    }

    #[test]
    fn what_a_parameter_does_not_say_is_the_default() {
        for (parameter, expected) in [
            (json!({"name": "a", "in": "cookie"}), "cookie:a Form true"),
            (
                json!({"name": "a", "in": "query", "style": "deepObject"}),
                "query:a DeepObject false",
            ),
            (
                json!({"name": "a", "in": "query", "style": "unheard"}),
                "query:a Form true",
            ),
            (
                json!({"name": "a", "in": "query", "explode": "no"}),
                "query:a Form true",
            ),
            (
                json!({"name": "a", "in": "query", "explode": false}),
                "query:a Form false",
            ),
            (
                json!({"name": "a", "in": "query", "style": "pipeDelimited", "content": {}}),
                "query:a Form true",
            ),
        ] {
            let operation = json!({"parameters": [parameter]});
            assert_eq!(
                read_json("/", &json!({}), &operation).unwrap(),
                [expected],
                "{parameter}"
            );
        }
    }

    #[test]
    fn a_parameter_that_is_none_is_refused() {
        for parameter in [
            json!({"in": "query"}),
            json!({"name": "a", "in": "body"}),
            json!("a"),
        ] {
            let operation = json!({"parameters": [parameter]});
            assert_eq!(
                read_json("/", &json!({}), &operation),
                Err("document_invalid"),
                "{parameter}"
            );
        }
        assert_eq!(read_json("/{x}", &json!({}), &json!({})), Err("document_invalid"));
    }

    #[test]
    fn names_of_a_template() {
        for (path, expected) in [
            ("/a/{b}/{c}.{d}", vec!["b", "c", "d"]),
            ("/{a{b}}", vec!["b"]),
            ("/a}b{c", vec![]),
            ("/{}", vec![""]),
        ] {
            assert_eq!(template_names(path).collect::<Vec<_>>(), expected, "{path}");
        }
    }
}
