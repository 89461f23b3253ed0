//! The claims of a token.

use std::fmt;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::Refusal;
use crate::json::{self, Name};

/// The claims of a token. Times are whole seconds since 1970-01-01T00:00:00Z (RFC 7519 section 2,
/// "NumericDate").
///
/// Written, `aud` is always an array and `scope` always there, because the SDKs of the `stytch` profile fail
/// without; `jti` and `client_id` are there when set. Read, `aud` may also be a single text (RFC 7519 section
/// 4.1.3), an absent `nbf` is `iat` and an absent `scope` is empty (both are optional in RFC 9068); `iss`,
/// `sub`, `aud`, `iat` and `exp` must be there. Fractions of a second are refused. So is a doubled member at
/// any depth.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct Claims {
    /// Who issued the token.
    pub iss: String,
    /// Whom the token speaks for: the id of the client.
    pub sub: String,
    /// Whom the token is for.
    pub aud: Vec<String>,
    /// The granted scopes, separated by single spaces (RFC 6749 section 3.3); empty for none.
    pub scope: String,
    /// When the token was issued.
    pub iat: i64,
    /// The second from which the token is valid.
    pub nbf: i64,
    /// The second from which the token is no longer valid.
    pub exp: i64,
    /// The token's own id; RFC 9068 tokens have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// The client's id once more; RFC 9068 tokens have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// All other claims. A name of a field above does not belong here, and signing refuses it.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Claims {
    /// The names of the fields above, which [`Claims::extra`] must not repeat.
    #[cfg(feature = "issue")]
    pub(crate) const NAMES: [&str; 9] = [
        "iss",
        "sub",
        "aud",
        "scope",
        "iat",
        "nbf",
        "exp",
        "jti",
        "client_id",
    ];

    pub(crate) fn from_json(bytes: &[u8]) -> Result<Self, Refusal> {
        json::parse::<PresentedClaims>(bytes)?
            .complete()
            .map_err(|name| Refusal::MissingClaim { name })
    }
}

// By hand, because derived readers, and `flatten` above all, let doubled members pass.
impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        PresentedClaims::deserialize(deserializer)?
            .complete()
            .map_err(D::Error::missing_field)
    }
}

/// The claims as they came, before anyone asked for the ones that must be there.
#[derive(Default)]
struct PresentedClaims {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<Audiences>,
    scope: Option<String>,
    iat: Option<i64>,
    nbf: Option<i64>,
    exp: Option<i64>,
    jti: Option<String>,
    client_id: Option<String>,
    extra: Map<String, Value>,
}

impl PresentedClaims {
    /// The claims, or the name of the first that is missing.
    fn complete(self) -> Result<Claims, &'static str> {
        let iat = self.iat.ok_or("iat")?;
        Ok(Claims {
            iss: self.iss.ok_or("iss")?,
            sub: self.sub.ok_or("sub")?,
            aud: self.aud.ok_or("aud")?.0,
            scope: self.scope.unwrap_or_default(),
            iat,
            nbf: self.nbf.unwrap_or(iat),
            exp: self.exp.ok_or("exp")?,
            jti: self.jti,
            client_id: self.client_id,
            extra: self.extra,
        })
    }
}

impl<'de> Deserialize<'de> for PresentedClaims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PresentedClaimsVisitor)
    }
}

struct PresentedClaimsVisitor;

impl<'de> Visitor<'de> for PresentedClaimsVisitor {
    type Value = PresentedClaims;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of claims")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<PresentedClaims, A::Error> {
        let mut claims = PresentedClaims::default();
        while let Some(Name(name)) = members.next_key()? {
            match name.as_ref() {
                "iss" => json::once(&mut claims.iss, &mut members)?,
                "sub" => json::once(&mut claims.sub, &mut members)?,
                "aud" => json::once(&mut claims.aud, &mut members)?,
                "scope" => json::once(&mut claims.scope, &mut members)?,
                "iat" => json::once(&mut claims.iat, &mut members)?,
                "nbf" => json::once(&mut claims.nbf, &mut members)?,
                "exp" => json::once(&mut claims.exp, &mut members)?,
                "jti" => json::once(&mut claims.jti, &mut members)?,
                "client_id" => json::once(&mut claims.client_id, &mut members)?,
                _ => json::once_more(&mut claims.extra, name, &mut members)?,
            }
        }
        Ok(claims)
    }
}

/// `aud`: one text or an array of them.
struct Audiences(Vec<String>);

impl<'de> Deserialize<'de> for Audiences {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AudiencesVisitor)
    }
}

struct AudiencesVisitor;

impl<'de> Visitor<'de> for AudiencesVisitor {
    type Value = Audiences;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or an array of texts")
    }

    fn visit_str<E>(self, audience: &str) -> Result<Audiences, E> {
        Ok(Audiences(vec![audience.to_owned()]))
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut elements: A) -> Result<Audiences, A::Error> {
        let mut audiences = Vec::with_capacity(1);
        while let Some(audience) = elements.next_element()? {
            audiences.push(audience);
        }
        Ok(Audiences(audiences))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims() -> Claims {
        Claims {
            iss: "stytch.com/project-test-1".into(),
            sub: "m2m-client-test-1".into(),
            aud: vec!["project-test-1".into()],
            iat: 1_700_000_000,
            nbf: 1_700_000_000,
            exp: 1_700_003_600,
            ..Claims::default()
        }
    }

    #[test]
    fn audience_is_an_array_and_scope_is_there_even_when_empty() {
        assert_eq!(
            serde_json::to_string(&claims()).unwrap(),
            r#"{"iss":"stytch.com/project-test-1","sub":"m2m-client-test-1","aud":["project-test-1"],"scope":"","iat":1700000000,"nbf":1700000000,"exp":1700003600}"#
        );
    }

    #[test]
    fn optional_and_extra_claims_stand_at_the_top() {
        let mut claims = claims();
        claims.jti = Some("j".into());
        claims.client_id = Some("c".into());
        claims.extra.insert("tier".into(), json!({"name": "gold"}));
        let value = serde_json::to_value(&claims).unwrap();
        assert_eq!((&value["jti"], &value["client_id"]), (&json!("j"), &json!("c")));
        assert_eq!(value["tier"], json!({"name": "gold"}));
        assert_eq!(serde_json::from_value::<Claims>(value).unwrap(), claims);
    }

    #[test]
    fn a_single_audience_reads_as_one() {
        let text = br#"{"iss":"i","sub":"s","aud":"a","scope":"","iat":1,"nbf":1,"exp":2}"#;
        assert_eq!(Claims::from_json(text).unwrap().aud, ["a"]);
    }

    #[test]
    fn scope_and_nbf_may_be_absent_and_nothing_else() {
        let read = Claims::from_json(br#"{"iss":"i","sub":"s","aud":["a"],"iat":5,"exp":9}"#).unwrap();
        assert_eq!((read.scope.as_str(), read.nbf), ("", 5));

        let whole = json!({"iss": "i", "sub": "s", "aud": ["a"], "iat": 5, "exp": 9});
        for name in ["iss", "sub", "aud", "iat", "exp"] {
            let mut partial = whole.clone();
            partial.as_object_mut().unwrap().remove(name);
            let refusal = Claims::from_json(partial.to_string().as_bytes()).unwrap_err();
            assert_eq!(refusal, Refusal::MissingClaim { name });
        }
    }

    #[test]
    fn doubled_claims_are_told_from_malformed_ones() {
        for text in [
            r#"{"iss":"i","iss":"i"}"#,
            r#"{"tier":1,"tier":1}"#,
            r#"{"tier":{"a":1,"a":2}}"#,
            r#"{"sub":"a","s\u0075b":"b"}"#,
        ] {
            assert_eq!(
                Claims::from_json(text.as_bytes()),
                Err(Refusal::DuplicateMember),
                "{text}"
            );
        }
        for text in [
            "[]",
            r#"{"exp":"9"}"#,
            r#"{"exp":9.5}"#,
            r#"{"exp":9e99}"#,
            r#"{"exp":9223372036854775808}"#,
            r#"{"aud":[1]}"#,
            r#"{"aud":null}"#,
            r#"{"scope":["a"]}"#,
            r#"{"jti":null}"#,
        ] {
            assert_eq!(
                Claims::from_json(text.as_bytes()),
                Err(Refusal::Malformed),
                "{text}"
            );
        }
    }
}
