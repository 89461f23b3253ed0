//! The camel case of `@hey-api/openapi-ts` 0.95.
//!
//! The rules are found out from what that program makes of names; `sdk/vectors/operations.json` holds both to each other.
//! It looks at UTF-16 units where it looks for capitals, and at whole characters elsewhere; so does this.

use icu_properties::props::GeneralCategory;
use icu_properties::{CodePointMapData, CodePointMapDataBorrowed};

const CATEGORIES: CodePointMapDataBorrowed<'static, GeneralCategory> =
    CodePointMapData::<GeneralCategory>::new();

/// The name in camel case; empty where there is nothing but separators.
pub(super) fn camel_case(name: &str) -> String {
    let trimmed = trim(name);
    if trimmed.encode_utf16().count() == 1 && trimmed.chars().all(is_separator) {
        return String::new();
    }
    let is_short = trimmed.encode_utf16().count() <= 1;
    let parted = if is_short || trimmed == trimmed.to_lowercase() {
        trimmed.to_owned()
    } else {
        part(trimmed)
    };
    if is_short {
        return parted.to_lowercase();
    }
    let lower: Vec<char> = parted
        .trim_start_matches(is_separator)
        .to_lowercase()
        .chars()
        .collect();
    raise_after_separators(&raise_after_digits(&lower))
}

/// What JavaScript trims: Unicode's white space without U+0085, and the byte order mark.
fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}')
}

fn is_separator(c: char) -> bool {
    matches!(
        c,
        '_' | '.' | '$' | '+' | ':' | '-' | ' ' | '`' | '\\' | '[' | ']' | '(' | ')' | '{' | '}' | '/'
    )
}

/// What a word may begin with after a separator: letters, numbers and the underscore.
fn begins_word(c: char) -> bool {
    c.is_alphabetic() || c.is_numeric() || c == '_'
}

/// Puts a hyphen before each word that begins with a capital. A run of capitals is one word, less the last of them when
/// a small letter follows; an `s` behind the run makes it a plural and does not count as a small letter.
fn part(text: &str) -> String {
    const HYPHEN: u16 = b'-' as u16;
    let mut units: Vec<u16> = text.encode_utf16().collect();
    let (mut after_lower, mut after_upper, mut after_two_upper) = (false, false, false);
    let mut index = 0;
    while let Some(&unit) = units.get(index) {
        let at_word_start = index <= 2 || units.get(index - 3) == Some(&HYPHEN);
        let next = units.get(index + 1).copied();
        let next_visible = units
            .iter()
            .skip(index + 1)
            .copied()
            .find(|unit| !is_separator_unit(*unit));
        let next_is_small =
            next.is_some_and(|next| next != u16::from(b's') && is(next, GeneralCategory::LowercaseLetter));
        if is(unit, GeneralCategory::UppercaseLetter) && (after_lower || next_is_small) {
            units.insert(index, HYPHEN);
            index += 1;
            (after_lower, after_two_upper, after_upper) = (false, after_upper, true);
        } else if after_upper
            && after_two_upper
            && is(unit, GeneralCategory::LowercaseLetter)
            && !at_word_start
            && !(unit == u16::from(b's') && next_visible.is_none_or(lower_differs))
        {
            // What was inserted stands in front of the letter before; this letter is looked at once more, as a small one.
            units.insert(index - 1, HYPHEN);
            (after_lower, after_two_upper, after_upper) = (true, after_upper, false);
        } else {
            after_two_upper = after_upper;
            after_lower = !lower_differs(unit) && upper_differs(unit);
            after_upper = !upper_differs(unit) && lower_differs(unit);
        }
        index += 1;
    }
    String::from_utf16_lossy(&units)
}

/// A character that is one UTF-16 unit; half of another one is none, and has no case.
fn whole(unit: u16) -> Option<char> {
    char::from_u32(unit.into())
}

fn is(unit: u16, category: GeneralCategory) -> bool {
    whole(unit).is_some_and(|c| CATEGORIES.get(c) == category)
}

fn is_separator_unit(unit: u16) -> bool {
    whole(unit).is_some_and(is_separator)
}

fn lower_differs(unit: u16) -> bool {
    whole(unit).is_some_and(|c| !c.to_lowercase().eq([c]))
}

fn upper_differs(unit: u16) -> bool {
    whole(unit).is_some_and(|c| !c.to_uppercase().eq([c]))
}

/// Makes the letter after digits a capital, unless a separator (`_`, `-`, `.`) follows that letter.
fn raise_after_digits(text: &[char]) -> Vec<char> {
    let mut raised = Vec::with_capacity(text.len());
    let mut index = 0;
    while let Some(&c) = text.get(index) {
        raised.push(c);
        index += 1;
        if !c.is_ascii_digit() {
            continue;
        }
        if let Some(&next) = text
            .get(index)
            .filter(|next| !next.is_ascii_digit() && begins_word(**next))
        {
            let stays = matches!(text.get(index + 1), Some('_' | '-' | '.'));
            if stays {
                raised.push(next);
            } else {
                raised.extend(next.to_uppercase());
            }
            index += 1;
        }
    }
    raised
}

/// Removes runs of separators before a word or the end, and makes the word's first letter a capital. A run before
/// anything else stays from its last underscore on.
fn raise_after_separators(text: &[char]) -> String {
    let mut raised = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        if !is_separator(first) {
            raised.push(first);
            rest = after;
            continue;
        }
        let run = rest.iter().take_while(|c| is_separator(**c)).count();
        let (separators, behind) = rest.split_at(run);
        rest = behind;
        match behind.split_first() {
            None => {}
            Some((&next, after)) if begins_word(next) => {
                raised.extend(next.to_uppercase());
                rest = after;
            }
            // The underscore may be a word's first character as well as a separator; it needs one in front of it.
            Some(_) => {
                let kept = separators
                    .iter()
                    .rposition(|c| *c == '_')
                    .filter(|at| *at > 0)
                    .unwrap_or(0);
                raised.extend(separators.iter().skip(kept));
            }
        }
    }
    raised
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cased_as_hey_api_cases_them() {
        for (name, expected) in [
            ("api_m2m_v1_m2m_clients_Create", "apiM2mV1M2mClientsCreate"),
            ("GetJWKS", "getJwks"),
            ("ListABCThings", "listAbcThings"),
            ("GetOAuth2URL", "getOAuth2Url"),
            ("B2BOrganizations", "b2bOrganizations"),
            ("GetByID2", "getById2"),
            ("api-a.v2:Do-It", "apiAV2DoIt"),
            ("getUserIDs", "getUserIds"),
            ("URLs", "urls"),
            ("listA1bC-d", "listA1bCD"),
            ("2fa-verify", "2FaVerify"),
            ("a__!b", "a_!b"),
            ("a-!b", "a-!b"),
            ("ΑΣ", "ας"),
            ("ßtraße", "ßtraße"),
            ("getABC", "getAbc"),
            ("-", ""),
            ("A", "a"),
            ("---", ""),
            (" spaced out ", "spacedOut"),
        ] {
            assert_eq!(camel_case(name), expected, "{name}");
        }
    }
}
