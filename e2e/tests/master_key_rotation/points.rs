//! Where a rotation can be killed.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::ensure;
use countersign_e2e::strace::Call;

/// Calls that change a file, make changes last, or change a name. With a question mark: where the machine has them.
pub(super) const CHANGES: [&str; 11] = [
    "write",
    "writev",
    "pwrite64",
    "fsync",
    "fdatasync",
    "ftruncate",
    "?rename",
    "?renameat",
    "?renameat2",
    "?unlink",
    "?unlinkat",
];

/// Before the so manyth call of a kind for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) call: String,
    /// By its name in the data folder; empty for the folder itself.
    pub(super) file: String,
    pub(super) number: usize,
}

/// The points of a rotation in this folder. Strace counts the calls of each thread by themselves and kills with the first to
/// get there, so where two threads make the same call for one file, the later one's is out of reach, and which thread makes how
/// many differs from run to run. They do that only to sync the folder, and a sync that was not made is a loss to the power's failure, not to a process.
pub(super) fn of(calls: &[Call], data_dir: &Path) -> anyhow::Result<Vec<Point>> {
    let mut numbers = BTreeMap::new();
    let mut points = Vec::new();
    for call in calls {
        // Elsewhere is standard output.
        let Ok(file) = Path::new(&call.target).strip_prefix(data_dir) else {
            continue;
        };
        let number = numbers.entry((&call.thread, &call.name, file)).or_insert(0);
        *number += 1;
        let point = Point {
            call: call.name.clone(),
            file: file.display().to_string(),
            number: *number,
        };
        if !points.contains(&point) {
            points.push(point);
        }
    }
    for step in [
        ("write", "master.key.next"),
        ("fsync", "countersign.db-wal"),
        ("rename", "master.key.next"),
    ] {
        let is_step = |point: &Point| point.call.starts_with(step.0) && point.file == step.1;
        ensure!(
            points.iter().any(is_step),
            "no {} of {} among {points:?}",
            step.0,
            step.1
        );
    }
    Ok(points)
}

impl Point {
    /// The one kind of call that more than one thread makes.
    pub(super) fn is_sync_of_the_folder(&self) -> bool {
        self.file.is_empty() && self.call == "fsync"
    }

    /// The file as strace finds it.
    pub(super) fn path(&self, data_dir: &Path) -> PathBuf {
        if self.file.is_empty() {
            // Joining nothing would add a slash.
            data_dir.to_owned()
        } else {
            data_dir.join(&self.file)
        }
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = if self.file.is_empty() {
            "the folder"
        } else {
            &self.file
        };
        write!(f, "{} {} of {file}", self.call, self.number)
    }
}
