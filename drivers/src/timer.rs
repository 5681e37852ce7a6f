//! Timers: the clock, and the one deadline the kernel waits for.

pub mod apic_timer;
pub mod arm_generic;
pub mod mtimer;
pub mod rate;
pub mod reference;
pub mod supervisor;

mod by_mode;

pub use by_mode::ByMode;

/// A monotonic clock and a one-shot alarm on it.
pub trait Timer {
    /// Nanoseconds since some point before the kernel started. Never goes back.
    fn now(&self) -> u64;

    /// Raises the timer's interrupt once `now` reaches `deadline`, at once where it has passed;
    /// replaces the deadline set before. `None` raises nothing.
    fn set_deadline(&mut self, deadline: Option<u64>);

    /// The clock's frequency in Hz; 0 where nothing tells it, and its times mean nothing.
    fn frequency(&self) -> u64;

    /// The clock's frequency in Hz by what the hardware or its firmware says, where they say it: a
    /// description that states another one is wrong.
    fn told_frequency(&self) -> Option<u64> {
        None
    }
}
