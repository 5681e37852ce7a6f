//! The semihosting trap, with or without a host.
//!
//! Without a host, the trap is an undefined instruction. While it executes, special vectors turn
//! this exception into a result, so that the next way to power off can be tried.

use core::arch::{asm, global_asm};

use vmos_drivers::power::semihosting::Trap;

use super::Processor;

global_asm!(
    ".section .text.semihosting, \"ax\"",
    // VBAR_EL1 holds bits 63 to 11.
    ".balign 0x800",
    ".global __semihosting_vectors",
    "__semihosting_vectors:",
    // Taken from SP_EL0, which is selected for the trap. No other vector is used.
    "mrs x0, elr_el1",
    "add x0, x0, #4",
    "msr elr_el1, x0",
    "mov x0, #-1",
    "eret",
    ".previous",
);

impl Trap for Processor {
    fn call(&mut self, operation: usize, block: &[usize; 2]) -> isize {
        let result: isize;
        // SAFETY: the host only reads the block, which is borrowed. The vectors, the selected stack
        // pointer and the SError mask are restored, no instruction in between uses the stack, and
        // the exception changes only x0.
        unsafe {
            asm!(
                "mrs {daif}, daif",
                "mrs {stack}, spsel",
                "mrs {vectors}, vbar_el1",
                "msr daifset, #0xf",
                "msr spsel, #0",
                "adrp {own}, __semihosting_vectors",
                "add {own}, {own}, :lo12:__semihosting_vectors",
                "msr vbar_el1, {own}",
                "isb",
                "hlt #0xf000",
                "msr vbar_el1, {vectors}",
                "isb",
                "msr spsel, {stack}",
                "msr daif, {daif}",
                daif = out(reg) _,
                stack = out(reg) _,
                vectors = out(reg) _,
                own = out(reg) _,
                inout("x0") operation as isize => result,
                in("x1") block.as_ptr(),
                options(nostack),
            );
        };
        result
    }
}
