//! What is sent and answered about providers.

use countersign_core::Timestamp;
use countersign_core::provider::{
    DocumentInfo, FurtherHost, Provider, ProviderLimits, ProviderRule, ProviderSettings,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A provider.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProviderView {
    /// Names it within its project.
    #[schema(example = "acme")]
    name: String,
    /// Counts changes. Send it back with a change, and a change that somebody else made meanwhile is not lost.
    version: i64,
    /// Where it is.
    #[schema(example = "https://api.acme.example/v1")]
    base_url: String,
    /// Private ranges that it may lie in.
    allowed_cidrs: Vec<String>,
    /// Hosts beside that of `base_url`.
    further_hosts: Vec<FurtherHostBody>,
    /// Who may do what, in the order in which they are asked.
    rules: Vec<RuleBody>,
    /// Its limits.
    limits: LimitsBody,
    /// Whether cookies go up and come down.
    keep_cookies: bool,
    /// Whether paths may hold `;`.
    path_parameters: bool,
    /// Its OpenAPI document, without the document itself.
    document: DocumentView,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// What is known of a document.
#[derive(Debug, Serialize, ToSchema)]
pub struct DocumentView {
    /// The SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// `application/json` or `application/yaml`.
    #[schema(example = "application/json")]
    pub media_type: String,
    /// How many bytes it has.
    pub bytes: i64,
}

/// A host beside that of the base URL.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FurtherHostBody {
    /// Where the operations are that name this host in their `servers`.
    #[schema(example = "https://files.acme.example")]
    base_url: String,
    /// The name of the credential for it. The default one is for `base_url` alone.
    #[schema(example = "files")]
    credential: String,
}

/// Whoever has `scope` may do what `methods`, `paths` and `operations` say, with `credential`. An empty list covers all; of lists
/// that are not empty, each has to cover the call. Unknown members are refused: a condition that is passed over allows more.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleBody {
    /// Its name, which audit lines and refusals tell: at most 64 characters `a-z`, `A-Z`, `0-9`, `-` and `_`.
    #[schema(max_length = 64, example = "read-users")]
    name: String,
    /// The scope that it is for: `gateway:{provider}` or `gateway-read:{provider}`, or either with `/` and a word.
    #[schema(example = "gateway:acme/users")]
    scope: String,
    /// The methods, in capitals.
    #[schema(max_items = 256, example = json!(["GET"]))]
    #[serde(default)]
    methods: Vec<String>,
    /// The paths below the base URL: `*` stands for a segment, `**` at the end for any number of them.
    #[schema(max_items = 256, example = json!(["/users/*"]))]
    #[serde(default)]
    paths: Vec<String>,
    /// The operations, by name; the document has each.
    #[schema(max_items = 256)]
    #[serde(default)]
    operations: Vec<String>,
    /// The name of the credential, if it is not the default one.
    credential: Option<String>,
    /// Whether it covers WebSockets. It then covers calls that are none as well.
    #[serde(default)]
    websocket: bool,
}

/// Limits; what is null is as the gateway has it for all providers.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitsBody {
    /// Seconds from a call's beginning until the provider's answer has begun: 1 to 3,600.
    timeout_seconds: Option<u64>,
    /// Seconds without a byte either way, after which a call is ended: 1 to 86,400.
    idle_timeout_seconds: Option<u64>,
    /// Bytes of a request's body: 0 to 1 TiB.
    request_body_bytes: Option<u64>,
    /// Bytes of an answer's body: 1 KiB to 1 TiB. Without it there is no bound.
    response_body_bytes: Option<u64>,
    /// Bytes of an answer's head: 1 KiB to 1 MiB.
    response_header_bytes: Option<u64>,
    /// Calls at a time: 1 to 100,000.
    concurrency: Option<u64>,
    /// Calls in a second, of all callers together: 1 to 1,000,000.
    calls_per_second: Option<u64>,
    /// Calls in a second of one caller: 1 to 1,000,000.
    caller_calls_per_second: Option<u64>,
    /// Calls at a time of one caller: 1 to 100,000.
    caller_concurrency: Option<u64>,
    /// Calls of one caller on a day of UTC, counted by each node for itself: 1 to a billion.
    caller_calls_per_day: Option<u64>,
    /// Bytes of one caller's bodies, up and down, on a day of UTC, counted by each node for itself: 1 KiB to 1 PiB. The call that
    /// uses them up goes to its end.
    caller_bytes_per_day: Option<u64>,
    /// How often a call is sent again that may be repeated (an idempotent method, a body of at most 64 KiB) and that the provider
    /// could not take: up to 5. Without it, never.
    retries: Option<u64>,
}

/// What makes a provider.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CreateProvider {
    /// Names it within its project, in paths and scopes: at most 40 characters `a-z`, `0-9` and `-`, beginning with a letter.
    #[schema(max_length = 40, example = "acme")]
    pub name: String,
    /// Its OpenAPI 3.0 or 3.1 document, JSON or YAML, as a text of at most 32 MiB. It refers to nothing outside itself.
    #[schema(example = "openapi: 3.1.0\ninfo: {title: Acme, version: '1'}\npaths: {}\n")]
    pub document: String,
    /// Where the document came from: without a `base_url`, its relative servers are relative to this.
    pub document_url: Option<String>,
    /// What it is made of beside these.
    #[serde(flatten)]
    pub settings: SettingsBody,
}

/// What changes a provider. What is absent stays; a list or object that is there takes the place of the whole old one.
#[derive(Debug, Deserialize, ToSchema)]
pub struct UpdateProvider {
    /// The version that the change was decided on. The change is refused when the provider has another one by now.
    pub version: Option<i64>,
    /// Another document, as when it was created.
    pub document: Option<String>,
    /// What else changes.
    #[serde(flatten)]
    pub settings: SettingsBody,
}

/// What an operator decides about a provider beside its document.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SettingsBody {
    /// Where it is: `https://…`, or `http://…` with `allowed_cidrs`. A new provider without one is where its document's first
    /// server is.
    #[schema(example = "https://api.acme.example/v1")]
    base_url: Option<String>,
    /// Private ranges that it may lie in. Public addresses need none; metadata addresses are never called.
    #[schema(max_items = 64, example = json!(["10.20.0.0/16"]))]
    allowed_cidrs: Option<Vec<String>>,
    /// Hosts beside that of `base_url` that operations name in `servers` of their own. Calls of an operation whose host is not here
    /// are refused.
    #[schema(max_items = 64)]
    further_hosts: Option<Vec<FurtherHostBody>>,
    /// Who may do what, in the order in which they are asked. All settings together have at most 64 KiB.
    #[schema(max_items = 256)]
    rules: Option<Vec<RuleBody>>,
    /// Its limits.
    limits: Option<LimitsBody>,
    /// Whether cookies go up and come down; not when absent.
    keep_cookies: Option<bool>,
    /// Whether paths may hold `;`, which servers read differently; not when absent.
    path_parameters: Option<bool>,
}

impl SettingsBody {
    /// These settings over those there are.
    pub fn over(self, before: ProviderSettings) -> ProviderSettings {
        ProviderSettings {
            base_url: self.base_url.unwrap_or(before.base_url),
            allowed_cidrs: self.allowed_cidrs.unwrap_or(before.allowed_cidrs),
            further_hosts: self.further_hosts.map_or(before.further_hosts, all),
            rules: self.rules.map_or(before.rules, all),
            limits: self.limits.map_or(before.limits, Into::into),
            keep_cookies: self.keep_cookies.unwrap_or(before.keep_cookies),
            path_parameters: self.path_parameters.unwrap_or(before.path_parameters),
        }
    }
}

fn all<T, A: From<T>>(list: Vec<T>) -> Vec<A> {
    list.into_iter().map(Into::into).collect()
}

impl From<Provider> for ProviderView {
    fn from(provider: Provider) -> Self {
        let settings = provider.settings;
        Self {
            name: provider.name,
            version: provider.version,
            base_url: settings.base_url,
            allowed_cidrs: settings.allowed_cidrs,
            further_hosts: all(settings.further_hosts),
            rules: all(settings.rules),
            limits: settings.limits.into(),
            keep_cookies: settings.keep_cookies,
            path_parameters: settings.path_parameters,
            document: provider.document.into(),
            created_at: provider.created_at,
            updated_at: provider.updated_at,
        }
    }
}

impl From<DocumentInfo> for DocumentView {
    fn from(info: DocumentInfo) -> Self {
        let DocumentInfo {
            sha256,
            media_type,
            bytes,
        } = info;
        Self {
            sha256,
            media_type,
            bytes,
        }
    }
}

/// Two structs of the same fields, one of them ours and the other of the document.
macro_rules! alike {
    ($body:ident, $kept:ident { $($field:ident),+ $(,)? }) => {
        impl From<$kept> for $body {
            fn from(kept: $kept) -> Self {
                let $kept { $($field),+ } = kept;
                Self { $($field),+ }
            }
        }

        impl From<$body> for $kept {
            fn from(body: $body) -> Self {
                let $body { $($field),+ } = body;
                Self { $($field),+ }
            }
        }
    };
}

alike!(FurtherHostBody, FurtherHost { base_url, credential });
alike!(
    RuleBody,
    ProviderRule {
        name,
        scope,
        methods,
        paths,
        operations,
        credential,
        websocket
    }
);
alike!(
    LimitsBody,
    ProviderLimits {
        timeout_seconds,
        idle_timeout_seconds,
        request_body_bytes,
        response_body_bytes,
        response_header_bytes,
        concurrency,
        calls_per_second,
        caller_calls_per_second,
        caller_concurrency,
        caller_calls_per_day,
        caller_bytes_per_day,
        retries,
    }
);
