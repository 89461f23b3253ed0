//! Links from Markdown files to other files of this repository, and to headings.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

use crate::workspace::{files, read};

pub(super) fn check() -> anyhow::Result<Vec<String>> {
    let files: HashSet<_> = files()?.into_iter().collect();
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.ends_with(".md")) {
        let content = read(file)?.unwrap_or_default();
        for target in targets(&content) {
            if let Some(problem) = problem(file, &target, &files)? {
                findings.push(format!("{file}: the link to {target} {problem}"));
            }
        }
    }
    findings.sort();
    Ok(findings)
}

/// What is wrong with a link that stands in `file`.
fn problem(file: &str, target: &str, files: &HashSet<String>) -> anyhow::Result<Option<String>> {
    if ["http:", "https:", "mailto:"]
        .iter()
        .any(|scheme| target.starts_with(scheme))
    {
        return Ok(None);
    }
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let Some(path) = (if path.is_empty() {
        Some(file.to_owned())
    } else {
        resolve(file, path)
    }) else {
        return Ok(Some("leaves the repository".into()));
    };
    let is_folder = path.is_empty() || files.iter().any(|other| other.starts_with(&format!("{path}/")));
    if !files.contains(&path) && !is_folder {
        return Ok(Some("leads nowhere".into()));
    }
    if !heading.is_empty()
        && path.ends_with(".md")
        && !headings(&read(&path)?.unwrap_or_default()).contains(heading)
    {
        return Ok(Some(format!("finds no heading #{heading}")));
    }
    Ok(None)
}

/// The path that a link means, from the root of the repository.
fn resolve(file: &str, link: &str) -> Option<String> {
    let from = Path::new(file).parent().unwrap_or(Path::new(""));
    let mut path = PathBuf::new();
    for component in from.join(link).components() {
        match component {
            Component::Normal(name) => path.push(name),
            Component::ParentDir => {
                if !path.pop() {
                    return None;
                }
            }
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path.display().to_string())
}

/// What the links of a text lead to: `[words](target "title")` and `[word]: target`, outside of code.
fn targets(markdown: &str) -> Vec<String> {
    let mut targets = Vec::new();
    for line in prose(markdown) {
        // Every other part stands between backticks.
        let line: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        let inline = line
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split([')', ' ']).next());
        let definition = line
            .strip_prefix('[')
            .and_then(|rest| rest.split_once("]: "))
            .map(|(_, target)| target);
        targets.extend(
            inline
                .chain(definition)
                .map(|target| target.trim_matches(['<', '>', ' ']).to_owned()),
        );
    }
    targets
}

/// The addresses of a text's headings, as forges make them: lower case, only words, joined by hyphens.
fn headings(markdown: &str) -> HashSet<String> {
    let mut addresses = HashSet::new();
    for line in prose(markdown).filter(|line| line.starts_with('#')) {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        let address: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        // A title that stands there twice gets a number.
        let again = (1..).map(|number| format!("{address}-{number}"));
        let free = std::iter::once(address.clone())
            .chain(again)
            .find(|address| !addresses.contains(address));
        addresses.extend(free);
    }
    addresses
}

/// The lines that are not in a fenced block.
pub(super) fn prose(markdown: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    markdown.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_outside_of_code() {
        let text = "see [a](b.md#c \"t\"), `[x](y)` and [d](<e.md>)\n```\n[f](g)\n```\n[h]: i.md";
        assert_eq!(targets(text), ["b.md#c", "e.md", "i.md"]);
    }

    #[test]
    fn a_link_is_read_from_where_it_stands() {
        assert_eq!(
            resolve("docs/guide/tls.md", "../defaults.md").as_deref(),
            Some("docs/defaults.md")
        );
        assert_eq!(resolve("README.md", "./docs/").as_deref(), Some("docs"));
        assert_eq!(resolve("README.md", "../elsewhere.md"), None);
    }

    #[test]
    fn headings_have_addresses() {
        let found = headings("# Error: `a_b`, twice\n## Again\n## Again\n```\n# not me\n```");
        assert_eq!(
            found,
            ["error-a_b-twice", "again", "again-1"].map(String::from).into()
        );
    }
}
