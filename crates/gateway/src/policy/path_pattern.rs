//! Which paths a rule is about.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Stands for one segment.
const ONE: &str = "*";
/// Stands for any number of segments at the end, none included.
const REST: &str = "**";

/// A pattern of paths, such as `/v1/m2m/clients/*` or `/v1/**`.
///
/// `*` stands for one segment that is not empty, and `**`, as the last one, for the rest. Everything else is the segment itself,
/// decoded, to the letter.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct PathPattern(Vec<String>);

/// The text is no pattern.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "a path pattern begins with / and has segments that are text, * or, as the last, **; a * within a segment, a % and . or .. are not for patterns"
)]
pub struct PathPatternError;

impl PathPattern {
    /// Whether the decoded segments of a path fit.
    #[must_use]
    pub fn fits(&self, path: &[&str]) -> bool {
        let (segments, rest) = match self.0.split_last() {
            Some((last, segments)) if last == REST => (segments, true),
            _ => (&self.0[..], false),
        };
        let long_enough = if rest {
            path.len() >= segments.len()
        } else {
            path.len() == segments.len()
        };
        long_enough
            && segments
                .iter()
                .zip(path)
                .all(|(wanted, found)| fits(wanted, found))
    }
}

fn fits(wanted: &str, found: &str) -> bool {
    if wanted == ONE {
        !found.is_empty()
    } else {
        wanted == found
    }
}

impl TryFrom<String> for PathPattern {
    type Error = PathPatternError;

    fn try_from(text: String) -> Result<Self, PathPatternError> {
        let segments = text.strip_prefix('/').ok_or(PathPatternError)?;
        let segments: Vec<&str> = segments.split('/').collect();
        let last = segments.len() - 1;
        // A pattern is matched with decoded segments: a % in it is a mistake that would never match and so protect nothing.
        let is_sound = |(position, segment): (usize, &&str)| match *segment {
            ONE => true,
            REST => position == last,
            "." | ".." => false,
            "" => position == last,
            text => !text.contains(['*', '%', '\\', '?', '#']) && !text.contains(char::is_control),
        };
        if segments.iter().enumerate().all(is_sound) {
            Ok(Self(segments.into_iter().map(str::to_owned).collect()))
        } else {
            Err(PathPatternError)
        }
    }
}

impl From<PathPattern> for String {
    fn from(pattern: PathPattern) -> Self {
        pattern.to_string()
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.0.join("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> PathPattern {
        text.to_owned().try_into().unwrap()
    }

    fn fits(text: &str, path: &str) -> bool {
        let segments: Vec<_> = path.strip_prefix('/').unwrap().split('/').collect();
        pattern(text).fits(&segments)
    }

    #[test]
    fn a_star_is_one_segment() {
        assert!(fits("/v1/*/secrets", "/v1/a/secrets"));
        assert!(!fits("/v1/*/secrets", "/v1/a/b/secrets"));
        assert!(!fits("/v1/*/secrets", "/v1//secrets"));
        assert!(!fits("/v1/*", "/v1"));
        assert!(!fits("/v1/*", "/v1/"));
    }

    #[test]
    fn two_stars_are_the_rest() {
        for path in ["/v1", "/v1/", "/v1/a", "/v1/a/b/c"] {
            assert!(fits("/v1/**", path), "{path}");
        }
        assert!(!fits("/v1/**", "/v10"));
        assert!(!fits("/v1/**", "/"));
        assert!(fits("/**", "/"));
    }

    #[test]
    fn everything_else_is_itself() {
        assert!(fits("/v1/users", "/v1/users"));
        assert!(!fits("/v1/users", "/v1/Users"));
        assert!(!fits("/v1/users", "/v1/users/"));
        assert!(fits("/v1/users/", "/v1/users/"));
        assert!(!fits("/v1/users", "/v1/users/1"));
        assert!(fits("/", "/"));
    }

    #[test]
    fn what_would_never_match_is_no_pattern() {
        for text in [
            "", "v1", "/v1/a*", "/**/a", "/a//b", "/a/../b", "/.", "/%61", "/a\\b", "/a?b", "/a#b", "/a\n",
        ] {
            assert!(PathPattern::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_pattern_reads_back_as_itself() {
        for text in ["/", "/**", "/a/*/b/", "/a b/ü"] {
            assert_eq!(pattern(text).to_string(), text);
        }
    }
}
