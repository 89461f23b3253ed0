//! Who calls.

use countersign_token::{Claims, Refusal as TokenRefusal, satisfies};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::Refusal;

/// Who calls, as a verified token says. Only a [`crate::Verifier`] makes one (and, with the feature `testing`, a test).
#[derive(Clone, PartialEq, Debug)]
pub struct Identity {
    claims: Claims,
    /// The scopes, where the issuer keeps them in another claim than `scope`.
    scopes_elsewhere: Option<String>,
}

impl Identity {
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn new(claims: Claims) -> Self {
        Self {
            claims,
            scopes_elsewhere: None,
        }
    }

    /// An identity whose scopes stand in this claim, or in `scope` where it is `None`.
    pub(crate) fn with_scopes_in(claims: Claims, name: Option<&str>) -> Result<Self, TokenRefusal> {
        let scopes_elsewhere = match name {
            None | Some("scope") => None,
            Some(name) => Some(scopes_of(claims.extra.get(name))?),
        };
        Ok(Self {
            claims,
            scopes_elsewhere,
        })
    }

    /// An identity for tests of your service, which no verifier has seen. Nothing is checked.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn for_tests(claims: Claims) -> Self {
        Self::new(claims)
    }

    pub(crate) fn scopes_elsewhere(&self) -> Option<&String> {
        self.scopes_elsewhere.as_ref()
    }

    /// The id of the client: the claim `client_id` (RFC 9068 section 2.2), or `sub` where there is none.
    #[must_use]
    pub fn client_id(&self) -> &str {
        self.claims.client_id.as_deref().unwrap_or(&self.claims.sub)
    }

    /// Whom the token speaks for, `sub`.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.claims.sub
    }

    /// The token's scopes.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scope().split_ascii_whitespace()
    }

    /// The token's scopes as they came, separated by spaces; empty for none.
    #[must_use]
    pub fn scope(&self) -> &str {
        self.scopes_elsewhere.as_deref().unwrap_or(&self.claims.scope)
    }

    /// Whether the token's scopes satisfy this one. `read:*` satisfies `read:users`; the rule is that of
    /// [`countersign_token::satisfies`].
    #[must_use]
    pub fn has_scope(&self, needed: &str) -> bool {
        satisfies(self.scope(), needed)
    }

    /// Asks for all of these scopes.
    ///
    /// # Errors
    ///
    /// [`Refusal::MissingScope`] with all of them when one is not satisfied.
    pub fn require_scopes(&self, needed: &[&str]) -> Result<(), Refusal> {
        if needed.iter().all(|scope| self.has_scope(scope)) {
            Ok(())
        } else {
            Err(Refusal::MissingScope {
                needed: needed.join(" "),
            })
        }
    }

    /// Who issued the token, `iss`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.claims.iss
    }

    /// Whom the token is for, `aud`.
    #[must_use]
    pub fn audience(&self) -> &[String] {
        &self.claims.aud
    }

    /// When the token was issued, in seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn issued_at(&self) -> i64 {
        self.claims.iat
    }

    /// The second from which the token is valid, since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn not_before(&self) -> i64 {
        self.claims.nbf
    }

    /// The second from which the token is no longer valid, since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn expires_at(&self) -> i64 {
        self.claims.exp
    }

    /// The token's own id, `jti`; tokens of the `stytch` profile have none.
    #[must_use]
    pub fn token_id(&self) -> Option<&str> {
        self.claims.jti.as_deref()
    }

    /// All claims that have no method here.
    #[must_use]
    pub fn extra(&self) -> &Map<String, Value> {
        &self.claims.extra
    }

    /// One of those claims as a type of yours; `None` when it is absent.
    ///
    /// # Errors
    ///
    /// When the claim is there and does not read as `T`.
    pub fn extra_as<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, serde_json::Error> {
        self.claims
            .extra
            .get(name)
            .map(|value| T::deserialize(value))
            .transpose()
    }

    /// The claims as [`countersign_token`] knows them.
    #[must_use]
    pub fn claims(&self) -> &Claims {
        &self.claims
    }
}

/// One text, or an array of texts of one scope each: a space in one would make two of it.
fn scopes_of(claim: Option<&Value>) -> Result<String, TokenRefusal> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match claim {
        None => Some(String::new()),
        Some(Value::Array(scopes)) => scopes
            .iter()
            .map(|scope| text(scope).filter(|scope| !scope.contains(char::is_whitespace)))
            .collect::<Option<Vec<_>>>()
            .map(|scopes| scopes.join(" ")),
        Some(value) => text(value),
    }
    .ok_or(TokenRefusal::Malformed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn identity() -> Identity {
        let mut claims = Claims {
            sub: "m2m-client-1".into(),
            scope: "read:* write:users".into(),
            ..Claims::default()
        };
        claims.extra.insert("tier".into(), json!({"level": 3}));
        Identity::new(claims)
    }

    #[test]
    fn the_client_is_client_id_or_else_the_subject() {
        let mut identity = identity();
        assert_eq!(identity.client_id(), "m2m-client-1");
        identity.claims.client_id = Some("c".into());
        assert_eq!((identity.client_id(), identity.subject()), ("c", "m2m-client-1"));
    }

    #[test]
    fn all_scopes_asked_for_must_be_satisfied() {
        let identity = identity();
        assert_eq!(identity.scopes().collect::<Vec<_>>(), ["read:*", "write:users"]);
        assert_eq!(identity.require_scopes(&[]), Ok(()));
        assert_eq!(identity.require_scopes(&["read:books", "write:users"]), Ok(()));
        assert_eq!(
            identity.require_scopes(&["read:books", "write:books"]),
            Err(Refusal::MissingScope {
                needed: "read:books write:books".into()
            })
        );
    }

    #[test]
    fn scopes_may_stand_in_another_claim() {
        let read = |scp: Value| {
            let mut claims = identity().claims;
            claims.extra.insert("scp".into(), scp);
            Identity::with_scopes_in(claims, Some("scp"))
                .map(|identity| identity.scopes().map(str::to_owned).collect::<Vec<_>>())
        };
        assert_eq!(read(json!("a:b c")).unwrap(), ["a:b", "c"]);
        assert_eq!(read(json!(["a:b", "c"])).unwrap(), ["a:b", "c"]);
        assert_eq!(read(json!([])).unwrap(), [""; 0]);
        for wrong in [json!(7), json!(null), json!(["a", 7]), json!(["a b"]), json!({})] {
            assert_eq!(read(wrong.clone()), Err(TokenRefusal::Malformed), "{wrong}");
        }
        let absent = Identity::with_scopes_in(identity().claims, Some("scp")).unwrap();
        assert!(
            !absent.has_scope("read:users"),
            "`scope` does not stand in for it"
        );
        let usual = Identity::with_scopes_in(identity().claims, Some("scope")).unwrap();
        assert!(usual.has_scope("read:users"));
    }

    #[test]
    fn extra_claims_read_as_types() {
        #[derive(serde::Deserialize, PartialEq, Debug)]
        struct Tier {
            level: u8,
        }
        let identity = identity();
        assert_eq!(
            identity.extra_as::<Tier>("tier").unwrap(),
            Some(Tier { level: 3 })
        );
        assert_eq!(identity.extra_as::<Tier>("absent").unwrap(), None);
        assert!(identity.extra_as::<u8>("tier").is_err());
    }
}
