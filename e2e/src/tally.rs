//! Reads how many checks a test runner made, from the line it closes with.

use std::ops::AddAssign;

/// Counted checks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Those that passed.
    pub passed: u32,
    /// Those that failed.
    pub failed: u32,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl Tally {
    /// What a line of output adds, if it is a closing line of pytest, of node's test runner or of cargo test.
    pub fn of_line(line: &str) -> Self {
        let line = without_colours(line);
        let words: Vec<_> = line
            .split([' ', ',', ';', '='])
            .filter(|word| !word.is_empty())
            .collect();
        let is_pytest = line.starts_with('=') && words.contains(&"in");
        let is_cargo = line.starts_with("test result:");
        let is_node = matches!(words.first(), Some(&("#" | "ℹ"))) && words.len() == 3;
        if is_node {
            let count = words[2].parse().unwrap_or(0);
            return Self::default().with(words[1], count);
        }
        if !is_pytest && !is_cargo {
            return Self::default();
        }
        let counted = words
            .windows(2)
            .filter_map(|pair| Some((pair[1], pair[0].parse().ok()?)));
        counted.fold(Self::default(), |tally, (word, count)| tally.with(word, count))
    }

    fn with(mut self, word: &str, count: u32) -> Self {
        match word {
            "pass" | "passed" => self.passed += count,
            "fail" | "failed" | "error" | "errors" | "cancelled" => self.failed += count,
            _ => {}
        }
        self
    }
}

fn without_colours(line: &str) -> String {
    let mut parts = line.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain += part.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain
}
