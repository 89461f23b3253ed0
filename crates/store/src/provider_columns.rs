//! What both engines write of a provider as text.

use countersign_core::provider::{Provider, ProviderRule};
use serde_json::json;

/// Bytes of a part of a document: in an export it is a line, which has a longest length.
pub(crate) const PART_BYTES: usize = 512 * 1024;

/// The columns of a provider that hold JSON.
pub(crate) struct ProviderColumns {
    pub(crate) allowed_cidrs: String,
    pub(crate) further_hosts: String,
    pub(crate) limits: String,
}

impl ProviderColumns {
    pub(crate) fn of(provider: &Provider) -> Self {
        let settings = &provider.settings;
        Self {
            allowed_cidrs: json!(settings.allowed_cidrs).to_string(),
            further_hosts: json!(settings.further_hosts).to_string(),
            limits: json!(settings.limits).to_string(),
        }
    }
}

/// The columns of a rule that hold JSON.
pub(crate) struct RuleColumns {
    pub(crate) methods: String,
    pub(crate) paths: String,
    pub(crate) operations: String,
}

impl RuleColumns {
    pub(crate) fn of(rule: &ProviderRule) -> Self {
        Self {
            methods: json!(rule.methods).to_string(),
            paths: json!(rule.paths).to_string(),
            operations: json!(rule.operations).to_string(),
        }
    }
}
