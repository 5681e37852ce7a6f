//! RISC-V of 32 and 64 bits: in S mode above firmware, with an MMU, or in M mode without either.
//!
//! The manual is the RISC-V Instruction Set Manual, volume II: Privileged Architecture. One image may
//! start in either mode, so the mode is asked when the machine runs; the entry has left it behind.
//! What needs no instruction of the processor (its tables and how a fault is told) compiles for the
//! host as well, and is tested there.

mod cause;
mod page_table;
mod protection;
mod registers;
mod timebase;

#[cfg(target_os = "none")]
mod backtrace;
#[cfg(target_os = "none")]
mod csr;
#[cfg(target_os = "none")]
mod entered;
#[cfg(target_os = "none")]
mod fill;
#[cfg(target_os = "none")]
mod interrupts;
#[cfg(target_os = "none")]
mod pmp;
#[cfg(target_os = "none")]
mod processor;
#[cfg(target_os = "none")]
mod semihosting;
#[cfg(target_os = "none")]
mod translation;

#[cfg(target_os = "none")]
pub use backtrace::{backtrace, frame_pointer};
#[cfg(target_os = "none")]
pub(crate) use entered::FIRMWARE_TABLE;
#[cfg(target_os = "none")]
pub use entered::firmware_table;
#[cfg(target_os = "none")]
pub use interrupts::{
    InterruptState, interrupt_pending, mask_interrupts, park, restore_interrupts,
    wait_for_interrupt,
};
#[cfg(target_os = "none")]
pub use processor::Processor;
#[cfg(target_os = "none")]
pub use registers::Registers;
#[cfg(target_os = "none")]
pub use translation::enable_translation;

#[cfg(target_os = "none")]
pub(crate) use super::ones_complement::sum_by_comparison as sum_words;
