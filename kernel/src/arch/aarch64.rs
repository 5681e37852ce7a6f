//! 64-bit Arm: runs at EL1 on SP_EL0, with exceptions on SP_EL1.
//!
//! The manual is Arm DDI 0487, the Architecture Reference Manual for A-profile. The parts without
//! processor instructions (translation tables, descriptions of faults) are also compiled and tested
//! on the host.

mod registers;
mod syndrome;

#[cfg(target_os = "none")]
mod backtrace;
#[cfg(target_os = "none")]
mod boot;
#[cfg(target_os = "none")]
mod copy;
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
