//! Path templates: which are taken, and which paths they are for.

use percent_encoding::percent_decode_str;

use super::error::DocumentError;
use super::pointer::Pointer;

/// The longest path template, in bytes. It bounds how deep the index is, too.
const MAX_PATH_BYTES: usize = 2_048;

/// Refuses a path that could not be a canonical one whatever its arguments.
pub(super) fn check(path: &str, place: &Pointer) -> Result<(), DocumentError> {
    let refused = |fault| Err(DocumentError::invalid(place, fault));
    if !path.starts_with('/') {
        return refused("does not begin with a slash");
    }
    if path.len() > MAX_PATH_BYTES {
        return refused("is longer than 2,048 bytes");
    }
    if path.contains(['?', '#', '\\']) || path.contains(char::is_control) {
        return refused(
            "has a query, a fragment or a sign that no path may have; describe queries as parameters",
        );
    }
    if path.split('/').any(|segment| is_dots(&decoded(segment))) {
        return refused("has a segment `.` or `..`");
    }
    Ok(())
}

/// Such segments are for another path.
pub(super) fn is_dots(segment: &str) -> bool {
    matches!(segment, "." | "..")
}

/// What a segment of a template is for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Segment {
    /// This text alone.
    Literal(String),
    /// Texts with these in this order, the first at the beginning and the last at the end, and something between each.
    Mixed(Vec<String>),
    /// Anything but nothing.
    Any,
}

impl Segment {
    pub(super) fn parse(segment: &str) -> Self {
        let mut texts = Vec::new();
        let mut rest = segment;
        while let Some((before, behind)) = rest.split_once('{') {
            let Some((_, after)) = behind.split_once('}') else {
                break;
            };
            texts.push(decoded(before));
            rest = after;
        }
        texts.push(decoded(rest));
        match texts.as_slice() {
            [text] => Self::Literal(text.clone()),
            [before, after] if before.is_empty() && after.is_empty() => Self::Any,
            _ => Self::Mixed(texts),
        }
    }

    /// Whether it is for this segment of a path.
    pub(super) fn matches(&self, segment: &str) -> bool {
        match self {
            Self::Literal(text) => text == segment,
            Self::Any => !segment.is_empty() && !is_dots(segment),
            Self::Mixed(texts) => !is_dots(segment) && matches_mixed(texts, segment).unwrap_or(false),
        }
    }

    /// How many characters are given: of two templates that match, the one with more says more.
    pub(super) fn given(&self) -> usize {
        match self {
            Self::Literal(text) => text.len(),
            Self::Mixed(texts) => texts.iter().map(String::len).sum(),
            Self::Any => 0,
        }
    }
}

/// `None` as soon as it does not match. Each text is taken where it first occurs, which leaves the most for the others.
fn matches_mixed(texts: &[String], segment: &str) -> Option<bool> {
    let (first, others) = texts.split_first()?;
    let (last, between) = others.split_last()?;
    let mut rest = segment.strip_prefix(first.as_str())?;
    for text in between {
        // A parameter is at least one character.
        let behind = rest.get(rest.chars().next()?.len_utf8()..)?;
        let at = behind.find(text.as_str())?;
        rest = behind.get(at + text.len()..)?;
    }
    Some(!rest.strip_suffix(last.as_str())?.is_empty())
}

fn decoded(text: &str) -> String {
    percent_decode_str(text)
        .decode_utf8()
        .map_or_else(|_| text.to_owned(), Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_cannot_be_canonical_are_refused() {
        for path in [
            "a",
            "",
            "/a?b=c",
            "/a#b",
            "/a\\b",
            "/a\nb",
            "/a/../b",
            "/./a",
            "/%2e%2E/a",
        ] {
            assert!(check(path, &Pointer::default()).is_err(), "{path}");
        }
        assert!(check(&"/a".repeat(1_025), &Pointer::default()).is_err());
        for path in ["/", "/a/", "/a//b", "/{a}.{b}", "/a...", "/ü"] {
            assert_eq!(check(path, &Pointer::default()), Ok(()), "{path}");
        }
    }

    #[test]
    fn segments_match_what_they_say() {
        for (segment, yes, no) in [
            ("users", vec!["users"], vec!["Users", "user", ""]),
            ("a%20b", vec!["a b"], vec!["a%20b"]),
            ("{id}", vec!["x", "a b", "..."], vec!["", ".", ".."]),
            (
                "{id}.json",
                vec!["a.json", "..json", ".json.json"],
                vec![".json", "a.jsonx"],
            ),
            (
                "v{major}.{minor}",
                vec!["v1.2", "v1.2.3"],
                vec!["v1.", "v.2", "v12"],
            ),
            ("{a}{b}", vec!["xy"], vec!["x"]),
            ("{a}-{b}-{c}", vec!["1-2-3", "a--b-c"], vec!["1-2", "--"]),
            ("{open", vec!["{open"], vec!["x"]),
        ] {
            let parsed = Segment::parse(segment);
            assert!(yes.iter().all(|text| parsed.matches(text)), "{segment} {yes:?}");
            assert!(!no.iter().any(|text| parsed.matches(text)), "{segment} {no:?}");
        }
    }
}
