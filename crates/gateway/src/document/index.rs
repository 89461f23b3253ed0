//! Finding operations.

use std::collections::HashMap;

use super::operation::Operation;
use super::template::Segment;

/// Finds operations of a document by name, and by method and path. Made when a document is loaded; it knows operations
/// by their positions.
#[derive(Clone, Debug, Default)]
pub struct OperationIndex {
    names: HashMap<String, usize>,
    root: Branch,
}

/// What may follow a part of a path.
#[derive(Clone, Debug, Default)]
struct Branch {
    literals: HashMap<String, Branch>,
    /// Those with parameters, the one that says most first.
    patterns: Vec<(Segment, Branch)>,
    /// The operations of a path that ends here, by their methods.
    operations: HashMap<String, usize>,
}

impl OperationIndex {
    /// An index of these operations.
    pub fn new(operations: &[Operation]) -> Self {
        let mut index = Self::default();
        for (position, operation) in operations.iter().enumerate() {
            index.names.insert(operation.name.clone(), position);
            let path = operation.path.strip_prefix('/').unwrap_or(&operation.path);
            let end = path.split('/').fold(&mut index.root, |branch, segment| {
                branch.next(Segment::parse(segment))
            });
            // Of two that differ in the names of their parameters alone, the first counts.
            end.operations.entry(operation.method.clone()).or_insert(position);
        }
        index
    }

    /// The position of the operation of that name.
    pub fn named(&self, name: &str) -> Option<usize> {
        self.names.get(name).copied()
    }

    /// The position of the operation for a call. `method` is in capitals; `path` is the canonical path below the server's,
    /// decoded once, with its slash in front.
    ///
    /// Segment by segment from the left, a literal one wins over one with a parameter, and of those the one with more
    /// given text. A path that leads nowhere that way is tried another way.
    pub fn matching(&self, method: &str, path: &str) -> Option<usize> {
        self.root.find(method, path.strip_prefix('/')?)
    }
}

impl Branch {
    fn next(&mut self, segment: Segment) -> &mut Self {
        if let Segment::Literal(text) = segment {
            return self.literals.entry(text).or_default();
        }
        let at = match self.patterns.iter().position(|(known, _)| *known == segment) {
            Some(at) => at,
            None => {
                let at = self
                    .patterns
                    .partition_point(|(known, _)| known.given() >= segment.given());
                self.patterns.insert(at, (segment, Self::default()));
                at
            }
        };
        &mut self.patterns[at].1
    }

    /// Each branch is looked at once at most, and there are no more of them than segments in the document.
    fn find(&self, method: &str, path: &str) -> Option<usize> {
        let (segment, rest) = match path.split_once('/') {
            Some((segment, rest)) => (segment, Some(rest)),
            None => (path, None),
        };
        let on = |branch: &Self| match rest {
            Some(rest) => branch.find(method, rest),
            None => branch.operations.get(method).copied(),
        };
        let literal = self.literals.get(segment).and_then(on);
        literal.or_else(|| {
            let fitting = self
                .patterns
                .iter()
                .filter(|(pattern, _)| pattern.matches(segment));
            fitting.map(|(_, branch)| branch).find_map(on)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Document;
    use super::*;

    fn index(paths: &[&str]) -> (Document, OperationIndex) {
        let paths: serde_json::Map<_, _> = paths
            .iter()
            .map(|path| {
                let names = super::super::parameters::template_names(path);
                let parameters: Vec<_> = names
                    .map(|name| serde_json::json!({"name": name, "in": "path"}))
                    .collect();
                (
                    (*path).to_owned(),
                    serde_json::json!({"parameters": parameters, "get": {}, "post": {}}),
                )
            })
            .collect();
        let text = serde_json::json!({"openapi": "3.1.0", "paths": paths}).to_string();
        let document = Document::read(text.as_bytes(), None).unwrap();
        let index = OperationIndex::new(&document.operations);
        (document, index)
    }

    #[test]
    fn the_template_that_says_most_wins() {
        let (document, index) = index(&[
            "/",
            "/users/{id}",
            "/users/me",
            "/users/{id}/keys",
            "/users/{id}.json",
            "/{any}/me/keys",
            "/users/",
            "/{a}/{b}/{c}/d",
            "/users/{x}/y/z",
        ]);
        for (path, expected) in [
            ("/", Some("/")),
            ("/users/me", Some("/users/me")),
            ("/users/7", Some("/users/{id}")),
            ("/users/7.json", Some("/users/{id}.json")),
            ("/users/7/keys", Some("/users/{id}/keys")),
            ("/users/me/keys", Some("/users/{id}/keys")),
            ("/teams/me/keys", Some("/{any}/me/keys")),
            ("/users/", Some("/users/")),
            ("/users/1/y/d", Some("/{a}/{b}/{c}/d")),
            ("/users/1/y/z", Some("/users/{x}/y/z")),
            ("/users", None),
            ("/users//keys", None),
            ("/users/../keys", None),
            ("users/me", None),
            ("", None),
        ] {
            let found = index
                .matching("POST", path)
                .map(|at| document.operations[at].path.as_str());
            assert_eq!(found, expected, "{path}");
        }
        assert_eq!(index.matching("PUT", "/users/me"), None);
        assert_eq!(index.matching("get", "/users/me"), None);
    }

    #[test]
    fn each_operation_is_found_by_its_name() {
        let (document, index) = index(&["/a", "/b/{c}"]);
        for (position, operation) in document.operations.iter().enumerate() {
            assert_eq!(index.named(&operation.name), Some(position));
        }
        assert_eq!(index.named("nothing"), None);
    }
}
