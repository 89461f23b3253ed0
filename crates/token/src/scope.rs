//! When one scope does for another.

/// The resource that stands for all resources of an action.
const ANY_RESOURCE: &str = "*";

/// The resource of a scope without a colon, by the convention of the Stytch SDKs.
const NO_RESOURCE: &str = "-";

/// Whether the scopes in `held`, separated by spaces as in a token's `scope`, satisfy the one scope `needed`.
///
/// A scope is `action:resource`; everything after the first colon is the resource, as the Go and Rust SDKs of
/// Stytch read it. A held scope does when its action is the needed one and its resource is the needed one or
/// `*`. `*` as an action is only a literal, and so is a `*` in a longer resource. A scope without colon has
/// the resource `-`, so that `read` is satisfied by `read`, `read:-` and `read:*`.
///
/// An empty `needed`, or one with a space in it, is no scope and satisfied by nothing: a caller that lost its
/// requirement must not let everyone in.
#[must_use]
pub fn satisfies(held: &str, needed: &str) -> bool {
    if needed.is_empty() || needed.contains(char::is_whitespace) {
        return false;
    }
    let (needed_action, needed_resource) = parts(needed);
    held.split_ascii_whitespace()
        .map(parts)
        .any(|(action, resource)| {
            action == needed_action && (resource == needed_resource || resource == ANY_RESOURCE)
        })
}

fn parts(scope: &str) -> (&str, &str) {
    scope.split_once(':').unwrap_or((scope, NO_RESOURCE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_scope_does() {
        assert!(satisfies("read:users", "read:users"));
        assert!(satisfies("write:users read", "read"));
        assert!(!satisfies("read:users", "read:books"));
        assert!(!satisfies("read:users", "write:users"));
        assert!(!satisfies("", "read"));
        assert!(!satisfies("read:users", "read:user"));
        assert!(!satisfies("read:users", "READ:users"));
    }

    #[test]
    fn a_star_resource_does_for_all_resources_of_its_action() {
        assert!(satisfies("read:*", "read:users"));
        assert!(satisfies("read:*", "read:*"));
        assert!(satisfies("read:*", "read:a:b"));
        assert!(!satisfies("read:*", "write:users"));
        assert!(
            !satisfies("read:users", "read:*"),
            "a need for all is not met by one"
        );
    }

    #[test]
    fn a_star_is_a_literal_everywhere_else() {
        assert!(!satisfies("*:users", "read:users"));
        assert!(!satisfies("*", "read"));
        assert!(!satisfies("*:*", "read:users"));
        assert!(!satisfies("read:us*", "read:users"));
        assert!(!satisfies("read:users:*", "read:users:1"));
        assert!(satisfies("*:*", "*:users"));
    }

    #[test]
    fn a_scope_without_colon_has_the_resource_dash() {
        assert!(satisfies("read:*", "read"));
        assert!(satisfies("read:-", "read"));
        assert!(satisfies("read", "read:-"));
        assert!(!satisfies("read", "read:users"));
        assert!(!satisfies("read:", "read"));
    }

    #[test]
    fn everything_after_the_first_colon_is_the_resource() {
        assert!(satisfies("a:b:c", "a:b:c"));
        assert!(!satisfies("a:b:c", "a:b:d"));
        assert!(!satisfies("a:b", "a:b:c"));
    }

    #[test]
    fn what_is_no_scope_is_satisfied_by_nothing() {
        for needed in ["", " ", "read write", "read "] {
            assert!(!satisfies("read write : *:* -:*", needed), "{needed:?}");
        }
    }
}
