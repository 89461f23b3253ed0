//! Names and descriptions: short human text.

/// Longest name, in characters: what fits in a column of a table and in an index key.
pub const NAME_MAX_CHARS: usize = 256;

/// Longest description, in characters: a paragraph.
pub const DESCRIPTION_MAX_CHARS: usize = 1024;

/// Why a text was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// More characters than allowed.
    #[error("is longer than {max} characters")]
    TooLong {
        /// The limit it broke.
        max: usize,
    },
    /// A control character: NUL cannot be stored by every database, the others forge terminal and log lines.
    #[error("contains a control character")]
    ControlCharacter,
}

/// Checks a one-line name of at most [`NAME_MAX_CHARS`].
pub fn check_name(text: &str) -> Result<(), InvalidText> {
    check(text, NAME_MAX_CHARS, char::is_control)
}

/// Checks a description of at most [`DESCRIPTION_MAX_CHARS`]; it may have line breaks and tabs.
pub fn check_description(text: &str) -> Result<(), InvalidText> {
    check(text, DESCRIPTION_MAX_CHARS, |c| {
        c.is_control() && !matches!(c, '\n' | '\r' | '\t')
    })
}

fn check(text: &str, max: usize, forbidden: impl Fn(char) -> bool) -> Result<(), InvalidText> {
    if text.chars().count() > max {
        return Err(InvalidText::TooLong { max });
    }
    if text.chars().any(forbidden) {
        return Err(InvalidText::ControlCharacter);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_counts_characters_not_bytes() {
        assert_eq!(check_name(&"ü".repeat(256)), Ok(()));
        assert_eq!(
            check_name(&"u".repeat(257)),
            Err(InvalidText::TooLong { max: 256 })
        );
    }

    #[test]
    fn control_characters_are_refused_but_a_description_may_break_lines() {
        assert_eq!(check_name("a\nb"), Err(InvalidText::ControlCharacter));
        assert_eq!(check_name("a\0b"), Err(InvalidText::ControlCharacter));
        assert_eq!(check_description("a\nb\tc"), Ok(()));
        assert_eq!(
            check_description("a\u{1b}[31m"),
            Err(InvalidText::ControlCharacter)
        );
    }
}
