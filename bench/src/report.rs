//! Tables: printed, and written into `docs/performance.md` between the marks of their bench.

use std::path::PathBuf;

use anyhow::Context;

use crate::machine;

/// One figure: two raw readings and their ratio beside what is to be reached.
pub(crate) struct Figure {
    /// What is compared.
    pub(crate) name: String,
    /// The reading of what is judged.
    pub(crate) ours: f64,
    /// The reading it is held against.
    pub(crate) other: f64,
    /// What the ratio should be.
    pub(crate) reach: Reach,
}

/// What a ratio should be.
#[derive(Clone, Copy)]
pub(crate) enum Reach {
    /// At least this.
    AtLeast(f64),
    /// At most this.
    AtMost(f64),
    /// Nothing is laid down; the reading is for orientation.
    Open,
}

impl Figure {
    fn row(&self) -> String {
        let ratio = self.ours / self.other;
        let (reach, met) = match self.reach {
            Reach::AtLeast(bound) => (
                format!("≥ {bound}"),
                if ratio >= bound { "yes" } else { "**missed**" },
            ),
            Reach::AtMost(bound) => (
                format!("≤ {bound}"),
                if ratio <= bound { "yes" } else { "**missed**" },
            ),
            Reach::Open => (String::new(), ""),
        };
        format!(
            "| {} | {} | {} | {ratio:.2} | {reach} | {met} |",
            self.name,
            number(self.ours),
            number(self.other)
        )
    }
}

/// Three digits are all that a noisy machine can vouch for.
fn number(value: f64) -> String {
    if value >= 1000.0 {
        format!("{value:.0}")
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.3}")
    }
}

/// Prints the table of a bench and puts it into the document.
#[expect(clippy::print_stdout, reason = "the table is what a bench is for")]
pub(crate) fn publish(bench: &str, how: &str, figures: &[Figure]) -> anyhow::Result<()> {
    let rows: Vec<String> = figures.iter().map(Figure::row).collect();
    let table = format!(
        "Machine: {}. {how}\n\n| figure | ours | held against | ratio | reach | met |\n|---|---:|---:|---:|---|---|\n{}\n",
        machine::describe(),
        rows.join("\n")
    );
    println!("{table}");
    let file = PathBuf::from("docs/performance.md");
    let text = std::fs::read_to_string(&file).context("run from the repository's root")?;
    let (start, end) = (
        format!("<!-- bench {bench} -->\n"),
        format!("<!-- end {bench} -->"),
    );
    let (before, rest) = text
        .split_once(&start)
        .with_context(|| format!("no mark {start}"))?;
    let (_, after) = rest.split_once(&end).with_context(|| format!("no mark {end}"))?;
    std::fs::write(&file, format!("{before}{start}{table}{end}{after}"))?;
    Ok(())
}
