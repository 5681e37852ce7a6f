//! Arm microcontrollers, versions 6-M, 7-M and 8-M: runs in privileged Thread mode on the process stack,
//! with interrupts masked. Faults are taken on the main stack.
//!
//! The manual is Arm DDI 0403, the Architecture Reference Manual for version 7-M; that of version 6-M, a
//! subset without the reasons of faults, is Arm DDI 0419, and that of version 8-M, which has another
//! memory protection unit, is Arm DDI 0553. The kernel stays in the security state in which the processor
//! starts: the secure one, if there are two. The parts without processor instructions are also compiled
//! and tested on the host.

mod extents;
mod fault;
#[cfg(any(test, not(vmos_v8m)))]
mod mpu;
#[cfg(any(test, vmos_v8m))]
mod mpu_v8m;
mod registers;

#[cfg(target_os = "none")]
mod backtrace;
#[cfg(target_os = "none")]
mod boot;
#[cfg(all(target_os = "none", not(vmos_v6m)))]
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
#[cfg(all(target_os = "none", not(vmos_v8m)))]
pub use mpu::enable_translation;
#[cfg(all(target_os = "none", vmos_v8m))]
pub use mpu_v8m::enable_translation;
#[cfg(target_os = "none")]
pub use processor::Processor;
#[cfg(target_os = "none")]
pub use registers::Registers;

#[cfg(target_os = "none")]
pub(crate) use super::ones_complement::sum_by_carry as sum_words;
