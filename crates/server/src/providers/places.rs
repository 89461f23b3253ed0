//! Where a provider's calls may go, and which credential may go there.

use countersign_core::credential::{self, DEFAULT_NAME};
use countersign_core::provider::{ProviderRule, ProviderSettings};
use countersign_gateway::address::AddressGuard;
use countersign_gateway::upstream::Upstream;

use super::InvalidSettings;

/// The places of a provider, as its settings name them.
#[derive(Debug)]
pub struct Places {
    /// That of the base URL.
    pub upstream: Upstream,
    /// Those beside it, each with the name of its credential.
    pub further: Vec<(Upstream, String)>,
}

impl Places {
    /// The places of settings, each of which the gateway would call.
    pub fn of(settings: &ProviderSettings) -> Result<Self, InvalidSettings> {
        let allowed = settings.allowed_cidrs.iter().map(|text| text.parse());
        let allowed = allowed
            .collect::<Result<_, _>>()
            .map_err(|_| InvalidSettings::Cidr)?;
        let guard = AddressGuard::new(allowed, Vec::new())?;
        let upstream = Upstream::parse(&settings.base_url, &guard)?;
        let mut further: Vec<(Upstream, String)> = Vec::new();
        for host in &settings.further_hosts {
            credential::check_name(&host.credential)?;
            let place = Upstream::parse(&host.base_url, &guard).map_err(InvalidSettings::FurtherHost)?;
            let known = further.iter().map(|(place, _)| place).chain([&upstream]);
            if known
                .into_iter()
                .any(|known| known.authority() == place.authority())
            {
                return Err(InvalidSettings::SameHost);
            }
            further.push((place, host.credential.clone()));
        }
        Ok(Self { upstream, further })
    }

    /// The hosts that a credential of this name may be sent to ([`Upstream::sealed_host`]): those of the further hosts that name it, and that of the
    /// base URL, unless only further hosts name it.
    pub fn hosts_of(&self, name: &str, rules: &[ProviderRule]) -> Vec<String> {
        let further = self.further.iter().filter(|(_, credential)| credential == name);
        let further: Vec<String> = further.map(|(place, _)| place.sealed_host()).collect();
        let is_chosen = rules.iter().any(|rule| rule.credential.as_deref() == Some(name));
        let goes_to_base = further.is_empty() || is_chosen || name == DEFAULT_NAME;
        let base = goes_to_base.then(|| self.upstream.sealed_host());
        base.into_iter().chain(further).collect()
    }
}

#[cfg(test)]
mod tests {
    use countersign_core::provider::FurtherHost;
    use countersign_gateway::upstream::UpstreamError;

    use super::*;

    fn settings(base_url: &str, further: &[(&str, &str)]) -> ProviderSettings {
        let further_hosts = further.iter().map(|(base_url, credential)| FurtherHost {
            base_url: (*base_url).to_owned(),
            credential: (*credential).to_owned(),
        });
        ProviderSettings {
            base_url: base_url.to_owned(),
            further_hosts: further_hosts.collect(),
            ..ProviderSettings::default()
        }
    }

    #[test]
    fn a_credential_goes_where_it_is_named_for_and_nowhere_else() {
        let settings = settings(
            "https://api.example/v1",
            &[
                ("https://files.example", "files"),
                ("https://more.example:8443", "files"),
                ("https://both.example", "both"),
            ],
        );
        let places = Places::of(&settings).unwrap();
        let rules = [ProviderRule {
            credential: Some("both".into()),
            ..ProviderRule::default()
        }];
        for (name, hosts) in [
            ("default", &["api.example"][..]),
            ("other", &["api.example"]),
            ("files", &["files.example", "more.example:8443"]),
            ("both", &["api.example", "both.example"]),
        ] {
            assert_eq!(places.hosts_of(name, &rules), hosts, "{name}");
        }
    }

    #[test]
    fn places_that_cannot_be_called_or_told_apart_are_refused() {
        let refused = |settings: &ProviderSettings| Places::of(settings).unwrap_err();
        assert_eq!(
            refused(&settings("http://api.example", &[])),
            UpstreamError::PlainHttp.into()
        );
        for further in [
            &[("https://API.example:443/other", "a")][..],
            &[("https://f.example/a", "a"), ("https://f.example/b", "b")],
        ] {
            assert_eq!(
                refused(&settings("https://api.example", further)),
                InvalidSettings::SameHost
            );
        }
        let further = [("https://u:p@f.example", "a")];
        assert_eq!(
            refused(&settings("https://api.example", &further)),
            InvalidSettings::FurtherHost(UpstreamError::UserInfo)
        );
        let further = [("https://f.example", "a b")];
        assert!(matches!(
            refused(&settings("https://api.example", &further)),
            InvalidSettings::Credential(_)
        ));
        let with_ranges = |ranges: &[&str]| ProviderSettings {
            allowed_cidrs: ranges.iter().map(|range| (*range).to_owned()).collect(),
            ..settings("https://api.example", &[])
        };
        assert_eq!(refused(&with_ranges(&["10.0.0.0"])), InvalidSettings::Cidr);
        assert!(matches!(
            refused(&with_ranges(&["0.0.0.0/0"])),
            InvalidSettings::AllowList(_)
        ));
        assert!(Places::of(&with_ranges(&["10.0.0.0/8"])).is_ok());
    }
}
