//! References, all of which stay in the document.

use super::error::{DocumentError, Shown};
use super::node::Node;
use super::pointer::Pointer;

/// How many references may follow one another before they count as a circle.
const MAX_HOPS: usize = 64;

/// Refuses references out of the document, wherever they stand, and those that lead nowhere or in a circle of nothing but
/// references. Schemas that contain themselves pass: between two of their references stands a schema.
pub(super) fn check(root: &Node) -> Result<(), DocumentError> {
    check_at(root, root, &mut Vec::new())
}

fn check_at<'a>(root: &'a Node, node: &'a Node, steps: &mut Vec<String>) -> Result<(), DocumentError> {
    if let Some(reference) = node.reference() {
        let place = || {
            Shown::from(
                &steps
                    .iter()
                    .fold(Pointer::default(), |place, step| place.join(step)),
            )
        };
        if !reference.starts_with('#') {
            return Err(DocumentError::ExternalReference { place: place() });
        }
        if follow(root, node).is_none() {
            let reference = Shown::new(reference);
            return Err(DocumentError::BrokenReference {
                place: place(),
                reference,
            });
        }
    }
    match node {
        Node::Object(members) => members.iter().try_for_each(|(name, member)| {
            steps.push(name.clone());
            check_at(root, member, steps)?;
            steps.pop();
            Ok(())
        }),
        Node::List(items) => items.iter().enumerate().try_for_each(|(index, item)| {
            steps.push(index.to_string());
            check_at(root, item, steps)?;
            steps.pop();
            Ok(())
        }),
        _ => Ok(()),
    }
}

/// What is meant: the node itself, or what its references lead to. `None` cannot happen in a checked document.
fn follow<'a>(root: &'a Node, node: &'a Node) -> Option<&'a Node> {
    let mut meant = node;
    for _ in 0..MAX_HOPS {
        match meant.reference() {
            Some(reference) => meant = Pointer::parse(reference)?.find(root)?,
            None => return Some(meant),
        }
    }
    None
}

/// What is meant, in a checked document.
pub(super) fn resolve<'a>(root: &'a Node, node: &'a Node) -> &'a Node {
    follow(root, node).unwrap_or(&Node::Null)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check_json(document: &Value) -> Result<(), DocumentError> {
        check(&Node::from_json(document))
    }

    #[test]
    fn a_reference_out_of_the_document_is_refused_wherever_it_stands_and_not_repeated() {
        for reference in [
            "other.json",
            "./a.yaml#/A",
            "file:///etc/passwd",
            "https://u:pa55@example.com/a",
            "//x",
        ] {
            let error =
                check_json(&json!({ "example": [{ "deep/er": { "$ref": reference } }] })).unwrap_err();
            assert_eq!(error.code(), "document_external_reference");
            assert!(error.to_string().contains("#/example/0/deep~1er"), "{error}");
            assert!(!error.to_string().contains(reference), "{error}");
        }
    }

    #[test]
    fn a_reference_that_leads_nowhere_is_refused() {
        for reference in ["#/nothing", "#anchor", "#/a/b/c"] {
            let error = check_json(&json!({ "a": { "$ref": reference } })).unwrap_err();
            assert_eq!(error.code(), "document_broken_reference", "{reference}");
        }
    }

    #[test]
    fn a_circle_of_references_alone_is_refused() {
        for circle in [
            json!({ "a": { "$ref": "#/a" } }),
            json!({ "a": { "$ref": "#/b" }, "b": { "$ref": "#/a" } }),
        ] {
            assert_eq!(
                check_json(&circle).unwrap_err().code(),
                "document_broken_reference"
            );
        }
    }

    #[test]
    fn a_schema_that_contains_itself_passes() {
        let tree = json!({ "tree": { "properties": { "child": { "$ref": "#/tree" } } } });
        assert_eq!(check_json(&tree), Ok(()));
    }

    #[test]
    fn a_member_called_ref_that_is_no_text_is_no_reference() {
        assert_eq!(
            check_json(&json!({ "properties": { "$ref": { "type": "string" } } })),
            Ok(())
        );
    }
}
