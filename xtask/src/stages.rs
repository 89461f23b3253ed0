//! A run of several steps: names each, times it, stops at the first that fails, and closes with a table.

use std::time::{Duration, Instant};

use crate::processes;

/// The steps done so far.
pub(crate) struct Stages {
    done: Vec<Stage>,
}

struct Stage {
    name: &'static str,
    took: Duration,
    passed: bool,
}

impl Stages {
    /// Runs the steps that `steps` asks for, prints the table, and makes sure that no process outlives the run.
    pub(crate) fn run(steps: impl FnOnce(&mut Self) -> anyhow::Result<()>) -> anyhow::Result<()> {
        processes::adopt_orphans()?;
        processes::take_along_when_interrupted()?;
        let mut stages = Self { done: Vec::new() };
        let outcome = steps(&mut stages);
        let alone = stages.stage("no process left behind", processes::none_left);
        stages.print_table();
        outcome.and(alone)
    }

    /// Runs one step.
    pub(crate) fn stage<T>(
        &mut self,
        name: &'static str,
        step: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        println!("\n==> {name}");
        let start = Instant::now();
        let outcome = step();
        self.done.push(Stage {
            name,
            took: start.elapsed(),
            passed: outcome.is_ok(),
        });
        outcome.map_err(|error| error.context(format!("stage \"{name}\" failed")))
    }

    fn print_table(&self) {
        println!("\n{:<24} {:>8}", "stage", "time");
        for Stage { name, took, passed } in &self.done {
            println!(
                "{name:<24} {:>8}{}",
                shown(*took),
                if *passed { "" } else { "  FAILED" }
            );
        }
        println!(
            "{:<24} {:>8}",
            "total",
            shown(self.done.iter().map(|stage| stage.took).sum())
        );
    }
}

fn shown(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 60.. => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{:.1}s", time.as_secs_f64()),
    }
}
