//! The forms in which a secret may come back.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};

/// Shorter secrets are not looked for, in bytes. They stand in any text by chance; replacing them would spoil answers and point at the
/// secret besides.
pub const MIN_SECRET_BYTES: usize = 4;

/// Shorter secrets are looked for as they are, and not encoded, in bytes. What their neighbours leave of them in base64 is down to six
/// characters, which stand in a larger answer by chance; and whoever can make the upstream echo guesses has them soon in any case.
pub const MIN_ENCODED_SECRET_BYTES: usize = 8;

/// What RFC 3986 section 2.3 leaves alone.
const RFC_3986: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// What ECMAScript's `encodeURIComponent` leaves alone.
const ECMASCRIPT: &AsciiSet = &RFC_3986
    .remove(b'!')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

type Form = Zeroizing<Vec<u8>>;

/// All forms of all secrets, each once.
pub(super) fn all(secrets: &[SecretString]) -> Vec<Form> {
    let mut forms = Vec::new();
    for secret in secrets {
        let secret = secret.expose_secret();
        if secret.len() >= MIN_SECRET_BYTES {
            forms.push(Zeroizing::new(secret.as_bytes().to_vec()));
        }
        if secret.len() >= MIN_ENCODED_SECRET_BYTES {
            forms.extend(base64(secret.as_bytes()));
            forms.extend(percent(secret));
            forms.extend(json(secret));
            forms.extend(hexadecimal(secret.as_bytes()));
        }
    }
    forms.sort_unstable_by(|one: &Form, other| one.as_slice().cmp(other));
    forms.dedup();
    forms
}

/// Base64 in both alphabets (RFC 4648 sections 4 and 5), wherever the secret stands in what is encoded: three bytes become four characters, so
/// there are three ways. A character that a neighbour has a share in is left away, but the last one is also looked for as it is when
/// there is no neighbour behind.
fn base64(secret: &[u8]) -> impl Iterator<Item = Form> {
    (0..3)
        .flat_map(|before| [(before, STANDARD_NO_PAD), (before, URL_SAFE_NO_PAD)])
        .flat_map(move |(before, alphabet)| {
            let mut bytes = Zeroizing::new(vec![0; before]);
            bytes.extend_from_slice(secret);
            let encoded = Zeroizing::new(alphabet.encode(&*bytes));
            let own = (before * 8).div_ceil(6);
            let parts = [encoded.get(own..bytes.len() * 8 / 6), encoded.get(own..)];
            parts.map(|part| Zeroizing::new(part.unwrap_or_default().as_bytes().to_vec()))
        })
}

/// As part of a URL or a form: what is escaped differs, and the case of the digits.
fn percent(secret: &str) -> impl Iterator<Item = Form> {
    let by_set =
        [RFC_3986, ECMASCRIPT, NON_ALPHANUMERIC].map(|set| percent_encode(secret.as_bytes(), set).collect());
    let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    by_set.into_iter().chain([form]).flat_map(|upper: String| {
        let upper = Zeroizing::new(upper.into_bytes());
        let lower = with_lower_digits(&upper);
        [upper, lower]
    })
}

fn with_lower_digits(encoded: &[u8]) -> Form {
    let mut lower = Zeroizing::new(encoded.to_vec());
    let mut digits = 0;
    for byte in lower.iter_mut() {
        if digits > 0 {
            byte.make_ascii_lowercase();
            digits -= 1;
        } else if *byte == b'%' {
            digits = 2;
        }
    }
    lower
}

/// Within a JSON string (RFC 8259 section 7): writers differ in whether they escape `/`, what is not ASCII, and what HTML would read.
fn json(secret: &str) -> impl Iterator<Item = Form> {
    (0..16_u8).map(|choice| {
        let style = JsonStyle {
            escapes_slash: choice & 1 != 0,
            escapes_non_ascii: choice & 2 != 0,
            escapes_html: choice & 4 != 0,
            upper: choice & 8 != 0,
        };
        style.escape(secret)
    })
}

/// What a JSON writer chooses.
struct JsonStyle {
    escapes_slash: bool,
    escapes_non_ascii: bool,
    escapes_html: bool,
    upper: bool,
}

impl JsonStyle {
    fn escape(&self, secret: &str) -> Form {
        let mut escaped = Zeroizing::new(Vec::with_capacity(secret.len() * 6));
        for character in secret.chars() {
            let short: Option<&[u8]> = match character {
                '"' => Some(b"\\\""),
                '\\' => Some(b"\\\\"),
                '\u{8}' => Some(b"\\b"),
                '\u{c}' => Some(b"\\f"),
                '\n' => Some(b"\\n"),
                '\r' => Some(b"\\r"),
                '\t' => Some(b"\\t"),
                '/' if self.escapes_slash => Some(b"\\/"),
                _ => None,
            };
            let by_number = match character {
                '<' | '>' | '&' | '\'' => self.escapes_html,
                _ if character.is_ascii() => character.is_ascii_control(),
                _ => self.escapes_non_ascii,
            };
            if let Some(short) = short {
                escaped.extend_from_slice(short);
            } else if by_number {
                // Beyond the first 65,536 characters, two escapes make one.
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let digits = if self.upper {
                        format!("{unit:04X}")
                    } else {
                        format!("{unit:04x}")
                    };
                    escaped.extend_from_slice(b"\\u");
                    escaped.extend_from_slice(digits.as_bytes());
                }
            } else {
                escaped.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        escaped
    }
}

fn hexadecimal(secret: &[u8]) -> [Form; 2] {
    [hex::encode(secret), hex::encode_upper(secret)].map(|encoded| Zeroizing::new(encoded.into_bytes()))
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    use bytes::BytesMut;
    use percent_encoding::utf8_percent_encode;
    use proptest::prelude::*;

    use super::super::{MARK, Scrubber};
    use super::*;

    /// With all that somebody escapes, and that becomes `+` and `/`, or `-` and `_`, in base64.
    const SECRET: &str = "h\"u+n/t e\\r?>~\u{fb}\u{1f511}\t2&<2%'";

    fn scrubbed(secret: &str, text: &str) -> (String, u64) {
        let (mut stream, mut clean) = (Scrubber::new(&[secret.into()]).unwrap().stream(), BytesMut::new());
        stream.push(text.as_bytes(), &mut clean);
        stream.finish(&mut clean);
        (String::from_utf8(clean.to_vec()).unwrap(), stream.hits())
    }

    #[test]
    fn every_usual_encoding_is_found() {
        let json = |text: &str| {
            let quoted = serde_json::to_string(text).unwrap();
            quoted[1..quoted.len() - 1].to_owned()
        };
        let utf16: String = json(SECRET).chars().fold(String::new(), |mut all, character| {
            if character.is_ascii() {
                all.push(character);
            } else {
                all.extend(
                    character
                        .encode_utf16(&mut [0; 2])
                        .iter()
                        .map(|unit| format!("\\u{unit:04x}")),
                );
            }
            all
        });
        let form: String = form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
        for encoded in [
            SECRET.to_owned(),
            json(SECRET),
            json(SECRET).replace('/', "\\/"),
            json(SECRET)
                .replace('<', "\\u003c")
                .replace('>', "\\u003e")
                .replace('&', "\\u0026")
                .replace('\'', "\\u0027"),
            json(SECRET)
                .replace('<', "\\u003C")
                .replace('>', "\\u003E")
                .replace('&', "\\u0026")
                .replace('\'', "\\u0027"),
            utf16,
            utf8_percent_encode(SECRET, NON_ALPHANUMERIC).to_string(),
            utf8_percent_encode(SECRET, RFC_3986).to_string(),
            utf8_percent_encode(SECRET, ECMASCRIPT).to_string(),
            form,
            hex::encode(SECRET),
            hex::encode_upper(SECRET),
        ] {
            assert_eq!(
                scrubbed(SECRET, &format!("<{encoded}>")),
                (format!("<{MARK}>"), 1),
                "{encoded}"
            );
        }
        let lower = "h%22u%2bn%2ft%20e%5cr%3f%3e~%c3%bb%f0%9f%94%91%092%26%3c2%25%27";
        assert_eq!(scrubbed(SECRET, lower), (MARK.into(), 1));
    }

    #[test]
    fn base64_is_found_whatever_stands_around_the_secret() {
        for before in ["", "m", "m2", "id:", "somebody:"] {
            for after in ["", ".", "..", "..."] {
                let whole = format!("{before}{SECRET}{after}");
                for encoded in [
                    STANDARD.encode(&whole),
                    URL_SAFE.encode(&whole),
                    URL_SAFE_NO_PAD.encode(&whole),
                ] {
                    let (clean, hits) = scrubbed(SECRET, &encoded);
                    assert_eq!(hits, 1, "{whole} {encoded}");
                    let left = clean.replacen(MARK, "", 1).len();
                    let around = (before.len() + after.len()).div_ceil(3) * 4 + 4;
                    assert!(left <= around, "{left} of {encoded} are left: {clean}");
                }
            }
        }
    }

    #[test]
    fn a_short_secret_is_looked_for_as_it_is_alone() {
        assert_eq!(scrubbed("hunter2", "a hunter2"), (format!("a {MARK}"), 1));
        assert_eq!(scrubbed("hunter2", "aHVudGVyMg== 68756e74657232").1, 0);
        assert_eq!(scrubbed("hunter22", "aHVudGVyMjI= 68756e7465723232").1, 2);
    }

    #[test]
    fn each_form_is_there_once() {
        // As it is (and so in URLs and in JSON), base64 three ways of which two differ at their ends, and hexadecimal.
        assert_eq!(all(&["12345678".into(), "12345678".into()]).len(), 1 + 5 + 1);
        assert_eq!(
            all(&["jklmnopq".into()]).len(),
            1 + 5 + 2,
            "here its digits have two cases"
        );
    }

    proptest! {
        #[test]
        fn no_secret_gets_through_as_it_is_cut_anywhere(secret in "[ -~]{8,40}", before in "[ -~]{0,20}", cut in 0_usize..60) {
            let text = format!("{before}{secret}.");
            let (mut stream, mut clean) = (Scrubber::new(&[secret.as_str().into()]).unwrap().stream(), BytesMut::new());
            let (head, tail) = text.as_bytes().split_at(cut.min(text.len()));
            stream.push(head, &mut clean);
            stream.push(tail, &mut clean);
            stream.finish(&mut clean);
            prop_assert!(!String::from_utf8_lossy(&clean).contains(&secret));
            prop_assert!(stream.hits() >= 1);
        }
    }
}
