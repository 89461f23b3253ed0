//! The server's words, as far as they may be told.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use percent_encoding::percent_decode_str;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};

/// What is told of the server's words, in characters.
const MAX_WORDS: usize = 256;
/// The longest code or id that is taken from the server, in characters.
const MAX_WORD: usize = 100;
/// The parameter that carries the secret. Words that name it may repeat what stood beside it.
const SECRET_PARAMETER: &str = "client_secret";

/// A name such as codes and ids are; anything else might not belong into a metric's label.
pub(super) fn name(text: Option<String>, secret: &SecretString) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    text.filter(|text| (1..=MAX_WORD).contains(&text.len()) && text.bytes().all(is_plain))
        .filter(|text| !repeats(text, secret))
}

/// A description, as far as it can stand in a log line.
pub(super) fn description(text: Option<String>, secret: &SecretString) -> Option<String> {
    let text = text.filter(|text| !text.is_empty() && !repeats(text, secret) && !names_secret(text))?;
    let printable = |character: char| {
        if character.is_control() {
            char::REPLACEMENT_CHARACTER
        } else {
            character
        }
    };
    Some(text.chars().take(MAX_WORDS).map(printable).collect())
}

fn names_secret(text: &str) -> bool {
    readings(text).any(|text| text.to_ascii_lowercase().contains(SECRET_PARAMETER))
}

/// Whether the secret can be read out of a text: as it is, percent-encoded or form-encoded as in our request, escaped as in JSON, or in
/// base64 as in `Authorization: Basic`, alone or with something around it. An answer that repeats the request would carry the secret
/// into a log.
fn repeats(text: &str, secret: &SecretString) -> bool {
    let secret = secret.expose_secret();
    // Of RFC 6749 section 2.3.1: in `Basic`, the secret is form-encoded first.
    let form_encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let form_encoded = Zeroizing::new(form_encoded);
    let in_base64: Vec<_> = [secret, &form_encoded].into_iter().flat_map(in_base64).collect();
    readings(text).any(|text| {
        let one_alphabet = text.replace('-', "+").replace('_', "/");
        text.contains(secret) || in_base64.iter().any(|encoded| one_alphabet.contains(&**encoded))
    })
}

/// A text as it is, and decoded as whoever logs it might have encoded it. Decoding takes any choice of what is encoded, and either case of
/// hexadecimal digits; encoding the secret would have to guess them.
fn readings(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let percent = percent_decode_str(text).decode_utf8_lossy();
    let spaced = text.replace('+', " ");
    let form = percent_decode_str(&spaced).decode_utf8_lossy().into_owned();
    [text.into(), percent, form.into(), unescaped(text).into()].into_iter()
}

/// Without the escapes of JSON (RFC 8259 section 7). What is no escape stays.
fn unescaped(text: &str) -> String {
    let mut units = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let Some((unit, length)) = escape(rest) else {
            units.extend_from_slice(character.encode_utf16(&mut [0; 2]));
            rest = &rest[character.len_utf8()..];
            continue;
        };
        units.push(unit);
        rest = &rest[length..];
    }
    // In UTF-16, because an escape is half a character where it is beyond the first 65,536.
    String::from_utf16_lossy(&units)
}

/// The code unit that an escape at the beginning stands for, and the length of the escape.
fn escape(text: &str) -> Option<(u16, usize)> {
    let after = text.strip_prefix('\\')?;
    let unit = match after.bytes().next()? {
        b'u' => {
            let digits = after
                .get(1..5)
                .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
            return Some((u16::from_str_radix(digits, 16).ok()?, 6));
        }
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        same @ (b'"' | b'\\' | b'/') => same,
        _ => return None,
    };
    Some((unit.into(), 2))
}

/// What base64 makes of a secret wherever it stands in what is encoded: three bytes become four characters, so there are three ways.
/// Characters that its neighbours decide too are left away; a secret so short that hardly any would be left is not looked for.
fn in_base64(secret: &str) -> impl Iterator<Item = Zeroizing<String>> {
    (0..3).filter_map(move |before| {
        let mut bytes = Zeroizing::new(vec![0; before]);
        bytes.extend_from_slice(secret.as_bytes());
        let encoded = Zeroizing::new(STANDARD_NO_PAD.encode(&*bytes));
        let own = (before * 8).div_ceil(6)..bytes.len() * 8 / 6;
        let own = encoded.get(own).filter(|own| own.len() >= LEAST_BASE64)?;
        Some(Zeroizing::new(own.to_owned()))
    })
}

/// The fewest characters of base64 that are taken for the secret and not for chance.
const LEAST_BASE64: usize = 4;

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

    use super::*;

    /// With all that somebody encodes, and that becomes `+` and `/`, or `-` and `_`, in base64.
    const SECRET: &str = "h\"u+n/t e\\r?>~\u{fb}\u{1f511}2&<2%";

    fn is_told(text: &str) -> bool {
        description(Some(text.to_owned()), &SECRET.to_owned().into()).is_some()
    }

    #[test]
    fn a_secret_in_any_of_the_usual_encodings_is_not_told() {
        let form: String = form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
        let percent = utf8_percent_encode(SECRET, NON_ALPHANUMERIC).to_string();
        let json = serde_json::to_string(SECRET).unwrap();
        let ascii: String = SECRET
            .encode_utf16()
            .map(|unit| format!("\\u{unit:04x}"))
            .collect();
        for encoded in [
            SECRET.to_owned(),
            form.to_lowercase(),
            form.clone(),
            percent.to_lowercase(),
            percent,
            json.replace('/', "\\/"),
            json,
            ascii.to_uppercase().replace("\\U", "\\u"),
            ascii,
        ] {
            assert!(!is_told(&format!("no client with {encoded} here")), "{encoded}");
        }
        for secret in [SECRET, &form] {
            for before in ["", "m", "m2", "m2m-client-test-1:", "id:"] {
                for after in ["", ".", "..", "..."] {
                    let whole = format!("{before}{secret}{after}");
                    for encoded in [
                        STANDARD.encode(&whole),
                        URL_SAFE.encode(&whole),
                        STANDARD_NO_PAD.encode(&whole),
                    ] {
                        assert!(!is_told(&format!("Basic {encoded}, again")), "{whole} {encoded}");
                    }
                }
            }
        }
    }

    #[test]
    fn words_that_name_the_parameter_of_the_secret_are_not_told() {
        for text in [
            "client_secret=hun",
            "wrong Client_Secret",
            "{\"client\\u005fsecret\":1}",
            "client%5Fsecret",
        ] {
            assert!(!is_told(text), "{text}");
        }
        let code = name(Some("invalid_client_secret".into()), &SECRET.to_owned().into());
        assert_eq!(
            code.as_deref(),
            Some("invalid_client_secret"),
            "a code is no description"
        );
    }

    #[test]
    fn other_words_are_told() {
        for text in [
            "unknown client or wrong secret",
            "100 % \\ \\u12 \\x %zz +",
            "aHVudGVyMg==",
        ] {
            assert!(is_told(text), "{text}");
        }
        let short = "ab".to_owned().into();
        assert!(description(Some("WFhY".into()), &short).is_some());
    }

    #[test]
    fn what_breaks_a_line_is_replaced_and_what_is_long_is_cut() {
        let told = description(
            Some(format!("a\n{}", "x".repeat(1_000))),
            &SECRET.to_owned().into(),
        )
        .unwrap();
        assert!(told.starts_with("a\u{fffd}x"), "{told}");
        assert_eq!(told.chars().count(), MAX_WORDS);
    }
}
