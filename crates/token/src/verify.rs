//! The judgement over a token.

use crate::compact::Compact;
use crate::header::Header;
use crate::{Claims, Refusal, TokenType, VerifyingKeys};

/// The longest token that is looked at, in bytes. A token of 256 long scopes has about 6,000; header limits
/// of common servers end at 8 or 16 KiB.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// What the caller expects of a token.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The issuers to accept; the token's `iss` must equal one, to the letter.
    pub issuers: &'a [&'a str],
    /// Who the caller is; must be in the token's `aud`.
    pub audience: &'a str,
    /// The types to accept (RFC 8725 section 3.11).
    pub types: &'a [TokenType],
    /// By how many seconds the clocks of issuer and caller may differ; less than 0 counts as 0.
    pub leeway_seconds: i64,
    /// How many seconds ago the token may have been issued at most, or `None` to leave it to `exp`.
    pub max_age_seconds: Option<i64>,
}

/// Checks a token and answers its claims.
///
/// No claim is read before the signature is known to be right. The time is in seconds since
/// 1970-01-01T00:00:00Z.
///
/// # Errors
///
/// The first [`Refusal`] found: form, header, type, key, signature, and then the claims: issuer, audience,
/// expiry, start, age.
pub fn verify(
    token: &str,
    keys: &VerifyingKeys,
    expected: &Expected<'_>,
    now_unix_seconds: i64,
) -> Result<Claims, Refusal> {
    let compact = Compact::split(token)?;
    let (json, read);
    let header = match keys.our_header(compact.header) {
        Some(header) => header,
        None => {
            json = compact.header_json()?;
            read = Header::from_json(&json)?;
            &read
        }
    };
    header.refuse_critical()?;
    let algorithm = header.algorithm()?;
    let kid = header.key_id()?;
    if !header.is_one_of(expected.types) {
        return Err(Refusal::WrongType);
    }
    keys.check(kid, algorithm, compact.signing_input, &compact.signature()?)?;

    let claims = Claims::from_json(&compact.claims_json()?)?;
    expected.judge(&claims, now_unix_seconds)?;
    Ok(claims)
}

impl Expected<'_> {
    /// Judges claims once more: their issuer, audience and times at `now`, in seconds since
    /// 1970-01-01T00:00:00Z. For whoever keeps claims that [`verify`] answered; nothing here looks at a
    /// signature or at [`Expected::types`].
    ///
    /// # Errors
    ///
    /// The first [`Refusal`] found: issuer, audience, expiry, start, age.
    pub fn judge(&self, claims: &Claims, now: i64) -> Result<(), Refusal> {
        if !self.issuers.contains(&claims.iss.as_str()) {
            return Err(Refusal::WrongIssuer);
        }
        if !claims.aud.iter().any(|audience| audience == self.audience) {
            return Err(Refusal::WrongAudience);
        }
        // Saturating, because the times are whatever the token says; at the ends of i64 nothing changes the
        // verdict.
        let leeway = self.leeway_seconds.max(0);
        let earliest = now.saturating_sub(leeway);
        let latest = now.saturating_add(leeway);
        // RFC 7519 section 4.1.4: "on or after".
        if claims.exp <= earliest {
            return Err(Refusal::Expired);
        }
        if claims.nbf > latest || claims.iat > latest {
            return Err(Refusal::NotYetValid);
        }
        if self
            .max_age_seconds
            .is_some_and(|max_age| claims.iat < earliest.saturating_sub(max_age))
        {
            return Err(Refusal::TooOld);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPECTED: Expected<'static> = Expected {
        issuers: &["i", "i2"],
        audience: "a",
        types: &[TokenType::Jwt],
        leeway_seconds: 0,
        max_age_seconds: None,
    };

    fn claims() -> Claims {
        Claims {
            iss: "i".into(),
            sub: "s".into(),
            aud: vec!["b".into(), "a".into()],
            iat: 1_000,
            nbf: 1_000,
            exp: 4_600,
            ..Claims::default()
        }
    }

    #[test]
    fn a_token_is_valid_from_its_first_second_to_the_one_before_its_last() {
        assert_eq!(EXPECTED.judge(&claims(), 999), Err(Refusal::NotYetValid));
        assert_eq!(EXPECTED.judge(&claims(), 1_000), Ok(()));
        assert_eq!(EXPECTED.judge(&claims(), 4_599), Ok(()));
        assert_eq!(EXPECTED.judge(&claims(), 4_600), Err(Refusal::Expired));
    }

    #[test]
    fn leeway_moves_both_ends() {
        let expected = Expected {
            leeway_seconds: 60,
            ..EXPECTED
        };
        assert_eq!(expected.judge(&claims(), 939), Err(Refusal::NotYetValid));
        assert_eq!(expected.judge(&claims(), 940), Ok(()));
        assert_eq!(expected.judge(&claims(), 4_659), Ok(()));
        assert_eq!(expected.judge(&claims(), 4_660), Err(Refusal::Expired));

        let negative = Expected {
            leeway_seconds: -60,
            ..EXPECTED
        };
        assert_eq!(negative.judge(&claims(), 4_599), Ok(()));
    }

    #[test]
    fn neither_nbf_nor_iat_may_lie_ahead() {
        assert_eq!(
            EXPECTED.judge(
                &Claims {
                    nbf: 2_001,
                    ..claims()
                },
                2_000
            ),
            Err(Refusal::NotYetValid)
        );
        assert_eq!(
            EXPECTED.judge(
                &Claims {
                    iat: 2_001,
                    ..claims()
                },
                2_000
            ),
            Err(Refusal::NotYetValid)
        );
    }

    #[test]
    fn age_is_counted_from_iat() {
        let expected = Expected {
            max_age_seconds: Some(300),
            ..EXPECTED
        };
        assert_eq!(expected.judge(&claims(), 1_300), Ok(()));
        assert_eq!(expected.judge(&claims(), 1_301), Err(Refusal::TooOld));
        let lenient = Expected {
            leeway_seconds: 10,
            ..expected
        };
        assert_eq!(lenient.judge(&claims(), 1_310), Ok(()));
        assert_eq!(lenient.judge(&claims(), 1_311), Err(Refusal::TooOld));
    }

    #[test]
    fn times_at_the_ends_of_the_range_overflow_nothing() {
        let wide = Expected {
            leeway_seconds: i64::MAX,
            max_age_seconds: Some(i64::MAX),
            ..EXPECTED
        };
        for time in [i64::MIN, 0, i64::MAX] {
            for now in [i64::MIN, 0, i64::MAX] {
                let claims = Claims {
                    iat: time,
                    nbf: time,
                    exp: time,
                    ..claims()
                };
                let _ = wide.judge(&claims, now);
                assert!(
                    EXPECTED.judge(&claims, now).is_err(),
                    "never valid: it starts when it ends"
                );
            }
        }
    }

    #[test]
    fn issuer_and_audience_are_compared_to_the_letter() {
        for iss in ["", "I", "i/", "i2 "] {
            let claims = Claims {
                iss: iss.into(),
                ..claims()
            };
            assert_eq!(
                EXPECTED.judge(&claims, 2_000),
                Err(Refusal::WrongIssuer),
                "{iss:?}"
            );
        }
        for aud in [vec![], vec!["A".to_owned()], vec!["a ".to_owned(), String::new()]] {
            let claims = Claims { aud, ..claims() };
            assert_eq!(EXPECTED.judge(&claims, 2_000), Err(Refusal::WrongAudience));
        }
        assert_eq!(
            EXPECTED.judge(
                &Claims {
                    iss: "i2".into(),
                    ..claims()
                },
                2_000
            ),
            Ok(())
        );
    }
}
