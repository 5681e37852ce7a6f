//! The processors of the host.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// A processor on which this program may run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Processor(usize);

impl Processor {
    /// Returns the processors; none if the host does not tell.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let allowed = sched_getaffinity(None).ok();
        (0..CpuSet::MAX_CPU)
            .filter(move |&number| allowed.is_some_and(|allowed| allowed.is_set(number)))
            .map(Self)
    }

    /// Keeps this thread on the processor, and with it the machines that it starts. They run in turn with
    /// it, and to wake a process on another processor takes longer than most of what a machine does: a run
    /// takes half the time.
    pub(crate) fn keep_this_thread(self) {
        let mut only = CpuSet::new();
        only.set(self.0);
        // Without this, everything is only slower.
        let _ = sched_setaffinity(None, &only);
    }
}
