//! RISC-V with 32 and 64 bits: in S mode under firmware with an MMU, or in M mode without firmware
//! and MMU.
//!
//! The manual is the RISC-V Instruction Set Manual, volume II: Privileged Architecture. One image
//! may start in either mode, so the mode is a run-time value, saved by the entry code. The parts
//! without processor instructions (translation tables, descriptions of faults) are also compiled
//! and tested on the host.

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
mod relay;
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
