//! 32-bit Arm, version 7-A and later: runs in System mode, with exceptions in the modes they are
//! taken to.
//!
//! The manuals are Arm DDI 0406, the Architecture Reference Manual for version 7-A, and DDI 0487,
//! whose AArch32 state includes it. The parts without processor instructions are also compiled and
//! tested on the host.

mod fault;
mod registers;
mod short_descriptors;

#[cfg(target_os = "none")]
mod backtrace;
#[cfg(target_os = "none")]
mod boot;
#[cfg(target_os = "none")]
mod fill;
#[cfg(target_os = "none")]
mod gic;
#[cfg(target_os = "none")]
mod interrupts;
#[cfg(target_os = "none")]
mod mmu;
#[cfg(target_os = "none")]
mod processor;
#[cfg(target_os = "none")]
mod semihosting;

#[cfg(target_os = "none")]
pub use backtrace::{backtrace, frame_pointer};
#[cfg(target_os = "none")]
pub(crate) use boot::FIRMWARE_TABLE;
#[cfg(target_os = "none")]
pub use boot::firmware_table;
#[cfg(target_os = "none")]
pub use interrupts::{
    InterruptState, interrupt_pending, mask_interrupts, park, restore_interrupts,
    wait_for_interrupt,
};
#[cfg(target_os = "none")]
pub use mmu::enable_translation;
#[cfg(target_os = "none")]
pub use processor::Processor;
#[cfg(target_os = "none")]
pub use registers::Registers;

#[cfg(target_os = "none")]
pub(crate) use super::ones_complement::sum_by_carry as sum_words;
