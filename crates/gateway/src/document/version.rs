//! Which documents are understood.

use super::error::DocumentError;
use super::node::Node;

/// Refuses what is not an OpenAPI document of version 3.0 or 3.1. Says whether what stands beside a reference counts for
/// nothing, as it does in 3.0.
pub(super) fn check(root: &Node) -> Result<bool, DocumentError> {
    let refused = |fault| Err(DocumentError::NotOpenApi(fault));
    if root.as_object().is_none() {
        return refused("it is not an object");
    }
    if root.get("swagger").is_some() {
        return refused("it is Swagger 2.0; convert it to OpenAPI 3.1");
    }
    let version = root.text("openapi").unwrap_or_default();
    let is = |minor: &str| {
        let patch = version.strip_prefix(minor).unwrap_or_default();
        let (digits, label) = patch.split_once('-').unwrap_or((patch, "x"));
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) && !label.is_empty()
    };
    let is_30 = is("3.0.");
    if !is_30 && !is("3.1.") {
        return refused("its `openapi` is not 3.0.x or 3.1.x");
    }
    match root.get("paths") {
        Some(Node::Object(_)) => Ok(is_30),
        _ => refused("it has no `paths`"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn versions_that_are_understood() {
        let check = |version: Value| check(&Node::from_json(&json!({"openapi": version, "paths": {}})));
        for (version, expected) in [
            ("3.0.0", true),
            ("3.0.3", true),
            ("3.0.4-rc1", true),
            ("3.1.1", false),
        ] {
            assert_eq!(check(json!(version)), Ok(expected), "{version}");
        }
        for version in ["3.2.0", "2.0", "3.1", "3.1.", "3.1.x", "3.0.0-", "3.10.0", ""] {
            assert_eq!(
                check(json!(version)).unwrap_err().code(),
                "document_not_openapi",
                "{version}"
            );
        }
        assert!(check(json!(3.1)).is_err());
    }

    #[test]
    fn what_is_no_document_is_told_apart_from_an_old_one() {
        let error = |root: Value| check(&Node::from_json(&root)).unwrap_err().to_string();
        assert!(error(json!([])).contains("not an object"));
        assert!(error(json!({"swagger": "2.0", "paths": {}})).contains("Swagger"));
        assert!(error(json!({"openapi": "3.1.0", "paths": []})).contains("`paths`"));
    }
}
