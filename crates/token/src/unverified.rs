//! Looking into a token without believing it.
//!
//! For people who want to see what a token says, as `countersign token decode` shows it. Anyone can write a
//! token that says anything: nothing here may decide anything. Decisions are [`crate::verify`]'s.

use serde_json::Value;

use crate::Refusal;
use crate::compact::Compact;
use crate::json::{self, UniqueObject};

/// What a token says of itself. The signature was not looked at.
#[derive(Clone, PartialEq, Debug)]
pub struct UnverifiedToken {
    /// The header, a JSON object.
    pub header: Value,
    /// The claims, a JSON object.
    pub claims: Value,
}

/// Takes a token apart **without checking its signature**.
///
/// # Errors
///
/// [`Refusal::Oversize`], [`Refusal::Malformed`] or [`Refusal::DuplicateMember`]: the refusals of form, by
/// the same reader that [`crate::verify`] uses. The signature must be base64url, and nothing else is asked of
/// it.
pub fn decode(token: &str) -> Result<UnverifiedToken, Refusal> {
    let compact = Compact::split(token)?;
    let UniqueObject(header) = json::parse(&compact.header_json()?)?;
    let UniqueObject(claims) = json::parse(&compact.claims_json()?)?;
    compact.signature()?;
    Ok(UnverifiedToken {
        header: Value::Object(header),
        claims: Value::Object(claims),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::base64url;

    fn token(header: &str, claims: &str) -> String {
        format!(
            "{}.{}.",
            base64url::encode(header.as_bytes()),
            base64url::encode(claims.as_bytes())
        )
    }

    #[test]
    fn any_object_can_be_looked_into() {
        let seen = decode(&token(r#"{"alg":"none"}"#, r#"{"sub":7}"#)).unwrap();
        assert_eq!(
            seen,
            UnverifiedToken {
                header: json!({"alg": "none"}),
                claims: json!({"sub": 7})
            }
        );
    }

    #[test]
    fn what_has_no_form_is_refused() {
        assert_eq!(
            decode(&token("{}", r#"{"a":1,"a":2}"#)),
            Err(Refusal::DuplicateMember)
        );
        assert_eq!(decode(&token("{}", "[]")), Err(Refusal::Malformed));
        assert_eq!(decode(""), Err(Refusal::Malformed));
        assert_eq!(
            decode(&".".repeat(crate::MAX_TOKEN_BYTES + 1)),
            Err(Refusal::Oversize)
        );
    }
}
