//! Names of which each is given once.

use std::collections::{HashMap, HashSet};

/// Names that are taken, and how far the numbers behind each have come: without that, thousands of operations with one
/// name would take the square of their number of steps.
#[derive(Default)]
pub(super) struct Taken {
    names: HashSet<String>,
    numbers: HashMap<String, usize>,
}

impl Taken {
    /// The first of `base`, `base2`, `base3`, … that is free, as `written` writes it.
    pub(super) fn take(&mut self, base: &str, written: impl Fn(&str) -> String) -> String {
        let number = self.numbers.entry(base.to_owned()).or_insert(0);
        loop {
            *number += 1;
            let name = if *number == 1 {
                written(base)
            } else {
                written(&format!("{base}{number}"))
            };
            if self.names.insert(name.clone()) {
                return name;
            }
        }
    }
}
