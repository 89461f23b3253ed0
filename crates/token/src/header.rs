//! The header of a token.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Map;

use crate::json::{self, Name, UniqueValue};
use crate::{Algorithm, Refusal};

/// The longest key id that we write or read, in bytes. Ours have 45; the bound keeps logs and errors short.
pub const MAX_KEY_ID_BYTES: usize = 256;

/// The `typ` of a token's header (RFC 7515 section 4.1.9).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TokenType {
    /// `JWT`: the `stytch` profile, whose SDKs accept nothing else.
    Jwt,
    /// `at+jwt`: an access token by RFC 9068 section 2.1.
    AtJwt,
}

impl TokenType {
    pub(crate) const ALL: [Self; 2] = [Self::Jwt, Self::AtJwt];

    /// The value of `typ` that we write.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Jwt => "JWT",
            Self::AtJwt => "at+jwt",
        }
    }

    /// Whether `typ` says this type: a media type, so without regard to case and with or without
    /// `application/` (RFC 7515 section 4.1.9, RFC 9068 section 4).
    fn is_said_by(self, typ: &str) -> bool {
        const PREFIX: &str = "application/";
        let short = match typ.get(..PREFIX.len()) {
            Some(prefix) if prefix.eq_ignore_ascii_case(PREFIX) => &typ[PREFIX.len()..],
            _ => typ,
        };
        short.eq_ignore_ascii_case(self.name())
    }
}

/// What we read of a header. `jwk`, `jku`, `x5u` and `x5c` are not even looked at: a token does not bring its
/// own key (RFC 8725 section 3.10).
#[derive(Default, PartialEq, Debug)]
pub(crate) struct Header<'a> {
    alg: Option<Cow<'a, str>>,
    kid: Option<Cow<'a, str>>,
    typ: Option<Cow<'a, str>>,
    has_crit: bool,
}

impl Header<'static> {
    /// What [`encoded_header`] of the same says.
    pub(crate) fn of(algorithm: Algorithm, kid: &str, typ: TokenType) -> Self {
        Self {
            alg: Some(algorithm.name().into()),
            kid: Some(kid.to_owned().into()),
            typ: Some(typ.name().into()),
            has_crit: false,
        }
    }
}

impl<'a> Header<'a> {
    pub(crate) fn from_json(bytes: &'a [u8]) -> Result<Self, Refusal> {
        json::parse(bytes)
    }

    /// RFC 7515 section 4.1.11: whoever does not understand every extension in `crit` must refuse. We
    /// understand none, and an empty or otherwise broken `crit` is invalid anyway.
    pub(crate) fn refuse_critical(&self) -> Result<(), Refusal> {
        if self.has_crit {
            Err(Refusal::CriticalHeader)
        } else {
            Ok(())
        }
    }

    pub(crate) fn algorithm(&self) -> Result<Algorithm, Refusal> {
        self.alg
            .as_deref()
            .and_then(Algorithm::from_jose_name)
            .ok_or(Refusal::UnsupportedAlgorithm)
    }

    pub(crate) fn key_id(&self) -> Result<&str, Refusal> {
        match self.kid.as_deref() {
            None => Err(Refusal::MissingKeyId),
            Some(kid) if kid.len() > MAX_KEY_ID_BYTES => Err(Refusal::Malformed),
            Some(kid) => Ok(kid),
        }
    }

    pub(crate) fn is_one_of(&self, types: &[TokenType]) -> bool {
        self.typ
            .as_deref()
            .is_some_and(|typ| types.iter().any(|expected| expected.is_said_by(typ)))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Header<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = Header<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of header parameters")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Header<'de>, A::Error> {
        let (mut alg, mut kid, mut typ) = (None::<Name<'de>>, None::<Name<'de>>, None::<Name<'de>>);
        let mut crit = None::<UniqueValue>;
        let mut others = Map::new();
        while let Some(Name(name)) = members.next_key()? {
            match name.as_ref() {
                "alg" => json::once(&mut alg, &mut members)?,
                "kid" => json::once(&mut kid, &mut members)?,
                "typ" => json::once(&mut typ, &mut members)?,
                "crit" => json::once(&mut crit, &mut members)?,
                _ => json::once_more(&mut others, name, &mut members)?,
            }
        }
        let text = |name: Option<Name<'de>>| name.map(|Name(text)| text);
        Ok(Header {
            alg: text(alg),
            kid: text(kid),
            typ: text(typ),
            has_crit: crit.is_some(),
        })
    }
}

/// A header as our tokens carry it, encoded.
pub(crate) fn encoded_header(algorithm: Algorithm, kid: &str, typ: TokenType) -> String {
    let kid = serde_json::Value::from(kid);
    let json = format!(r#"{{"alg":"{algorithm}","kid":{kid},"typ":"{}"}}"#, typ.name());
    crate::base64url::encode(json.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_a_media_type() {
        for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/at+JWT"] {
            assert!(TokenType::AtJwt.is_said_by(typ), "{typ}");
            assert!(!TokenType::Jwt.is_said_by(typ), "{typ}");
        }
        for typ in [
            "",
            "application/",
            "jwt+at",
            "text/JWT",
            "JWT ",
            "applicatio\u{e9}JWT",
        ] {
            assert!(!TokenType::Jwt.is_said_by(typ), "{typ}");
        }
    }

    #[test]
    fn an_absent_type_is_none_of_the_expected() {
        let header = Header::from_json(br#"{"alg":"RS256"}"#).unwrap();
        assert!(!header.is_one_of(&[TokenType::Jwt, TokenType::AtJwt]));
    }

    #[test]
    fn any_crit_is_refused() {
        for crit in ["[]", "null", "[\"b64\"]", "0"] {
            let json = format!(r#"{{"alg":"RS256","crit":{crit}}}"#);
            let header = Header::from_json(json.as_bytes()).unwrap();
            assert_eq!(header.refuse_critical(), Err(Refusal::CriticalHeader), "{crit}");
        }
    }

    #[test]
    fn key_ids_are_bounded() {
        let json = format!(r#"{{"kid":"{}"}}"#, "k".repeat(MAX_KEY_ID_BYTES + 1));
        assert_eq!(
            Header::from_json(json.as_bytes()).unwrap().key_id(),
            Err(Refusal::Malformed)
        );
    }

    #[test]
    fn a_written_header_has_the_three_members_of_the_wire_and_reads_as_what_it_was_written_of() {
        let of = (Algorithm::Rs256, "jwk-test-\"", TokenType::Jwt);
        let json = crate::base64url::decode(&encoded_header(of.0, of.1, of.2)).unwrap();
        assert_eq!(json, br#"{"alg":"RS256","kid":"jwk-test-\"","typ":"JWT"}"#);
        assert_eq!(Header::from_json(&json).unwrap(), Header::of(of.0, of.1, of.2));
    }
}
