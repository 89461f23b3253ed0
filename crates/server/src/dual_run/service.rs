//! The old services that the configuration names.

use std::net::IpAddr;

use countersign_core::old_service::OldServiceName;
use serde::Deserialize;
use url::{Host, Url};

/// An old service and its token endpoint, `NAME=URL` in the configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct OldService {
    /// What digests call it.
    pub name: OldServiceName,
    /// Where it issues tokens.
    pub token_url: Url,
}

impl TryFrom<String> for OldService {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (name, url) = text
            .split_once('=')
            .ok_or("dual_run.services has entries of the form NAME=URL")?;
        let name = name
            .parse()
            .map_err(|error| format!("dual_run.services: {error}"))?;
        let refused = |why: &str| format!("dual_run.services: the URL of {name} {why}");
        let token_url: Url = url.parse().map_err(|_| refused("is not one"))?;
        if !may_carry_secrets(&token_url) {
            return Err(refused("must be https, except on this machine"));
        }
        // It is shown by `config show` and stands in logs.
        if !token_url.username().is_empty() || token_url.password().is_some() {
            return Err(refused("must not hold credentials"));
        }
        if token_url.fragment().is_some() {
            return Err(refused("must not have a fragment"));
        }
        Ok(Self { name, token_url })
    }
}

/// Whether secrets may travel to this address: encrypted, or without leaving the machine.
pub fn may_carry_secrets(url: &Url) -> bool {
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    };
    url.scheme() == "https" || url.scheme() == "http" && is_loopback
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<OldService, String> {
        text.to_owned().try_into()
    }

    #[test]
    fn secrets_travel_encrypted_or_not_at_all() {
        for good in [
            "stytch=https://api.stytch.com/v1/public/project-live-1/oauth2/token",
            "old=http://127.0.0.1:4000/t?a=b",
            "old=http://[::1]/t",
            "old=http://localhost:1/t",
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in [
            "https://api.stytch.com/t",
            "old=http://10.0.0.1/t",
            "old=http://localhost.example/t",
            "old=ftp://127.0.0.1/t",
            "old=https://user:pw@h/t",
            "old=https://h/t#x",
            "Old=https://h/t",
            "old=",
        ] {
            let error = parse(bad).unwrap_err();
            assert!(!error.contains("pw"), "{error}");
        }
    }
}
