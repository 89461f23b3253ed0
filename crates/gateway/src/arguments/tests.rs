use serde::Deserialize;
use serde_json::json;

use super::*;

#[derive(Deserialize)]
struct Corpus {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    operation: Value,
    arguments: Map<String, Value>,
    expected: Value,
}

/// The operation as a document would have it, from the form that the toolkit gives its modules.
fn operation(shape: &Value) -> Operation {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut arguments: Vec<Value> = Vec::new();
    for parameter in list(&shape["parameters"]) {
        let place = parameter["in"].as_str().unwrap();
        let usual = if matches!(place, "path" | "header") {
            "simple"
        } else {
            "form"
        };
        let style = parameter["style"].as_str().unwrap_or(usual);
        let flag = |name: &str| parameter[name].as_bool();
        arguments.push(json!({
            "name": parameter["argument"].as_str().or(parameter["name"].as_str()),
            "place": place,
            "original": parameter["name"],
            "style": style,
            "explode": flag("explode").unwrap_or(style == "form"),
            "allowReserved": flag("allowReserved").unwrap_or(false),
            "json": flag("json").unwrap_or(false),
            "schema": true,
        }));
    }
    let body = &shape["body"];
    for (name, original) in body["members"].as_object().into_iter().flatten() {
        arguments.push(json!({ "name": name, "place": "member", "original": original, "schema": true }));
    }
    if let Some(name) = body["argument"].as_str() {
        arguments.push(json!({ "name": name, "place": "body", "original": "body", "schema": true }));
    }
    let mut whole = json!({ "name": "a", "method": "POST", "path": shape["path"], "arguments": arguments });
    if body.is_object() {
        whole["body"] = json!({
            "mediaType": body["type"],
            "spread": body["argument"].is_null(),
            "required": body["required"].as_bool().unwrap_or(false),
            "encoding": body["encoding"].as_object().cloned().unwrap_or_default(),
            "schema": true,
        });
    }
    // By way of text, because that is what raw parts are read from.
    serde_json::from_str(&whole.to_string()).unwrap()
}

const BOUNDARY: &str = "a-boundary";

fn as_json(placed: Result<Placed, ArgumentError>) -> Value {
    match placed {
        Ok(placed) => {
            let mut parts = json!({
                "path": placed.path, "query": placed.query, "headers": placed.headers, "cookies": placed.cookies
            });
            if let Some(body) = placed.body {
                parts["body"] = json!({
                    "type": body.media_type, "content": String::from_utf8(body.content).unwrap()
                });
            }
            parts
        }
        Err(error) => json!({ "code": error.fault.code(), "argument": error.argument }),
    }
}

#[test]
fn arguments_go_where_the_sdks_put_them() {
    let corpus: Corpus = serde_json::from_str(include_str!("../../../../sdk/vectors/placing.json")).unwrap();
    assert!(corpus.cases.len() > 150);
    for case in corpus.cases {
        let placed = as_json(place(&operation(&case.operation), case.arguments, BOUNDARY));
        assert_eq!(placed, case.expected, "{}", case.name);
    }
}

fn multipart(members: Value, encoding: Value) -> String {
    let body = json!({ "type": "multipart/form-data", "encoding": encoding });
    let operation = operation(&json!({ "path": "/a", "body": body }));
    let Value::Object(members) = members else {
        panic!("members are an object")
    };
    let body = place(&operation, members, BOUNDARY).unwrap().body.unwrap();
    assert_eq!(body.media_type, "multipart/form-data; boundary=a-boundary");
    String::from_utf8(body.content).unwrap()
}

#[test]
fn a_multipart_body_has_a_part_for_each_item() {
    let content = multipart(
        json!({ "a": ["1", true], "b": { "c": 2 }, "n": null, "t": "x" }),
        json!({ "t": { "contentType": "text/csv" } }),
    );
    let part = |head: &str, text: &str| {
        format!("--a-boundary\r\nContent-Disposition: form-data; {head}\r\n\r\n{text}\r\n")
    };
    let expected = [
        part("name=\"a\"", "1"),
        part("name=\"a\"", "true"),
        part("name=\"b\"\r\nContent-Type: application/json", "{\"c\":2}"),
        part("name=\"t\"\r\nContent-Type: text/csv", "x"),
        "--a-boundary--\r\n".to_owned(),
    ]
    .concat();
    assert_eq!(content, expected);
}

#[test]
fn a_member_cannot_write_a_head_of_its_own() {
    let content = multipart(json!({ "a\"\r\nX-B: c": "1" }), json!({}));
    assert!(
        content.contains("name=\"a%22%0D%0AX-B: c\"\r\n\r\n1"),
        "{content}"
    );
}

#[test]
fn a_whole_number_has_no_fraction_wherever_it_came_from() {
    let operation = operation(&json!({ "path": "/a", "parameters": [{ "in": "query", "name": "q" }] }));
    for (number, text) in [
        ("1.0", "1"),
        ("-2e3", "-2000"),
        ("1.5", "1.5"),
        ("18446744073709551615", "18446744073709551615"),
    ] {
        let arguments = serde_json::from_str(&format!("{{\"q\":{number}}}")).unwrap();
        let placed = place(&operation, arguments, BOUNDARY).unwrap();
        assert_eq!(placed.query, [("q".to_owned(), text.to_owned())]);
    }
}

#[test]
fn an_error_never_shows_the_value() {
    let operation = operation(&json!({ "path": "/{id}", "parameters": [{ "in": "path", "name": "id" }] }));
    for value in [json!([{"deep": "hidden-value"}]), json!("..")] {
        let arguments = Map::from_iter([("id".to_owned(), value)]);
        let error = place(&operation, arguments, BOUNDARY).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("hidden-value") && shown.contains("id"), "{shown}");
    }
}
