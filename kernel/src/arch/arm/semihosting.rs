//! The semihosting trap, with or without a host.
//!
//! Without a host, the trap is a supervisor call. While it executes, special vectors turn this
//! exception into a result, so that the next way to power off can be tried.

use core::arch::{asm, global_asm};

use vmos_drivers::power::semihosting::Trap;

use super::Processor;

global_asm!(
    ".section .text.semihosting, \"ax\"",
    // Exceptions are taken in Arm state.
    ".arm",
    // VBAR holds bits 31 to 5.
    ".balign 32",
    ".global __semihosting_vectors",
    "__semihosting_vectors:",
    "b .",
    "b .",
    // The supervisor call; its mode has its own link register.
    "b 1f",
    "b .",
    "b .",
    "b .",
    "b .",
    "b .",
    "1:",
    "mvn r0, #0",
    "movs pc, lr",
    ".previous",
);

impl Trap for Processor {
    fn call(&mut self, operation: usize, block: &[usize; 2]) -> isize {
        let result: isize;
        // SAFETY: the host only reads the block, which is borrowed. The vectors are restored, and
        // the exception changes only r0.
        unsafe {
            asm!(
                "mrc p15, 0, {vectors}, c12, c0, 0",
                "movw {own}, :lower16:__semihosting_vectors",
                "movt {own}, :upper16:__semihosting_vectors",
                "mcr p15, 0, {own}, c12, c0, 0",
                "isb",
                // The semihosting number of Thumb code.
                "svc #0xab",
                "mcr p15, 0, {vectors}, c12, c0, 0",
                "isb",
                vectors = out(reg) _,
                own = out(reg) _,
                inout("r0") operation as isize => result,
                in("r1") block.as_ptr(),
                options(nostack, preserves_flags),
            );
        };
        result
    }
}
