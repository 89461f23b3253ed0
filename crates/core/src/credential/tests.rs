use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;
use crate::audit::ActorKind;
use crate::client::tests::at;
use crate::pepper::PepperId;

const VALUE: &[u8] = br#"{"kind":"bearer","token":"canary"}"#;

struct Setting {
    key: MasterKey,
    peppers: Peppers,
    chance: StdRng,
}

impl Setting {
    fn new() -> Self {
        let mut chance = StdRng::seed_from_u64(1);
        Self {
            key: MasterKey::generate(&mut chance),
            peppers: Peppers::new(PepperId::from_stored("p"), &[7; 32]),
            chance,
        }
    }

    fn set(&mut self, before: Option<&StoredCredential>, value: &[u8]) -> StoredCredential {
        self.try_set("acme", "default", before, &["api.acme.example"], value)
            .unwrap()
    }

    fn try_set(
        &mut self,
        provider: &str,
        name: &str,
        before: Option<&StoredCredential>,
        hosts: &[&str],
        value: &[u8],
    ) -> Result<StoredCredential, InvalidCredential> {
        let project_id = project("1");
        let place = CredentialPlace {
            project_id: &project_id,
            provider,
            name,
        };
        let new = NewCredential {
            kind: "bearer",
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            value,
        };
        let keeping = Keeping {
            master_key: &self.key,
            peppers: &self.peppers,
        };
        let actor = Actor {
            kind: ActorKind::Operator,
            id: "operator-1".into(),
        };
        let now = at(before.map_or(1, |before| before.version + 1));
        StoredCredential::set(place, before, new, &keeping, &actor, now, &mut self.chance)
    }

    fn keys(self) -> MasterKeys {
        MasterKeys::new(self.key, None)
    }
}

fn project(tail: &str) -> ProjectId {
    format!("project-test-{tail}").parse().unwrap()
}

#[test]
fn a_value_comes_back_for_the_row_it_was_sealed_for() {
    let mut setting = Setting::new();
    let credential = setting.set(None, VALUE);
    assert_eq!(credential.version, 1);
    assert!(credential.id.starts_with("credential-test-"), "{}", credential.id);
    assert_eq!(credential.created_by, "operator operator-1");
    assert_eq!(credential.open(&setting.keys()).unwrap().as_slice(), VALUE);
}

/// The attack: to write to the database and lack the master key.
#[test]
fn a_row_that_was_moved_or_pointed_elsewhere_does_not_open() {
    let mut setting = Setting::new();
    let credential = setting.set(None, VALUE);
    let next = setting.set(Some(&credential), b"next");
    let keys = setting.keys();
    let hosts = |hosts: &[&str]| hosts.iter().map(|host| (*host).to_owned()).collect::<Vec<_>>();
    let forged = [
        (
            "another project",
            StoredCredential {
                project_id: project("2"),
                ..credential.clone()
            },
        ),
        (
            "another provider",
            StoredCredential {
                provider: "evil".into(),
                ..credential.clone()
            },
        ),
        (
            "another name",
            StoredCredential {
                name: "other".into(),
                ..credential.clone()
            },
        ),
        (
            "another id",
            StoredCredential {
                id: "credential-test-0".into(),
                ..credential.clone()
            },
        ),
        (
            "another host",
            StoredCredential {
                hosts: hosts(&["evil.example"]),
                ..credential.clone()
            },
        ),
        (
            "a further host",
            StoredCredential {
                hosts: hosts(&["api.acme.example", "evil.example"]),
                ..credential.clone()
            },
        ),
        (
            "hosts run together",
            StoredCredential {
                hosts: hosts(&["api.acme.example\",\"evil.example"]),
                ..credential.clone()
            },
        ),
        (
            "another version",
            StoredCredential {
                version: 2,
                ..credential.clone()
            },
        ),
        (
            "the value before",
            StoredCredential {
                sealed: credential.sealed.clone(),
                ..next.clone()
            },
        ),
    ];
    for (what, forged) in forged {
        let refused = forged.open(&keys).unwrap_err();
        assert_eq!(refused.source, OpenError::Altered, "{what}");
    }
    assert!(credential.open(&keys).is_ok() && next.open(&keys).is_ok());
}

#[test]
fn two_rows_that_changed_places_do_not_open() {
    let mut setting = Setting::new();
    let one = setting
        .try_set("acme", "one", None, &["a.example"], b"1")
        .unwrap();
    let two = setting
        .try_set("acme", "two", None, &["a.example"], b"2")
        .unwrap();
    let keys = setting.keys();
    for (row, sealed) in [(&one, &two.sealed), (&two, &one.sealed)] {
        let swapped = StoredCredential {
            sealed: sealed.clone(),
            ..row.clone()
        };
        let refused = swapped.open(&keys).unwrap_err();
        let words = refused.to_string();
        assert!(words.contains("altered, or moved from another row"), "{words}");
        assert!(words.contains(&row.name) && words.contains(&row.id), "{words}");
        assert!(words.contains("credential set"), "{words}");
    }
}

#[test]
fn a_truncated_value_does_not_open_and_another_master_key_is_named() {
    let mut setting = Setting::new();
    let credential = setting.set(None, VALUE);
    let stranger = MasterKey::generate(&mut setting.chance);
    let (own, other) = (setting.key.id().to_owned(), stranger.id().to_owned());
    let refused = credential.open(&MasterKeys::new(stranger, None)).unwrap_err();
    let words = refused.to_string();
    assert!(words.contains(&own) && words.contains(&other), "{words}");
    let keys = setting.keys();
    let text = credential.sealed.as_str();
    for length in 0..text.len() {
        let truncated = StoredCredential {
            sealed: Sealed::from_stored(text[..length].to_owned()),
            ..credential.clone()
        };
        assert!(truncated.open(&keys).is_err(), "{length}");
    }
}

#[test]
fn another_value_is_another_version_of_the_same_credential() {
    let mut setting = Setting::new();
    let first = setting.set(None, VALUE);
    let used = StoredCredential {
        last_used_at: Some(at(9)),
        ..first.clone()
    };
    let second = setting.set(Some(&used), b"next");
    assert_eq!((second.version, &second.id), (2, &first.id));
    assert_eq!(
        (second.created_at, second.updated_at, second.last_used_at),
        (at(1), at(2), Some(at(9)))
    );
    assert_ne!(second.fingerprint, first.fingerprint);
    assert_eq!(setting.set(None, VALUE).fingerprint, first.fingerprint);
}

#[test]
fn nothing_that_is_shown_holds_the_value() {
    let mut setting = Setting::new();
    let credential = setting.set(None, VALUE);
    let shown = format!("{credential:?} {}", credential.for_audit());
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn equal_values_of_two_projects_have_different_fingerprints() {
    let peppers = Setting::new().peppers;
    let of = |tail| fingerprint(&project(tail), VALUE, &peppers);
    assert_eq!(of("1"), of("1"));
    assert_ne!(of("1"), of("2"));
    let other = Peppers::new(PepperId::from_stored("p"), &[8; 32]);
    assert_ne!(of("1"), fingerprint(&project("1"), VALUE, &other));
}

#[test]
fn what_could_not_be_kept_or_sent_is_refused() {
    let mut setting = Setting::new();
    let longest = vec![b'x'; VALUE_MAX_BYTES + 1];
    for (name, hosts, value, expected) in [
        ("", &["h"][..], VALUE, InvalidCredential::Name),
        ("a b", &["h"], VALUE, InvalidCredential::Name),
        ("a/b", &["h"], VALUE, InvalidCredential::Name),
        (&"x".repeat(65), &["h"], VALUE, InvalidCredential::Name),
        ("a", &[], VALUE, InvalidCredential::NoHost),
        ("a", &["h"], &longest, InvalidCredential::TooLong),
    ] {
        let refused = setting.try_set("acme", name, None, hosts, value);
        assert_eq!(refused.unwrap_err(), expected, "{name}");
    }
}
