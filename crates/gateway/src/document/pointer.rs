//! Places in a document.

use std::fmt;

use percent_encoding::percent_decode_str;

use super::node::Node;

/// A JSON pointer as a URI fragment (RFC 6901 section 6): `#/paths/~1a/get`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Pointer(Vec<String>);

impl Pointer {
    /// The place of a `$ref`; `None` for what does not begin at the document's root.
    pub(super) fn parse(reference: &str) -> Option<Self> {
        let path = reference.strip_prefix('#')?;
        if path.is_empty() {
            return Some(Self::default());
        }
        let steps = path.strip_prefix('/')?.split('/');
        Some(Self(
            steps
                .map(|step| decoded(step).replace("~1", "/").replace("~0", "~"))
                .collect(),
        ))
    }

    /// One step further in.
    pub(super) fn join(&self, step: impl Into<String>) -> Self {
        let mut steps = self.0.clone();
        steps.push(step.into());
        Self(steps)
    }

    /// The name of the place itself; empty for the root.
    pub(super) fn last(&self) -> &str {
        self.0.last().map_or("", String::as_str)
    }

    /// What stands there.
    pub(super) fn find<'a>(&self, root: &'a Node) -> Option<&'a Node> {
        self.0.iter().try_fold(root, |node, step| match node {
            Node::Object(members) => members.get(step),
            Node::List(items) => {
                // RFC 6901 section 4: digits, and no zero in front.
                let is_index = step.bytes().all(|byte| byte.is_ascii_digit())
                    && (step.len() == 1 || !step.starts_with('0'));
                items.get(step.parse::<usize>().ok().filter(|_| is_index)?)
            }
            _ => None,
        })
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("#")?;
        self.0
            .iter()
            .try_for_each(|step| write!(f, "/{}", step.replace('~', "~0").replace('/', "~1")))
    }
}

/// A step that is not percent-encoded UTF-8 stays as it is.
fn decoded(step: &str) -> String {
    percent_decode_str(step)
        .decode_utf8()
        .map_or_else(|_| step.to_owned(), Into::into)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(reference: &str) -> Option<Node> {
        let root = Node::from_json(&json!({
            "": 0, "a/b": 1, "m~n": 2, "list": [3, 4], "c d": 5, "~1": 6, "x": {"": 7}
        }));
        Pointer::parse(reference)?.find(&root).cloned()
    }

    #[test]
    fn escapes_are_undone_in_the_order_of_the_rfc() {
        for (reference, expected) in [
            ("#/", json!(0)),
            ("#/a~1b", json!(1)),
            ("#/a%2Fb", json!(1)),
            ("#/m~0n", json!(2)),
            ("#/list/1", json!(4)),
            ("#/c%20d", json!(5)),
            ("#/~01", json!(6)),
            ("#/x/", json!(7)),
        ] {
            assert_eq!(found(reference), Some(Node::from_json(&expected)), "{reference}");
        }
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        for reference in [
            "#/nothing",
            "#/list/2",
            "#/list/01",
            "#/list/-",
            "#/list/+1",
            "#anchor",
            "a",
            "",
        ] {
            assert_eq!(found(reference), None, "{reference}");
        }
    }

    #[test]
    fn a_place_is_written_as_it_is_read() {
        let place = Pointer::default().join("a/b").join("m~n").join("~1");
        assert_eq!(place.to_string(), "#/a~1b/m~0n/~01");
        assert_eq!(Pointer::parse(&place.to_string()), Some(place));
    }
}
