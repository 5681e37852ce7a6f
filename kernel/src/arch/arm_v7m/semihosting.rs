//! The semihosting trap, with or without a host.
//!
//! Without a host, the trap is a fault. `vectors.S` turns it into a result, so that the next way to
//! power off can be tried.

use core::arch::asm;

use vmos_drivers::power::semihosting::Trap;

use super::Processor;

impl Trap for Processor {
    fn call(&mut self, operation: usize, block: &[usize; 2]) -> isize {
        let result: isize;
        // SAFETY: the host only reads the block, which is borrowed, and changes only r0.
        unsafe {
            asm!(
                "bkpt #0xab",
                inout("r0") operation as isize => result,
                in("r1") block.as_ptr(),
                options(nostack, preserves_flags),
            );
        };
        result
    }
}
