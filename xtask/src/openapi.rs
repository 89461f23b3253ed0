//! `cargo xtask openapi`: the API's descriptions, written from the handlers.

use std::path::Path;

use anyhow::Context as _;

use crate::{Verb, only_flag, product, run, workspace};

pub(crate) const VERB: Verb = Verb {
    name: "openapi",
    arguments: "[--check]",
    about: "write api/*.json from the handlers; --check only compares",
    run: openapi,
};

/// Which description goes where.
const DOCUMENTS: [(&str, &str); 2] = [
    ("--wire", "api/openapi.json"),
    ("--admin", "api/admin.openapi.json"),
];

fn openapi(arguments: &[String]) -> anyhow::Result<()> {
    let only_compare = only_flag(arguments, "--check")?;
    let binary = product::build()?;
    if only_compare {
        compare(&binary)
    } else {
        write(&binary)
    }
}

/// Compares with the binary that was put aside for the tests.
pub(crate) fn check() -> anyhow::Result<()> {
    compare(
        &workspace::target_dir()?
            .join("e2e")
            .join("bin")
            .join("countersign"),
    )
}

fn write(binary: &Path) -> anyhow::Result<()> {
    for (flag, file) in DOCUMENTS {
        let document = described(binary, flag)?;
        let path = workspace::root().join(file);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        std::fs::write(&path, document).with_context(|| format!("cannot write {}", path.display()))?;
        println!("wrote {file}");
    }
    Ok(())
}

fn compare(binary: &Path) -> anyhow::Result<()> {
    for (flag, file) in DOCUMENTS {
        let committed = std::fs::read_to_string(workspace::root().join(file)).unwrap_or_default();
        let written = described(binary, flag)?;
        let line = committed
            .lines()
            .zip(written.lines())
            .take_while(|(old, new)| old == new)
            .count()
            + 1;
        anyhow::ensure!(
            committed == written,
            "{file} and the handlers differ, first in line {line}: run `cargo xtask openapi` and commit the result"
        );
        println!("{file} says what the handlers do");
    }
    Ok(())
}

fn described(binary: &Path, flag: &str) -> anyhow::Result<String> {
    let text = run::output(run::program(binary).args(["openapi", flag]))?;
    // Files end with one newline, whatever a program prints.
    Ok(format!("{}\n", text.trim_end()))
}
