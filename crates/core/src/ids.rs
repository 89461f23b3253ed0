//! Identifiers: readable prefixes that say what a thing is and to which environment it belongs.
//!
//! SDKs of the wire pick a default host by the prefix `project-live-`, so the prefixes are part of the contract
//! (wire contract 2.3).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr};
use uuid::Uuid;

use crate::{Chance, Timestamp};

/// Whether a project is for trying things out or for production. It shows in every id below the project.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, IntoStaticStr,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Environment {
    /// `…-test-…`
    Test,
    /// `…-live-…`
    Live,
}

/// An identifier was not of its documented form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid identifier")]
pub struct InvalidId;

/// Longest client id accepted, in characters. Ids travel in URLs, logs and index keys.
pub const CLIENT_ID_MAX_CHARS: usize = 128;

/// Longest tail of a project id after its prefix. A UUID has 36; imported ids get some room.
const PROJECT_ID_TAIL_MAX_CHARS: usize = 64;

/// An id never changes and is cloned wherever its thing is named, so its text is shared.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The identifier as it stands on the wire.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.as_ref().to_owned()
            }
        }
    };
}

text_id! {
    /// The tenancy boundary: `project-test-<uuid>` or `project-live-<uuid>`.
    ProjectId
}

text_id! {
    /// A client within its project: generated `m2m-client-<env>-<uuid>`, or the caller's own.
    ClientId
}

impl ProjectId {
    /// A new random project id.
    pub fn generate(environment: Environment, chance: Chance<'_>) -> Self {
        Self(format!("project-{environment}-{}", random_uuid(chance)).into())
    }

    /// The environment, which the id itself states.
    pub fn environment(&self) -> Environment {
        if self.0.starts_with("project-live-") {
            Environment::Live
        } else {
            Environment::Test
        }
    }
}

impl FromStr for ProjectId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let tail = text
            .strip_prefix("project-test-")
            .or_else(|| text.strip_prefix("project-live-"))
            .ok_or(InvalidId)?;
        let sound = (1..=PROJECT_ID_TAIL_MAX_CHARS).contains(&tail.len())
            && tail.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if sound {
            Ok(Self(text.into()))
        } else {
            Err(InvalidId)
        }
    }
}

impl ClientId {
    /// A new random client id.
    pub fn generate(environment: Environment, chance: Chance<'_>) -> Self {
        Self(format!("m2m-client-{environment}-{}", random_uuid(chance)).into())
    }
}

impl FromStr for ClientId {
    type Err = InvalidId;

    /// Accepts 1 to 128 characters of `[A-Za-z0-9._~:@-]`: what fits in a URL path unescaped, and what foreign
    /// systems use for their ids. The lone dots are refused because a path segment `.` or `..` never arrives, and
    /// `search` because that path is the search's: such a client could be made, and then never be reached.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let sound = (1..=CLIENT_ID_MAX_CHARS).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._~:@-".contains(&b))
            && ![".", "..", "search"].contains(&text);
        if sound {
            Ok(Self(text.into()))
        } else {
            Err(InvalidId)
        }
    }
}

/// A key id, `jwk-<env>-<uuid>`.
pub fn generate_kid(environment: Environment, chance: Chance<'_>) -> String {
    format!("jwk-{environment}-{}", random_uuid(chance))
}

/// A request id, `request-id-<env>-<uuid>`.
pub fn generate_request_id(environment: Environment, chance: Chance<'_>) -> String {
    let prefix = match environment {
        Environment::Test => "request-id-test-",
        Environment::Live => "request-id-live-",
    };
    let mut uuid = Uuid::encode_buffer();
    let uuid = random_uuid(chance).hyphenated().encode_lower(&mut uuid);
    [prefix, uuid].concat()
}

/// An id for a row that is read in the order of its making, such as an audit event: `<prefix>-<uuid v7>`.
pub fn generate_ordered_id(prefix: &str, now: Timestamp, chance: Chance<'_>) -> String {
    let mut random = [0; 10];
    chance.fill_bytes(&mut random);
    let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
    format!(
        "{prefix}-{}",
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    )
}

/// A UUID version 4 (RFC 9562 section 5.4) from the given randomness.
pub fn random_uuid(chance: Chance<'_>) -> Uuid {
    let mut random = [0; 16];
    chance.fill_bytes(&mut random);
    uuid::Builder::from_random_bytes(random).into_uuid()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn generated_ids_say_what_they_are_and_parse() {
        let mut chance = rand::rngs::StdRng::seed_from_u64(1);
        let project = ProjectId::generate(Environment::Live, &mut chance);
        let client = ClientId::generate(Environment::Test, &mut chance);
        assert!(project.as_str().starts_with("project-live-"));
        assert!(client.as_str().starts_with("m2m-client-test-"));
        assert_eq!(project.as_str().parse(), Ok(project.clone()));
        assert_eq!(client.as_str().parse(), Ok(client.clone()));
        assert_eq!(project.environment(), Environment::Live);
    }

    #[test]
    fn client_ids_that_would_not_survive_a_url_are_refused() {
        for bad in [
            "",
            ".",
            "..",
            "a b",
            "a/b",
            "a%2Fb",
            "ä",
            "a\0",
            "a\n",
            "search",
            &"x".repeat(129),
        ] {
            assert_eq!(bad.parse::<ClientId>(), Err(InvalidId), "{bad:?}");
        }
        for good in [
            "a",
            "Search",
            "svc.billing@eu-1:web~2_x".replace('_', "-").as_str(),
            &"x".repeat(128),
        ] {
            assert!(good.parse::<ClientId>().is_ok(), "{good:?}");
        }
    }

    #[test]
    fn project_ids_need_their_prefix() {
        for bad in [
            "",
            "project-",
            "project-prod-x",
            "project-test-",
            "project-test-a b",
            "project-live-ü",
        ] {
            assert_eq!(bad.parse::<ProjectId>(), Err(InvalidId), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_parses_as_a_client_id_is_kept_to_the_letter(text in "[A-Za-z0-9._~:@-]{1,128}") {
            prop_assume!(![".", "..", "search"].contains(&text.as_str()));
            let id: ClientId = text.parse().unwrap();
            prop_assert_eq!(id.as_str(), text);
        }

        #[test]
        fn ordered_ids_sort_by_time(a in 0i64..4_000_000_000_000, b in 0i64..4_000_000_000_000) {
            let mut chance = rand::rngs::StdRng::seed_from_u64(7);
            prop_assume!(a < b);
            let at = |ms| Timestamp::from_millisecond(ms).unwrap();
            prop_assert!(generate_ordered_id("e", at(a), &mut chance) < generate_ordered_id("e", at(b), &mut chance));
        }
    }
}
