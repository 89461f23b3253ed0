//! How many crates come along.

use std::collections::BTreeSet;
use std::process::Command;

/// The most crates, itself among them, that somebody gets who asks for this crate with its default features on Linux.
///
/// There were 97 when this was measured first. Three parts are large and have no smaller equal: an HTTP client (reqwest with hyper,
/// tower and the 24 crates behind `url`), TLS (rustls on aws-lc-rs with the platform's authorities), and what derives code (serde,
/// thiserror, syn). Of our own choosing beside them are arc-swap, quick_cache with the two it brings, and secrecy. Three more are
/// allowed, so that a new minor version of a dependency breaks no build; another large part does.
const MOST_CRATES: usize = 100;

#[test]
fn few_crates_come_along() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--package", env!("CARGO_PKG_NAME"), "--edges", "normal"])
        .args(["--prefix", "none", "--format", "{p}", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let tree = String::from_utf8(output.stdout).unwrap();
    let crates: BTreeSet<_> = tree
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?, words.next()?))
        })
        .collect();
    println!(
        "countersign-client brings {} crates, itself among them",
        crates.len()
    );
    assert!(crates.len() > 20, "this is no tree: {tree}");
    assert!(
        crates.len() <= MOST_CRATES,
        "{} crates are more than {MOST_CRATES}:\n{tree}",
        crates.len()
    );
    for banned in [
        "ring",
        "openssl",
        "native-tls",
        "rcgen",
        "axum-core",
        "reqwest-middleware",
    ] {
        assert!(
            !crates.iter().any(|(name, _)| *name == banned),
            "{banned} comes along without having been asked for"
        );
    }
}
