//! Timers: the kernel's clock, and its one pending deadline.

pub mod apic_timer;
pub mod arm_generic;
pub mod cortex_a9_global;
pub mod mtimer;
pub mod nrf51_timer;
pub mod rate;
pub mod reference;
pub mod sp804;
pub mod sse_timer;
pub mod supervisor;
pub mod systick;

mod by_mode;
mod halves;

pub use by_mode::ByMode;

/// A monotonic clock with a one-shot alarm.
pub trait Timer {
    /// Returns the nanoseconds since some moment before the kernel started. It never decreases.
    fn now(&self) -> u64;

    /// Raises the timer's interrupt when `now` reaches `deadline`, immediately if that has passed;
    /// replaces the previous deadline. `None` cancels it.
    fn set_deadline(&mut self, deadline: Option<u64>);

    /// Returns the clock's frequency in Hz; 0 if it is unknown, in which case its times are
    /// meaningless.
    fn frequency(&self) -> u64;

    /// Returns what the processor lacks, with its key, if the timer cannot work here: then no
    /// deadline may be set.
    fn missing(&self) -> Option<&'static str> {
        None
    }

    /// Returns the clock's frequency in Hz according to the hardware or firmware, if they provide
    /// it. A different one in the board file is a conflict.
    fn told_frequency(&self) -> Option<u64> {
        None
    }
}
