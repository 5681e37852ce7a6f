//! 64-bit x86: runs in ring 0, with exceptions on a separate stack.
//!
//! The manual is the Intel 64 and IA-32 Architectures Software Developer's Manual (SDM). The parts
//! without processor instructions (translation tables, descriptions of faults) are also compiled
//! and tested on the host.

mod exception;
mod registers;
mod translation;

#[cfg(target_os = "none")]
mod backtrace;
#[cfg(target_os = "none")]
mod boot;
#[cfg(target_os = "none")]
mod interrupts;
#[cfg(target_os = "none")]
mod paging;
#[cfg(target_os = "none")]
mod ports;
#[cfg(target_os = "none")]
mod processor;

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
pub use paging::enable_translation;
#[cfg(target_os = "none")]
pub use processor::Processor;
#[cfg(target_os = "none")]
pub use registers::Registers;

#[cfg(target_os = "none")]
pub(crate) use super::ones_complement::sum_by_carry as sum_words;
