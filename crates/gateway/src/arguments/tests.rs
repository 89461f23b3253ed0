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
    operation: Operation,
    arguments: Map<String, Value>,
    expected: Value,
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
        let placed = as_json(place(&case.operation, case.arguments, BOUNDARY));
        assert_eq!(placed, case.expected, "{}", case.name);
    }
}

fn multipart(members: Value, encoding: Value) -> String {
    let body = json!({ "type": "multipart/form-data", "encoding": encoding });
    let operation: Operation = serde_json::from_value(json!({ "path": "/a", "body": body })).unwrap();
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
    let operation: Operation =
        serde_json::from_value(json!({ "path": "/a", "parameters": [{ "in": "query", "name": "q" }] }))
            .unwrap();
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
    let operation: Operation =
        serde_json::from_value(json!({ "path": "/{id}", "parameters": [{ "in": "path", "name": "id" }] }))
            .unwrap();
    for value in [json!([{"deep": "hidden-value"}]), json!("..")] {
        let arguments = Map::from_iter([("id".to_owned(), value)]);
        let error = place(&operation, arguments, BOUNDARY).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("hidden-value") && shown.contains("id"), "{shown}");
    }
}
