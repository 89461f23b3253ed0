//! A provider's fields on the command line.

use clap::Args;
use serde_json::{Map, Value, json};

use super::document::DocumentArg;
use crate::cli::exit::Exit;
use crate::cli::project::add;

/// Of a provider about to be added.
#[derive(Debug, Args)]
pub(super) struct Fields {
    /// Where it is [default: the document's first server].
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// A private range that it may lie in, such as 10.20.0.0/16; may be repeated.
    #[arg(long = "allow-cidr", value_name = "CIDR")]
    allowed_cidrs: Vec<String>,
    /// A host that operations name in servers of their own, and the name of the credential for it; may be repeated.
    #[arg(long = "further-host", value_name = "URL=CREDENTIAL", value_parser = further_host)]
    further_hosts: Vec<Value>,
    /// A rule, a JSON object with name, scope and any of methods, paths, operations, credential, websocket; may be repeated.
    #[arg(long = "rule", value_name = "JSON", value_parser = rule)]
    rules: Vec<Value>,
    /// A limit, such as concurrency=20; may be repeated.
    #[arg(long = "limit", value_name = "NAME=NUMBER", value_parser = limit)]
    limits: Vec<(String, u64)>,
    /// Whether cookies go up and come down [default: false].
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    keep_cookies: Option<bool>,
    /// Whether paths may hold a semicolon [default: false].
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    path_parameters: Option<bool>,
}

/// Of a provider about to change.
#[derive(Debug, Args)]
pub(super) struct ChangedFields {
    /// Another OpenAPI document: a file, a URL, or - for standard input.
    #[arg(long, value_name = "FILE|URL")]
    openapi: Option<DocumentArg>,
    #[command(flatten)]
    fields: Fields,
    /// Takes all private ranges away.
    #[arg(long, conflicts_with = "allowed_cidrs")]
    no_allowed_cidrs: bool,
    /// Takes all further hosts away.
    #[arg(long, conflicts_with = "further_hosts")]
    no_further_hosts: bool,
    /// Takes all rules away: scopes then mean what they say.
    #[arg(long, conflicts_with = "rules")]
    no_rules: bool,
    /// Takes all limits away: the gateway's own hold.
    #[arg(long, conflicts_with = "limits")]
    no_limits: bool,
    /// Refuses the change when the provider has another version than this.
    #[arg(long, value_name = "NUMBER")]
    if_version: Option<i64>,
}

impl Fields {
    /// The body of the call, as far as they say it.
    pub(super) fn body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        add(&mut body, "base_url", self.base_url.clone());
        add(&mut body, "allowed_cidrs", named(&self.allowed_cidrs));
        add(&mut body, "further_hosts", named(&self.further_hosts));
        add(&mut body, "rules", named(&self.rules));
        let limits = self
            .limits
            .iter()
            .map(|(name, limit)| (name.clone(), json!(limit)));
        let limits: Map<_, _> = limits.collect();
        add(&mut body, "limits", (!limits.is_empty()).then_some(limits));
        add(&mut body, "keep_cookies", self.keep_cookies);
        add(&mut body, "path_parameters", self.path_parameters);
        body
    }
}

impl ChangedFields {
    /// The body of the call.
    pub(super) async fn body(&self) -> anyhow::Result<Map<String, Value>> {
        let mut body = self.fields.body();
        if let Some(openapi) = &self.openapi {
            openapi.read().await?.add_to(&mut body);
        }
        for (name, is_taken_away) in [
            ("allowed_cidrs", self.no_allowed_cidrs),
            ("further_hosts", self.no_further_hosts),
            ("rules", self.no_rules),
        ] {
            add(&mut body, name, is_taken_away.then(|| json!([])));
        }
        add(&mut body, "limits", self.no_limits.then(|| json!({})));
        if body.is_empty() {
            return Err(Exit::Usage.because("name what shall change"));
        }
        add(&mut body, "version", self.if_version);
        Ok(body)
    }
}

fn named<T: Clone>(list: &[T]) -> Option<Vec<T>> {
    (!list.is_empty()).then(|| list.to_vec())
}

fn further_host(text: &str) -> Result<Value, String> {
    let (base_url, credential) = text.rsplit_once('=').ok_or("not of the form URL=CREDENTIAL")?;
    Ok(json!({ "base_url": base_url, "credential": credential }))
}

fn limit(text: &str) -> Result<(String, u64), String> {
    let (name, number) = text.split_once('=').ok_or("not of the form NAME=NUMBER")?;
    let number = number.parse().map_err(|_| "not a number")?;
    let known = serde_json::from_value::<countersign_core::provider::ProviderLimits>(json!({ name: number }));
    // A name that the server passes over would limit nothing.
    known.map_err(|_| "no limit has this name")?;
    Ok((name.to_owned(), number))
}

fn rule(text: &str) -> Result<Value, String> {
    let rule = serde_json::from_str::<countersign_core::provider::ProviderRule>(text);
    rule.map(|rule| json!(rule))
        .map_err(|error| format!("not a rule as JSON: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_would_pass_over_is_refused() {
        assert!(limit("concurrency=5").is_ok());
        for bad in ["concurency=5", "concurrency", "concurrency=x", "concurrency=-1"] {
            assert!(limit(bad).is_err(), "{bad}");
        }
        assert!(rule(r#"{"name":"r","scope":"gateway:a"}"#).is_ok());
        for bad in [
            "",
            "[]",
            r#"{"name":"r"}"#,
            r#"{"name":"r","scope":"s","method":["GET"]}"#,
        ] {
            assert!(rule(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_further_host_may_have_an_equals_sign_in_its_url() {
        let host = further_host("https://a.example/x=y=files").unwrap();
        assert_eq!(
            host,
            json!({ "base_url": "https://a.example/x=y", "credential": "files" })
        );
        assert!(further_host("https://a.example").is_err());
    }
}
