//! The semihosting trap, with or without a host.
//!
//! Without a host, the trap is a breakpoint exception. While it executes, a special vector turns
//! this exception into a result, so that the next way to power off can be tried. The code does not
//! return from the exception, because it needs none of the state that the exception changed.

use core::arch::asm;

use vmos_drivers::power::semihosting::Trap;
use vmos_drivers::riscv::Mode;

use super::Processor;
use super::entered::mode;

/// Makes the call with the vector in `$vector` (RISC-V semihosting 0.4, section 2: three
/// uncompressed instructions on one page).
macro_rules! call {
    ($vector:literal, $operation:expr, $block:expr) => {{
        let result: isize;
        // SAFETY: the host only reads the block, which is borrowed. The vector is restored, and the
        // exception changes nothing that the kernel relies on.
        unsafe {
            asm!(
                "la {vector}, 2f",
                concat!("csrrw {vector}, ", $vector, ", {vector}"),
                "j 1f",
                ".option push",
                ".option norvc",
                ".balign 16",
                "1:",
                "slli x0, x0, 0x1f",
                "ebreak",
                "srai x0, x0, 7",
                "j 3f",
                ".balign 4",
                "2:",
                "li a0, -1",
                "3:",
                ".option pop",
                concat!("csrw ", $vector, ", {vector}"),
                vector = out(reg) _,
                inlateout("a0") $operation as isize => result,
                in("a1") $block.as_ptr(),
                options(nostack)
            );
        };
        result
    }};
}

impl Trap for Processor {
    fn call(&mut self, operation: usize, block: &[usize; 2]) -> isize {
        match mode() {
            Mode::Machine => call!("mtvec", operation, block),
            Mode::Supervisor => call!("stvec", operation, block),
        }
    }
}
