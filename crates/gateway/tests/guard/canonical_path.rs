//! What is one path, and what is none.

use std::borrow::Cow;

use countersign_gateway::canonical_path::{CanonicalPath, MAX_PATH_BYTES, PathParameters, PathRefusal};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use proptest::prelude::*;

fn parse(raw: &str) -> Result<CanonicalPath, PathRefusal> {
    CanonicalPath::parse(raw, PathParameters::Refused)
}

fn canonical(raw: &str) -> String {
    parse(raw).unwrap().to_string()
}

fn segments(path: &CanonicalPath) -> Vec<String> {
    path.segments().map(Cow::into_owned).collect()
}

#[test]
fn escapes_are_uppercase_and_only_where_needed() {
    for (raw, expected) in [
        ("/", "/"),
        ("/v1/users", "/v1/users"),
        ("/v1/users/", "/v1/users/"),
        ("/%76%31/us%65rs%2D%5f%7E%2e%41x", "/v1/users-_~.Ax"),
        ("/a%c3%a9", "/a%C3%A9"),
        ("/a\u{e9}", "/a%C3%A9"),
        ("/a b\"<>^`{|}[]", "/a%20b%22%3C%3E%5E%60%7B%7C%7D%5B%5D"),
        ("/a%20b%3f%23", "/a%20b%3F%23"),
        ("/...", "/..."),
        ("/..a/.b", "/..a/.b"),
    ] {
        assert_eq!(canonical(raw), expected, "{raw}");
    }
}

#[test]
fn reserved_characters_stay_as_they_came() {
    for raw in [
        "/a+b",
        "/a%2Bb",
        "/v1/x:cancel",
        "/v1/x%3Acancel",
        "/@me",
        "/%40me",
        "/!$&'()*,=",
    ] {
        assert_eq!(canonical(raw), raw);
    }
    assert_eq!(segments(&parse("/a%2Bb/%40me").unwrap()), ["a+b", "@me"]);
}

#[test]
fn double_encoding_is_not_undone() {
    for raw in ["/%252e%252e/admin", "/a%252Fb", "/%2500", "/%255c"] {
        assert_eq!(canonical(raw), raw);
    }
    assert_eq!(
        segments(&parse("/%252e%252e/admin").unwrap()),
        ["%2e%2e", "admin"]
    );
}

#[test]
fn a_path_that_two_readers_see_differently_is_refused() {
    for (raw, expected) in [
        ("", PathRefusal::NotAbsolute),
        ("*", PathRefusal::NotAbsolute),
        ("v1", PathRefusal::NotAbsolute),
        ("http://evil/", PathRefusal::NotAbsolute),
        ("//evil", PathRefusal::EmptySegment),
        ("/a//b", PathRefusal::EmptySegment),
        ("/a//", PathRefusal::EmptySegment),
        ("/\\evil", PathRefusal::Backslash),
        ("/..//evil", PathRefusal::DotSegment),
        ("/public/../admin", PathRefusal::DotSegment),
        ("/public/./admin", PathRefusal::DotSegment),
        ("/public/..", PathRefusal::DotSegment),
        ("/public/%2e%2e/admin", PathRefusal::DotSegment),
        ("/public/.%2E/admin", PathRefusal::DotSegment),
        ("/public/%2E", PathRefusal::DotSegment),
        ("/public/..;/admin", PathRefusal::Parameter),
        ("/a;b=c", PathRefusal::Parameter),
        ("/a%3bb", PathRefusal::Parameter),
        ("/a%2fb", PathRefusal::EncodedSeparator),
        ("/a%2Fb", PathRefusal::EncodedSeparator),
        ("/a%5cb", PathRefusal::EncodedSeparator),
        ("/..%5cb", PathRefusal::EncodedSeparator),
        ("/a%00", PathRefusal::ControlCharacter),
        ("/a%0d%0aHost:evil", PathRefusal::ControlCharacter),
        ("/a%7f", PathRefusal::ControlCharacter),
        ("/a%c2%85", PathRefusal::ControlCharacter),
        ("/a\tb", PathRefusal::ControlCharacter),
        ("/a#b", PathRefusal::Delimiter),
        ("/a?b", PathRefusal::Delimiter),
        ("/a%", PathRefusal::BadEscape),
        ("/a%4", PathRefusal::BadEscape),
        ("/a%zz", PathRefusal::BadEscape),
        ("/a%+1", PathRefusal::BadEscape),
        ("/a%u002e", PathRefusal::BadEscape),
        ("/a%ff", PathRefusal::NotUtf8),
        // An overlong slash and an overlong dot.
        ("/a%c0%af", PathRefusal::NotUtf8),
        ("/%c0%ae%c0%ae/", PathRefusal::NotUtf8),
        ("/%ed%a0%80", PathRefusal::NotUtf8),
    ] {
        assert_eq!(parse(raw), Err(expected), "{raw:?}");
    }
}

#[test]
fn parameters_pass_raw_where_they_are_allowed() {
    let parse = |raw| CanonicalPath::parse(raw, PathParameters::Allowed);
    assert_eq!(parse("/a;b=c/d").unwrap().as_str(), "/a;b=c/d");
    assert_eq!(parse("/a%3Bb"), Err(PathRefusal::Parameter));
    for dots in ["/..;/admin", "/.;x=y/admin", "/%2e%2e;a/admin"] {
        assert_eq!(parse(dots), Err(PathRefusal::DotSegment), "{dots}");
    }
}

#[test]
fn the_limit_holds_for_both_forms() {
    let longest = format!("/{}", "a".repeat(MAX_PATH_BYTES - 1));
    assert_eq!(canonical(&longest), longest);
    assert_eq!(parse(&format!("{longest}a")), Err(PathRefusal::TooLong));
    // Short as it came, three times that when encoded.
    let spaces = format!("/{}", " ".repeat(MAX_PATH_BYTES / 2));
    assert_eq!(parse(&spaces), Err(PathRefusal::TooLong));
}

#[test]
fn a_last_slash_is_a_segment_of_its_own() {
    assert_eq!(segments(&parse("/").unwrap()), [""]);
    assert_eq!(segments(&parse("/a").unwrap()), ["a"]);
    assert_eq!(segments(&parse("/a/").unwrap()), ["a", ""]);
}

/// Texts that come near to what is refused.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("/".to_owned()),
        Just(".".to_owned()),
        Just("%2e".to_owned()),
        Just("%25".to_owned()),
        Just(";".to_owned()),
        "[a-z0-9+:@ \"\\\\]{1,3}",
        "%[0-9a-fA-F]{2}",
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| format!("/{}", pieces.concat()))
}

proptest! {
    #[test]
    fn canonicalising_twice_changes_nothing(raw in hostile()) {
        for parameters in [PathParameters::Refused, PathParameters::Allowed] {
            if let Ok(once) = CanonicalPath::parse(&raw, parameters) {
                prop_assert_eq!(CanonicalPath::parse(once.as_str(), parameters), Ok(once));
            }
        }
    }

    #[test]
    fn what_is_matched_is_what_was_sent_and_what_is_forwarded(raw in hostile()) {
        if let Ok(path) = parse(&raw) {
            let decode = |text: &str| -> Vec<String> {
                text[1..].split('/').map(|part| percent_decode_str(part).decode_utf8().unwrap().into_owned()).collect()
            };
            prop_assert_eq!(segments(&path), decode(&raw));
            prop_assert_eq!(segments(&path), decode(path.as_str()));
        }
    }

    #[test]
    fn what_passes_is_safe_for_every_reader(raw in hostile()) {
        if let Ok(path) = parse(&raw) {
            prop_assert!(path.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/%-._~!$&'()*+,=:@".contains(&byte)));
            let mut matched = segments(&path);
            let last = matched.pop();
            prop_assert!(matched.iter().all(|segment| !segment.is_empty()));
            matched.extend(last);
            prop_assert!(matched.iter().all(|segment| segment != "." && segment != ".." && !segment.contains(['/', '\\', ';', '\0'])));
            let uri = path.as_str().parse::<http::Uri>().unwrap();
            prop_assert_eq!(uri.path(), path.as_str());
        }
    }

    #[test]
    fn any_text_without_what_is_refused_can_be_sent(text in "[^/\\\\;.\\p{Cc}]{1,40}") {
        let path = parse(&format!("/{}", utf8_percent_encode(&text, NON_ALPHANUMERIC))).unwrap();
        prop_assert_eq!(segments(&path), [text]);
    }
}
