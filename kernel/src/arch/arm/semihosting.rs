//! The trap to a semihosting host, which may not be there.
//!
//! Without a host the trap is a supervisor call. Vectors of its own, in place for this one
//! instruction, turn that exception into an answer, so that the next means to stop the machine gets
//! its turn.

use core::arch::{asm, global_asm};

use vmos_drivers::power::semihosting::Trap;

use super::Processor;

global_asm!(
    ".section .text.semihosting, \"ax\"",
    // Exceptions are taken in Arm state.
    ".arm",
    // VBAR takes bits 31 to 5.
    ".balign 32",
    ".global __semihosting_vectors",
    "__semihosting_vectors:",
    "b .",
    "b .",
    // The supervisor call: its mode has a return address of its own.
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
        // SAFETY: the host reads the block, which is borrowed; the vectors are put back, and the
        // exception that may be taken in between changes r0 only.
        unsafe {
            asm!(
                "mrc p15, 0, {vectors}, c12, c0, 0",
                "movw {own}, :lower16:__semihosting_vectors",
                "movt {own}, :upper16:__semihosting_vectors",
                "mcr p15, 0, {own}, c12, c0, 0",
                "isb",
                // That is the number in Thumb code.
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
