//! Providers: upstream APIs that the gateway calls for those who hold no credential of theirs.
//!
//! What a name, a base URL, a range or a rule may be is judged by the gateway's own types, which also carry out what is written
//! here; this crate does not know them and keeps their texts.

mod document;
mod limits;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use self::document::{DOCUMENT_MAX_BYTES, DocumentInfo, DocumentTooLarge, ProviderDocument};
pub use self::limits::{InvalidLimit, ProviderLimits};
use crate::Timestamp;
use crate::ids::ProjectId;

/// Most rules of a provider: each call walks them.
pub const RULES_MAX: usize = 256;
/// Most ranges, and most further hosts.
pub const PLACES_MAX: usize = 64;
/// Largest settings, in bytes as JSON: an audit event holds them twice, and is a line of an export.
const SETTINGS_MAX_BYTES: usize = 64 * 1024;

/// A provider.
#[derive(Debug, Clone, PartialEq)]
pub struct Provider {
    /// Its project.
    pub project_id: ProjectId,
    /// Identity within the project; it stands in paths and scopes.
    pub name: String,
    /// Counts changes, from 1.
    pub version: i64,
    /// What it is made of.
    pub settings: ProviderSettings,
    /// Its OpenAPI document, without the document itself.
    pub document: DocumentInfo,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What an operator decides about a provider beside its document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProviderSettings {
    /// Where it is, such as `https://api.example.com/v1`.
    pub base_url: String,
    /// Private ranges that it may lie in, as `10.0.0.0/8`.
    pub allowed_cidrs: Vec<String>,
    /// Hosts that some of its operations name and an operator allowed.
    pub further_hosts: Vec<FurtherHost>,
    /// Who may do what, in the order in which they are asked.
    pub rules: Vec<ProviderRule>,
    /// Its limits; the gateway's own where it has none.
    pub limits: ProviderLimits,
    /// Whether cookies go up and come down.
    pub keep_cookies: bool,
    /// Whether paths may hold `;`.
    pub path_parameters: bool,
}

/// A host beside that of the base URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FurtherHost {
    /// Where the operations are that name it, as their `servers` say.
    pub base_url: String,
    /// The name of the credential for it. The provider's default one is for the base URL alone.
    pub credential: String,
}

/// A rule, in the form of the gateway's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderRule {
    /// Its name.
    pub name: String,
    /// The scope that it is for.
    pub scope: String,
    /// The methods; all of them, when there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// The patterns of paths; all paths, when there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// The operations; all calls, when there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<String>,
    /// The name of the credential, if it is not the default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// Whether it covers WebSockets.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub websocket: bool,
}

/// Why a provider was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProvider {
    /// More of something than allowed.
    #[error("at most {max} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit it broke.
        max: usize,
    },
    /// All of it together is too long.
    #[error(
        "the settings together have at most {SETTINGS_MAX_BYTES} bytes as JSON: give the provider fewer or shorter rules"
    )]
    TooLong,
    /// A limit out of its bounds.
    #[error(transparent)]
    Limit(#[from] InvalidLimit),
}

impl ProviderSettings {
    fn check(&self) -> Result<(), InvalidProvider> {
        for (what, count, max) in [
            ("rules", self.rules.len(), RULES_MAX),
            ("allowed CIDRs", self.allowed_cidrs.len(), PLACES_MAX),
            ("further hosts", self.further_hosts.len(), PLACES_MAX),
        ] {
            if count > max {
                return Err(InvalidProvider::TooMany { what, max });
            }
        }
        if self.for_audit().to_string().len() > SETTINGS_MAX_BYTES {
            return Err(InvalidProvider::TooLong);
        }
        Ok(self.limits.check()?)
    }

    fn for_audit(&self) -> Value {
        json!({
            "base_url": self.base_url,
            "allowed_cidrs": self.allowed_cidrs,
            "further_hosts": self.further_hosts,
            "rules": self.rules,
            "limits": self.limits,
            "keep_cookies": self.keep_cookies,
            "path_parameters": self.path_parameters,
        })
    }
}

impl Provider {
    /// A new provider around a document.
    pub fn new(
        project_id: ProjectId,
        name: &str,
        settings: ProviderSettings,
        document: DocumentInfo,
        now: Timestamp,
    ) -> Result<Self, InvalidProvider> {
        settings.check()?;
        Ok(Self {
            project_id,
            name: name.to_owned(),
            version: 1,
            settings,
            document,
            created_at: now,
            updated_at: now,
        })
    }

    /// This provider with other settings, and with another document if there is one.
    pub fn changed(
        &self,
        settings: ProviderSettings,
        document: Option<DocumentInfo>,
        now: Timestamp,
    ) -> Result<Self, InvalidProvider> {
        settings.check()?;
        Ok(Self {
            version: self.version + 1,
            settings,
            document: document.unwrap_or_else(|| self.document.clone()),
            updated_at: now,
            ..self.clone()
        })
    }

    /// The provider as an audit event shows it: of the document, by which it is known.
    pub fn for_audit(&self) -> Value {
        json!({
            "name": self.name,
            "version": self.version,
            "settings": self.settings.for_audit(),
            "document": self.document,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::tests::at;

    fn provider(settings: ProviderSettings) -> Result<Provider, InvalidProvider> {
        let document = ProviderDocument::new("application/json", b"{}".as_slice()).unwrap();
        let project_id = "project-test-1".parse().unwrap();
        Provider::new(project_id, "acme", settings, document.info().clone(), at(1))
    }

    #[test]
    fn a_change_counts_and_keeps_the_document_unless_there_is_another() {
        let before = provider(ProviderSettings::default()).unwrap();
        let settings = ProviderSettings {
            keep_cookies: true,
            ..ProviderSettings::default()
        };
        let after = before.changed(settings.clone(), None, at(2)).unwrap();
        let expected = Provider {
            version: 2,
            settings: settings.clone(),
            updated_at: at(2),
            ..before.clone()
        };
        assert_eq!(after, expected);
        let other = ProviderDocument::new("application/yaml", b"a: b".as_slice()).unwrap();
        let after = after
            .changed(settings, Some(other.info().clone()), at(3))
            .unwrap();
        assert_eq!((after.version, &after.document), (3, other.info()));
        assert_eq!(after.created_at, before.created_at);
    }

    #[test]
    fn more_than_a_call_can_walk_is_refused() {
        let settings = |rules, cidrs, hosts| ProviderSettings {
            rules: vec![ProviderRule::default(); rules],
            allowed_cidrs: vec!["10.0.0.0/8".into(); cidrs],
            further_hosts: vec![
                FurtherHost {
                    base_url: "https://files.example".into(),
                    credential: "files".into()
                };
                hosts
            ],
            ..ProviderSettings::default()
        };
        assert!(provider(settings(RULES_MAX, PLACES_MAX, PLACES_MAX)).is_ok());
        for (settings, what) in [
            (settings(RULES_MAX + 1, 0, 0), "rules"),
            (settings(0, PLACES_MAX + 1, 0), "allowed CIDRs"),
            (settings(0, 0, PLACES_MAX + 1), "further hosts"),
        ] {
            let refused = provider(settings).unwrap_err();
            assert!(refused.to_string().ends_with(what), "{refused}");
        }
        let long = |bytes: usize| ProviderSettings {
            rules: vec![ProviderRule {
                paths: vec!["x".repeat(bytes)],
                ..ProviderRule::default()
            }],
            ..ProviderSettings::default()
        };
        assert!(provider(long(SETTINGS_MAX_BYTES - 1024)).is_ok());
        assert_eq!(provider(long(SETTINGS_MAX_BYTES)), Err(InvalidProvider::TooLong));
    }

    #[test]
    fn a_limit_out_of_bounds_makes_no_provider_and_changes_none() {
        let before = provider(ProviderSettings::default()).unwrap();
        let settings = ProviderSettings {
            limits: ProviderLimits {
                concurrency: Some(0),
                ..ProviderLimits::default()
            },
            ..ProviderSettings::default()
        };
        assert!(matches!(
            provider(settings.clone()),
            Err(InvalidProvider::Limit(_))
        ));
        assert!(matches!(
            before.changed(settings, None, at(2)),
            Err(InvalidProvider::Limit(_))
        ));
    }
}
