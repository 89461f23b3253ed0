//! Why a document is not taken.

use std::fmt;

use super::pointer::Pointer;

/// The longest text of a document that an error repeats, in characters.
const MAX_SHOWN: usize = 200;

/// Why a document is not taken. Nothing of it is kept.
///
/// The message says where in the document the fault is, as a JSON pointer (RFC 6901), and what to do. It repeats at most
/// 200 characters of the document, and never what a reference out of the document says, which may hold a password.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// There are more bytes than are read.
    #[error("the document is larger than {} MiB", max_bytes / (1024 * 1024))]
    TooLarge {
        /// The limit, in bytes.
        max_bytes: usize,
    },
    /// Neither JSON nor YAML, or YAML with more aliases than is reasonable.
    #[error("the document is neither JSON nor YAML{}", AtLine(*line))]
    Unreadable {
        /// The first line that is wrong, counted from 1, where it is known.
        line: Option<u64>,
    },
    /// An object has two members of one name; which of them counts differs from reader to reader.
    #[error("the document names {} twice in one object{}; remove one of the two", name, AtLine(*line))]
    DoubledMember {
        /// The member's name.
        name: Shown,
        /// Its line, counted from 1, where it is known.
        line: Option<u64>,
    },
    /// Objects and arrays are nested deeper than is read.
    #[error("the document is nested deeper than {max_depth} levels")]
    TooDeep {
        /// The limit, in levels.
        max_depth: usize,
    },
    /// The document has more values than are read, aliases unfolded.
    #[error("the document has more than {max_values} values")]
    TooManyValues {
        /// The limit.
        max_values: usize,
    },
    /// JSON or YAML, but not an OpenAPI document of a version that is understood.
    #[error("this is not an OpenAPI document: {0}")]
    NotOpenApi(&'static str),
    /// A `$ref` to a file or a URL: reading it would read what a stranger chose.
    #[error("{place} refers out of the document; bundle it into one file first")]
    ExternalReference {
        /// Where the reference stands.
        place: Shown,
    },
    /// A `$ref` to a place that the document does not have, or to itself.
    #[error("{place} refers to {reference}, which is not in the document or leads back to itself")]
    BrokenReference {
        /// Where the reference stands.
        place: Shown,
        /// What it says.
        reference: Shown,
    },
    /// Something is not as OpenAPI has it.
    #[error("{place} {fault}")]
    Invalid {
        /// Where it stands.
        place: Shown,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// The document has more operations than are taken.
    #[error("the document has more than {max_operations} operations; split it into several providers")]
    TooManyOperations {
        /// The limit.
        max_operations: usize,
    },
    /// With what operations share written out for each, the document is larger than is kept.
    #[error("what operations share unfolds to more than {} MiB; put shared schemas under `components/schemas`", max_bytes / (1024 * 1024))]
    TooRepetitive {
        /// The limit, in bytes.
        max_bytes: usize,
    },
}

impl DocumentError {
    /// The stable code of the error; never changes its meaning.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "document_too_large",
            Self::Unreadable { .. } => "document_unreadable",
            Self::DoubledMember { .. } => "document_doubled_member",
            Self::TooDeep { .. } => "document_too_deep",
            Self::TooManyValues { .. } => "document_too_many_values",
            Self::NotOpenApi(_) => "document_not_openapi",
            Self::ExternalReference { .. } => "document_external_reference",
            Self::BrokenReference { .. } => "document_broken_reference",
            Self::Invalid { .. } => "document_invalid",
            Self::TooManyOperations { .. } => "document_too_many_operations",
            Self::TooRepetitive { .. } => "document_too_repetitive",
        }
    }

    pub(super) fn invalid(place: &Pointer, fault: &'static str) -> Self {
        Self::Invalid {
            place: place.into(),
            fault,
        }
    }
}

/// A text of the document as an error shows it: cut after 200 characters, control characters escaped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shown(String);

impl Shown {
    pub(super) fn new(text: &str) -> Self {
        let mut shown: String = text
            .chars()
            .take(MAX_SHOWN)
            .flat_map(char::escape_debug)
            .collect();
        if text.chars().nth(MAX_SHOWN).is_some() {
            shown.push('…');
        }
        Self(shown)
    }
}

impl From<&Pointer> for Shown {
    fn from(pointer: &Pointer) -> Self {
        Self::new(&pointer.to_string())
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.0)
    }
}

struct AtLine(Option<u64>);

impl fmt::Display for AtLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(line) => write!(f, " (line {line})"),
            None => Ok(()),
        }
    }
}
