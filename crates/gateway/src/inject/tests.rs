use http::Request;

use super::*;
use crate::headers::HeaderNameError;

const SECRET: &str = "s3cret-of-the-upstream";

/// One of each kind that needs nothing but itself, and where its secret is in the request then.
const SIMPLE: [(&str, &str, &str); 5] = [
    (
        r#"{"kind":"basic","username":"u","password":"s3cret-of-the-upstream"}"#,
        "authorization",
        "Basic dTpzM2NyZXQtb2YtdGhlLXVwc3RyZWFt",
    ),
    (
        r#"{"kind":"bearer","token":"s3cret-of-the-upstream"}"#,
        "authorization",
        "Bearer s3cret-of-the-upstream",
    ),
    (
        r#"{"kind":"header","name":"X-Api-Key","value":"s3cret-of-the-upstream"}"#,
        "x-api-key",
        "s3cret-of-the-upstream",
    ),
    (
        r#"{"kind":"header","name":"Authorization","prefix":"Token ","value":"s3cret-of-the-upstream"}"#,
        "authorization",
        "Token s3cret-of-the-upstream",
    ),
    (
        r#"{"kind":"cookie","name":"sid","value":"s3cret-of-the-upstream"}"#,
        "cookie",
        "sid=s3cret-of-the-upstream",
    ),
];

fn parts(target: &str) -> Parts {
    Request::builder().uri(target).body(()).unwrap().into_parts().0
}

fn read(json: &str) -> Credential {
    Credential::read(json.as_bytes()).unwrap()
}

fn refused(json: &str) -> CredentialError {
    Credential::read(json.as_bytes()).unwrap_err()
}

#[test]
fn each_simple_kind_sets_its_header_in_the_place_of_all_others_and_marks_it_sensitive() {
    for (json, name, value) in SIMPLE {
        let credential = read(json);
        let mut request = parts("https://api.test/");
        request.headers.append(name, "forged".parse().unwrap());
        request.headers.append(name, "forged too".parse().unwrap());
        let injected = credential.apply(&mut request, &Moment::default()).unwrap();
        let values: Vec<_> = request.headers.get_all(name).iter().collect();
        assert_eq!(values, [value]);
        assert!(values[0].is_sensitive());
        assert_eq!(injected.header_names(), credential.header_names());
        let secrets: Vec<_> = injected
            .secrets()
            .iter()
            .map(secrecy::ExposeSecret::expose_secret)
            .collect();
        assert!(secrets.contains(&SECRET), "{json}");
    }
}

#[test]
fn a_query_credential_comes_last_and_replaces_all_that_could_be_read_as_it() {
    let credential = read(r#"{"kind":"query","name":"api key","value":"a&b=c/d e"}"#);
    for (target, expected) in [
        ("https://api.test/x", "/x?api%20key=a%26b%3Dc%2Fd%20e"),
        (
            "https://api.test/x?a=1&b=",
            "/x?a=1&b=&api%20key=a%26b%3Dc%2Fd%20e",
        ),
        (
            "https://api.test/x?api+key=1&a=1&%61pi%20key=2&API%20KEY&api%20key[]=3",
            "/x?a=1&api%20key=a%26b%3Dc%2Fd%20e",
        ),
        (
            "https://api.test/x?a=1;api+key=2&b",
            "/x?b&api%20key=a%26b%3Dc%2Fd%20e",
        ),
    ] {
        let mut request = parts(target);
        let injected = credential.apply(&mut request, &Moment::default()).unwrap();
        assert_eq!(
            request.uri.path_and_query().unwrap().as_str(),
            expected,
            "{target}"
        );
        assert_eq!(request.uri.authority().unwrap(), "api.test");
        assert_eq!(injected.secrets().len(), 1);
        assert!(injected.header_names().is_empty() && credential.header_names().is_empty());
    }
}

#[test]
fn an_api_key_in_the_place_of_the_user_name_is_the_secret() {
    let credential = read(r#"{"kind":"basic","username":"sk_live_12345","password":""}"#);
    let injected = credential
        .apply(&mut parts("https://api.test/"), &Moment::default())
        .unwrap();
    let secrets: Vec<_> = injected
        .secrets()
        .iter()
        .map(secrecy::ExposeSecret::expose_secret)
        .collect();
    assert_eq!(
        secrets,
        ["c2tfbGl2ZV8xMjM0NTo=", "sk_live_12345:", "sk_live_12345"]
    );
}

#[test]
fn a_kind_that_fetches_its_token_sends_nothing_without_one() {
    let json = r#"{"kind":"oauth-client-credentials","token_url":"https://l.test/","client_id":"i","client_secret":"s"}"#;
    let mut request = parts("https://api.test/");
    let refused = read(json).apply(&mut request, &Moment::default());
    assert_eq!(refused.err(), Some(InjectError::AccessTokenNeeded));
    assert!(request.headers.is_empty());
}

#[test]
fn kinds_are_called_as_on_the_command_line() {
    let rest = [
        (
            "oauth-client-credentials",
            r#""token_url":"https://l.test/","client_id":"i","client_secret":"s""#,
        ),
        (
            "aws-sigv4",
            r#""access_key_id":"A","secret_access_key":"s","region":"r","service":"s3""#,
        ),
        ("hmac", r#""key":"s","header":"x-signature","template":"{body}""#),
        ("query", r#""name":"key","value":"s""#),
    ];
    for (kind, members) in rest {
        assert_eq!(read(&format!("{{\"kind\":\"{kind}\",{members}}}")).kind(), kind);
    }
    let simple: Vec<_> = SIMPLE.iter().map(|(json, ..)| read(json).kind()).collect();
    assert_eq!(simple, ["basic", "bearer", "header", "header", "cookie"]);
    let empty = r#"{"kind":"client-certificate","certificate":"","private_key":""}"#;
    assert_eq!(refused(empty), CredentialError::Certificate);
}

#[test]
fn nothing_prints_the_secret() {
    for (json, ..) in SIMPLE {
        let credential = read(json);
        let injected = credential
            .apply(&mut parts("https://api.test/"), &Moment::default())
            .unwrap();
        let printed = format!("{credential:?} {injected:?}");
        assert!(
            !printed.contains(SECRET) && !printed.contains("dTpz"),
            "{printed}"
        );
        assert!(
            printed.starts_with(&format!("Credential({:?})", credential.kind())),
            "{printed}"
        );
    }
}

#[test]
fn what_is_no_credential_is_refused_without_a_word_of_it() {
    for bad in [
        "",
        "[]",
        r#"{"kind":"s3cret-of-the-upstream"}"#,
        r#"{"kind":"bearer","token":["s3cret-of-the-upstream"]}"#,
        r#"{"kind":"bearer","token":"x","s3cret-of-the-upstream":1}"#,
        r#"{"kind":"bearer","token":"x","token":"s3cret-of-the-upstream"}"#,
    ] {
        let error = refused(bad);
        assert_eq!(error, CredentialError::Malformed, "{bad}");
        assert!(!format!("{error} {error:?}").contains(SECRET));
    }
}

#[test]
fn what_could_add_a_header_a_cookie_or_a_parameter_is_refused() {
    let value = |member| CredentialError::InvalidValue { member };
    for (json, error) in [
        (r#"{"kind":"bearer","token":"a\r\nx: y"}"#, value("token")),
        (
            r#"{"kind":"header","name":"x-key","value":"a\u0000b"}"#,
            value("value"),
        ),
        (
            r#"{"kind":"header","name":"x-key","prefix":"a\nb","value":"a"}"#,
            value("prefix"),
        ),
        (
            r#"{"kind":"header","name":"Host","value":"a"}"#,
            HeaderNameError::Reserved.into(),
        ),
        (
            r#"{"kind":"header","name":"x\r\ny","value":"a"}"#,
            HeaderNameError::Malformed.into(),
        ),
        (r#"{"kind":"cookie","name":"a","value":"b; c=d"}"#, value("value")),
        (r#"{"kind":"cookie","name":"a=b","value":"c"}"#, value("name")),
        (r#"{"kind":"query","name":"a","value":"b\nc"}"#, value("value")),
        (
            r#"{"kind":"basic","username":"a:b","password":"c"}"#,
            CredentialError::ColonInUsername,
        ),
        (
            r#"{"kind":"basic","username":"a","password":"b\nc"}"#,
            value("password"),
        ),
        (
            r#"{"kind":"bearer","token":""}"#,
            CredentialError::Empty { member: "token" },
        ),
    ] {
        assert_eq!(refused(json), error, "{json}");
    }
}
