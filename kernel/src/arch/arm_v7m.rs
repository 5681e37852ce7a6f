//! Arm microcontrollers, version 7-M: runs in privileged Thread mode on the process stack, with
//! interrupts masked. Faults are taken on the main stack.
//!
//! The manual is Arm DDI 0403, the Architecture Reference Manual for version 7-M. The parts without
//! processor instructions are also compiled and tested on the host.

mod fault;
mod mpu;
mod registers;

#[cfg(target_os = "none")]
mod backtrace;
#[cfg(target_os = "none")]
mod boot;
#[cfg(target_os = "none")]
mod copy;
#[cfg(target_os = "none")]
mod interrupts;
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
pub use mpu::enable_translation;
#[cfg(target_os = "none")]
pub use processor::Processor;
#[cfg(target_os = "none")]
pub use registers::Registers;

#[cfg(target_os = "none")]
pub(crate) use super::ones_complement::sum_by_carry as sum_words;
