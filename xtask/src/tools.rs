//! What the tests need besides Rust, and how it gets here.

use std::process::Command;

use anyhow::bail;

use crate::run;

/// A program that tests call.
struct Tool {
    /// Succeeds where the tool is there and good enough.
    probe: &'static [&'static str],
    /// Its Debian packages.
    packages: &'static [&'static str],
    /// For whoever has to install it by hand.
    what: &'static str,
}

/// One line a tool.
const TOOLS: &[Tool] = &[
    Tool {
        probe: &["strace", "-o", "/dev/null", "true"],
        packages: &["strace"],
        what: "strace that may trace",
    },
    Tool {
        probe: &["sh", "-c", "ls /usr/lib/postgresql/*/bin/postgres"],
        packages: &["postgresql"],
        what: "PostgreSQL",
    },
    Tool {
        probe: &["python3", "-c", PYTHON],
        packages: &["python3", "python3-venv"],
        what: "Python 3.11 with venv",
    },
    Tool {
        probe: &["node", "-e", NODE],
        packages: &["nodejs"],
        what: "Node 20.19 or newer",
    },
    Tool {
        probe: &["npm", "--version"],
        packages: &["npm"],
        what: "npm",
    },
    Tool {
        probe: &["chromium", "--version"],
        packages: &["chromium"],
        what: "Chromium",
    },
];

const PYTHON: &str = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))";
const NODE: &str =
    "const [a, b] = process.versions.node.split('.'); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)";

/// Installs what is missing, where that is possible without asking anybody.
pub(crate) fn ensure() -> anyhow::Result<()> {
    let missing = missing();
    if missing.is_empty() {
        println!("all there");
        return Ok(());
    }
    let packages: Vec<_> = missing.iter().flat_map(|tool| tool.packages).copied().collect();
    install(&packages).map_err(|error| error.context(format!("the tests need {}", names(&missing))))?;
    let missing = self::missing();
    if !missing.is_empty() {
        bail!(
            "installed {}, and still there is no {}",
            packages.join(", "),
            names(&missing)
        );
    }
    Ok(())
}

fn missing() -> Vec<&'static Tool> {
    TOOLS
        .iter()
        .filter(|tool| !run::succeeds(run::program(tool.probe[0]).args(&tool.probe[1..])))
        .collect()
}

fn names(tools: &[&Tool]) -> String {
    tools.iter().map(|tool| tool.what).collect::<Vec<_>>().join(", ")
}

fn install(packages: &[&str]) -> anyhow::Result<()> {
    let by_hand = || {
        format!(
            "install these by hand (names of Debian packages): {}",
            packages.join(" ")
        )
    };
    if !run::succeeds(run::program("apt-get").arg("--version")) {
        bail!("{}; there is no apt-get here to do it", by_hand());
    }
    let Some(update) = as_root(&["apt-get", "update"]) else {
        bail!(
            "{}; that takes root, or sudo that asks for no password",
            by_hand()
        );
    };
    // Without this, a new machine's list of packages is empty or too old to download by.
    run::run(&mut { update })?;
    let command = [
        &["apt-get", "install", "--yes", "--no-install-recommends"],
        packages,
    ]
    .concat();
    if let Some(mut install) = as_root(&command) {
        run::run(&mut install)?;
    }
    Ok(())
}

fn as_root(words: &[&str]) -> Option<Command> {
    let mut command = if rustix::process::geteuid().is_root() {
        run::program(words[0])
    } else if run::succeeds(run::program("sudo").args(["--non-interactive", "true"])) {
        let mut sudo = run::program("sudo");
        sudo.args(["--non-interactive", "--preserve-env=DEBIAN_FRONTEND", words[0]]);
        sudo
    } else {
        return None;
    };
    command.args(&words[1..]).env("DEBIAN_FRONTEND", "noninteractive");
    Some(command)
}
