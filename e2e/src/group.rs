//! Process groups, so that a program is ended together with all that it started.

use rustix::process::{Pid, Signal, kill_process_group};

/// Ends a process group when dropped, also when a future that waited for it is dropped.
#[derive(Debug)]
pub(crate) struct EndsGroup(Option<Pid>);

impl EndsGroup {
    /// The group that this process leads; none when it has ended already.
    pub(crate) fn of(leader: Option<u32>) -> Self {
        Self(leader.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)))
    }
}

impl Drop for EndsGroup {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Usually there is nobody left to end.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}
