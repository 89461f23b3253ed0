//! From bytes to a tree.

use serde::de::DeserializeSeed;
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy};

use super::error::{DocumentError, Shown};
use super::node::{Breach, Budget, Node, NodeSeed};

/// The largest document that is read, in bytes; the largest public ones have some 40 MiB.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// How many values a document may have, aliases unfolded; the largest public ones have some 3 million.
const MAX_VALUES: usize = 4_000_000;

/// How deep objects and arrays may be nested. Readers walk the tree by recursion, and this is what bounds their stack.
const MAX_DEPTH: usize = 96;

/// The stack that YAML is read on, in bytes: more than twice of what [`MAX_DEPTH`] levels take without optimisation.
const YAML_STACK_BYTES: usize = 8 * 1024 * 1024;

/// How often YAML may repeat what was named before; each repetition also counts against [`MAX_VALUES`].
const MAX_ALIASES: usize = 1_000;

/// Reads JSON, or YAML 1.2 with JSON's types: a date stays the text that it is, and so does `no`.
pub(super) fn parse(bytes: &[u8]) -> Result<Node, DocumentError> {
    if bytes.len() > MAX_BYTES {
        return Err(DocumentError::TooLarge { max_bytes: MAX_BYTES });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| DocumentError::Unreadable { line: None })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // An object that begins with a brace may still be YAML in flow style; a breach of a bound is one in both.
    if text.trim_start().starts_with(['{', '[']) {
        match parse_json(text) {
            Err(DocumentError::Unreadable { .. }) => {}
            read => return read,
        }
    }
    parse_yaml(text)
}

fn parse_json(text: &str) -> Result<Node, DocumentError> {
    let budget = Budget::new(MAX_VALUES, MAX_DEPTH);
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = NodeSeed::new(&budget).deserialize(&mut reader);
    let read = read.and_then(|node| reader.end().map(|()| node));
    read.map_err(|error| refusal(&budget, u64::try_from(error.line()).ok()))
}

/// On a thread of its own, because the parser takes up to 32 KiB of stack for each level, and that of whoever calls is not
/// ours to count on.
fn parse_yaml(text: &str) -> Result<Node, DocumentError> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("openapi".to_owned())
            .stack_size(YAML_STACK_BYTES);
        let reading = thread.spawn_scoped(scope, || parse_yaml_here(text));
        // No thread, or one that fell over: the document is not read, and nothing else suffers.
        reading
            .ok()
            .and_then(|reading| reading.join().ok())
            .unwrap_or(Err(DocumentError::Unreadable { line: None }))
    })
}

fn parse_yaml_here(text: &str) -> Result<Node, DocumentError> {
    let budget = Budget::new(MAX_VALUES, MAX_DEPTH);
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: MAX_VALUES.saturating_mul(2),
            max_nodes: MAX_VALUES,
            max_aliases: MAX_ALIASES,
            // One more than the tree's, so that the tree's own refusal is the one that is told.
            max_depth: MAX_DEPTH + 1,
            max_documents: 1,
            max_total_scalar_bytes: MAX_BYTES,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MAX_VALUES.saturating_mul(2),
        },
        // The tree refuses them, and names them.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        // YAML 1.2 has no merge keys.
        merge_keys: MergeKeyPolicy::AsOrdinary,
        strict_booleans: true,
        underscored_numbers_as_strings: true,
        with_snippet: false,
    };
    serde_saphyr::with_deserializer_from_str_with_options(text, options, |reader| {
        NodeSeed::new(&budget).deserialize(reader)
    })
    .map_err(|error| refusal(&budget, error.location().map(|location| location.line())))
}

fn refusal(budget: &Budget, line: Option<u64>) -> DocumentError {
    let line = line.filter(|line| *line > 0);
    match budget.breach() {
        None => DocumentError::Unreadable { line },
        Some(Breach::TooDeep) => DocumentError::TooDeep { max_depth: MAX_DEPTH },
        Some(Breach::TooManyValues) => DocumentError::TooManyValues {
            max_values: MAX_VALUES,
        },
        Some(Breach::DoubledMember(name)) => DocumentError::DoubledMember {
            name: Shown::new(&name),
            line,
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn code(text: &str) -> &'static str {
        parse(text.as_bytes()).map_or_else(|error| error.code(), |_| "read")
    }

    #[test]
    fn yaml_has_the_types_of_json() {
        let yaml = "date: 2026-01-01\nno: no\n200: on\nwhole: 12\nhalf: 0.5\nnothing: ~\nempty:\nyes: true\n\
                    text: '200'\nlong: 1_000\n<<: {a: 1}\nflow: [a, {b: c}]\n";
        let expected = json!({
            "date": "2026-01-01", "no": "no", "200": "on", "whole": 12, "half": 0.5, "nothing": null,
            "empty": null, "yes": true, "text": "200", "long": "1_000", "<<": {"a": 1}, "flow": ["a", {"b": "c"}]
        });
        assert_eq!(parse(yaml.as_bytes()), Ok(Node::from_json(&expected)));
    }

    #[test]
    fn members_keep_the_order_of_the_document() {
        for text in [r#"{"b": 1, "a": 2, "c": 3}"#, "b: 1\na: 2\nc: 3\n"] {
            let node = parse(text.as_bytes()).unwrap();
            assert_eq!(
                node.as_object().unwrap().keys().collect::<Vec<_>>(),
                ["b", "a", "c"]
            );
        }
    }

    #[test]
    fn a_mark_of_the_byte_order_is_passed_over() {
        assert_eq!(code("\u{feff}{\"a\": 1}"), "read");
        assert_eq!(code("\u{feff}a: 1"), "read");
    }

    #[test]
    fn a_doubled_member_is_refused_in_both_forms() {
        for text in [r#"{"a": 1, "b": {"a": 1, "a": 2}}"#, "b:\n  a: 1\n  a: 2\n"] {
            assert_eq!(code(text), "document_doubled_member", "{text}");
        }
    }

    #[test]
    fn a_bomb_of_aliases_is_refused() {
        let mut bomb = String::from("a0: &a0 [x, x]\n");
        for depth in 1..=40 {
            bomb += &format!("a{depth}: &a{depth} [*a{0}, *a{0}]\n", depth - 1);
        }
        assert_ne!(code(&bomb), "read");
    }

    #[test]
    fn as_deep_as_the_bound_is_read_and_one_deeper_is_not() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let nested = |depth: usize| {
                let inner = if open == "[" { "" } else { "1" };
                format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
            };
            let (fits, does_not) = (nested(MAX_DEPTH - 1), nested(MAX_DEPTH + 1));
            assert_eq!(code(&fits), "read");
            assert_eq!(code(&does_not), "document_too_deep");
            assert_eq!(code(&format!("a: {}", nested(MAX_DEPTH - 2))), "read");
            assert_eq!(code(&format!("a: {does_not}")), "document_too_deep");
        }
    }

    #[test]
    fn deeper_than_any_stack_is_refused_without_falling_over() {
        for text in [
            "[".repeat(1_000_000),
            "a: ".to_owned() + &"{a: ".repeat(500_000),
            "- ".repeat(100_000),
        ] {
            assert_ne!(code(&text), "read");
        }
    }

    #[test]
    fn what_is_neither_is_refused_with_its_line() {
        let error = parse(b"a: 1\nb: [\n").unwrap_err();
        assert_eq!(error.code(), "document_unreadable");
        assert!(error.to_string().contains("(line "), "{error}");
        assert_eq!(code("\u{0}"), "document_unreadable");
        assert_eq!(parse(&[0xff, 0xfe]).unwrap_err().code(), "document_unreadable");
    }
}
