//! Keeps sight of every process that a run starts, however far down, so that none outlives it.
//!
//! Test servers run in process groups of their own and would survive both the test that started them, when it is killed,
//! and a Ctrl-C. Linux hands the orphans of our descendants to us if we ask for it; then "started by this run" is the same
//! as "below us in the process tree". Elsewhere there is nothing to ask, and this module does nothing.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::process::{Pid, Signal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// How long what was told to stop, or is about to end by itself, may take.
const GRACE: Duration = Duration::from_secs(3);

/// One line of the process table.
struct Process {
    pid: i32,
    parent: i32,
    name: String,
    /// Ended, and only waits for its parent to hear of it.
    ended: bool,
}

/// Asks to become the parent of every descendant whose own parent ends.
pub(crate) fn adopt_orphans() -> anyhow::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .context("cannot adopt orphaned processes")?;
    Ok(())
}

/// Makes an interruption end the descendants too, after they had time to end by themselves.
pub(crate) fn take_along_when_interrupted() -> anyhow::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot listen for signals")?;
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            if signal != SIGINT {
                // A Ctrl-C reached our group already, and a second one would make test runners rude.
                send(&descendants(), Signal::TERM);
            }
            send(&still_there_after(GRACE), Signal::KILL);
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}

/// Fails, and ends them, when descendants are still running.
pub(crate) fn none_left() -> anyhow::Result<()> {
    let left = still_there_after(GRACE);
    send(&left, Signal::KILL);
    let named: Vec<_> = left
        .iter()
        .map(|process| format!("{} ({})", process.name, process.pid))
        .collect();
    anyhow::ensure!(
        left.is_empty(),
        "still running when all was done, and killed now: {}",
        named.join(", ")
    );
    Ok(())
}

fn still_there_after(grace: Duration) -> Vec<Process> {
    let start = Instant::now();
    loop {
        let left = descendants();
        if left.is_empty() || start.elapsed() > grace {
            return left;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn send(processes: &[Process], signal: Signal) {
    for pid in processes.iter().filter_map(|process| Pid::from_raw(process.pid)) {
        // One that ended meanwhile is what we want.
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// Our running children, their children, and so on.
fn descendants() -> Vec<Process> {
    let mut children: HashMap<i32, Vec<Process>> = HashMap::new();
    for process in all() {
        children.entry(process.parent).or_default().push(process);
    }
    let mut found = Vec::new();
    let mut parents = vec![rustix::process::getpid().as_raw_nonzero().get()];
    while let Some(parent) = parents.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            parents.push(child.pid);
            if !child.ended {
                found.push(child);
            }
        }
    }
    found
}

fn all() -> Vec<Process> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| read(&std::fs::read_to_string(entry.path().join("stat")).ok()?))
        .collect()
}

/// Reads `/proc/PID/stat`: `PID (name) state parent …`; the name may hold spaces and parentheses.
fn read(stat: &str) -> Option<Process> {
    let (pid, rest) = stat.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    Some(Process {
        pid: pid.parse().ok()?,
        parent,
        name: name.to_owned(),
        ended: matches!(state, "Z" | "X"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_look_like_the_rest_of_the_line() {
        let process = read("42 (a) Z 1 (b)) S 7 42 42 0 -1").unwrap();
        assert_eq!(
            (process.pid, process.parent, process.name.as_str()),
            (42, 7, "a) Z 1 (b)")
        );
        assert!(!process.ended);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_orphan_is_found_named_and_ended() {
        adopt_orphans().unwrap();
        let started = std::process::Command::new("sh")
            .args(["-c", "setsid sleep 600 &"])
            .status()
            .unwrap();
        assert!(started.success());
        let found = none_left().unwrap_err().to_string();
        assert!(found.contains("sleep ("), "{found}");
        none_left().unwrap();
    }
}
