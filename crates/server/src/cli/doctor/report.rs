//! What was found.

use serde_json::{Value, json};
use strum::Display;

use crate::cli::printing::{Output, printable, text_table};

/// What is looked at. The names are anchors of the guide's page `doctor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display)]
#[cfg_attr(test, derive(strum::EnumIter))]
#[strum(serialize_all = "kebab-case")]
pub(super) enum Check {
    /// Somebody answers at the address.
    Reachable,
    /// The database can be written, memory is fresh.
    Ready,
    /// The way is encrypted, and the certificate lasts.
    TlsCertificate,
    /// Both clocks agree.
    ClockSkew,
    /// Headers arrive as they were sent.
    SecurityHeaders,
    /// Nobody is let in with wrong credentials.
    WrongCredentials,
    /// The server knows the address it is reached at.
    PublicUrl,
    /// The issuer's metadata is there and names this address.
    Metadata,
    /// SDKs can read the key set.
    KeySet,
    /// The project's secret works.
    ProjectSecret,
    /// The operator's key works.
    OperatorKey,
    /// Something signs, and not for too long.
    SigningKeys,
    /// Rotations of client secrets come to an end.
    OpenRotations,
    /// Project secrets are used.
    UnusedProjectSecrets,
    /// Clients are used.
    UnusedClients,
    /// Only a token for the gateway with the right scope gets in.
    AttackAdmission,
    /// A path is judged as it is forwarded.
    AttackPaths,
    /// A request has one end, and a method that is forwarded.
    AttackFraming,
    /// No page calls with somebody else's rights.
    AttackBrowser,
    /// Forged fields stay here, and so does what hostile providers send.
    AttackUpstream,
    /// Metadata services and private addresses are not called.
    AttackAddresses,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Display)]
#[strum(serialize_all = "UPPERCASE")]
pub(super) enum Level {
    Ok,
    Warn,
    Fail,
}

/// What a check came to.
#[derive(Debug)]
pub(super) struct Verdict {
    level: Level,
    text: String,
}

/// All that was found.
#[derive(Debug)]
pub(super) struct Report {
    url: String,
    findings: Vec<Finding>,
}

#[derive(Debug)]
struct Finding {
    check: Check,
    project_id: Option<String>,
    verdict: Verdict,
}

/// As it should be.
pub(super) fn ok(text: impl Into<String>) -> Verdict {
    verdict(Level::Ok, text.into())
}

/// To be looked at.
pub(super) fn warn(text: impl Into<String>) -> Verdict {
    verdict(Level::Warn, text.into())
}

/// Broken.
pub(super) fn fail(text: impl Into<String>) -> Verdict {
    verdict(Level::Fail, text.into())
}

fn verdict(level: Level, text: String) -> Verdict {
    Verdict { level, text }
}

/// As bad as the worst of them, in all their words; `None` of none.
pub(super) fn worst(verdicts: impl IntoIterator<Item = Verdict>) -> Option<Verdict> {
    verdicts.into_iter().reduce(|one, other| Verdict {
        level: one.level.max(other.level),
        text: format!("{}; {}", one.text, other.text),
    })
}

#[cfg(test)]
impl Verdict {
    pub(super) fn level(&self) -> Level {
        self.level
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

impl Report {
    /// Of the server at `url`.
    pub(super) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            findings: Vec::new(),
        }
    }

    /// Notes what a check came to.
    pub(super) fn add(&mut self, check: Check, project_id: Option<&str>, verdict: Verdict) {
        self.findings.push(Finding {
            check,
            project_id: project_id.map(str::to_owned),
            verdict,
        });
    }

    /// Notes what a check came to; a check that could not be made has failed.
    pub(super) fn tell(&mut self, check: Check, project_id: Option<&str>, verdict: anyhow::Result<Verdict>) {
        let verdict = verdict.unwrap_or_else(|error| fail(format!("{error:#}")));
        self.add(check, project_id, verdict);
    }

    /// Checks that failed.
    pub(super) fn failures(&self) -> usize {
        self.count(Level::Fail)
    }

    /// Shows it.
    pub(super) fn print(&self, output: Output) -> anyhow::Result<()> {
        output.own(&self.as_json(), || self.for_people())
    }

    fn count(&self, level: Level) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.verdict.level == level)
            .count()
    }

    fn page(&self, check: Check) -> String {
        format!("{}/guide/doctor#{check}", self.url)
    }

    fn as_json(&self) -> Value {
        let finding = |finding: &Finding| {
            json!({
                "level": finding.verdict.level.to_string(),
                "check": finding.check.to_string(),
                "project_id": finding.project_id,
                "message": finding.verdict.text,
                "page": self.page(finding.check),
            })
        };
        json!({
            "url": self.url,
            "findings": self.findings.iter().map(finding).collect::<Vec<_>>(),
            "ok": self.count(Level::Ok),
            "warn": self.count(Level::Warn),
            "fail": self.count(Level::Fail),
        })
    }

    /// A table of the server's own findings, and one for each project.
    fn for_people(&self) -> String {
        let mut projects: Vec<_> = self.findings.iter().map(|finding| &finding.project_id).collect();
        projects.sort();
        projects.dedup();
        let tables = projects.into_iter().map(|project_id| {
            let heading = project_id.as_ref().map(|id| format!("\n{}\n", printable(id)));
            let own = self
                .findings
                .iter()
                .filter(|finding| finding.project_id == *project_id);
            heading.unwrap_or_default() + &self.table(own)
        });
        tables.collect()
    }

    fn table<'f>(&self, findings: impl Iterator<Item = &'f Finding>) -> String {
        let headings = ["RESULT", "CHECK", "FINDING"].map(str::to_owned).to_vec();
        let rows = findings.map(|Finding { check, verdict, .. }| {
            let page = match verdict.level {
                Level::Ok => String::new(),
                Level::Warn | Level::Fail => format!("\n→ {}", self.page(*check)),
            };
            let text = format!("{}{page}", printable(&verdict.text));
            vec![verdict.level.to_string(), check.to_string(), text]
        });
        text_table(headings, rows)
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator;

    use super::*;
    use crate::documents::GUIDE;

    #[test]
    fn every_check_has_its_section_in_the_guide() {
        let (_, page) = GUIDE.iter().find(|(name, _)| *name == "doctor").unwrap();
        for check in Check::iter() {
            assert!(
                page.contains(&format!("\n## {check}\n")),
                "docs/guide/doctor.md lacks {check}"
            );
        }
    }

    #[test]
    fn what_is_not_as_it_should_be_leads_to_its_page() {
        let mut report = Report::new("http://h");
        report.add(Check::Ready, None, ok("fine"));
        report.add(Check::OpenRotations, Some("project-test-1"), warn("old"));
        report.tell(Check::KeySet, None, Err(anyhow::anyhow!("gone")));
        let text = report.for_people();
        let heading = text.find("project-test-1\n");
        assert!(heading.is_some() && heading < text.find("old\n"), "{text}");
        assert!(text.contains("→ http://h/guide/doctor#open-rotations"), "{text}");
        assert!(!text.contains("#ready"), "{text}");
        assert_eq!(
            report.as_json()["findings"][0]["page"],
            "http://h/guide/doctor#ready"
        );
        assert_eq!(report.failures(), 1);
    }
}
