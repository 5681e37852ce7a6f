//! Control and status registers, of which each mode has its own.

/// Reads a register that tells something and changes nothing else.
macro_rules! read {
    ($register:literal) => {{
        let value: usize;
        // SAFETY: reads a register.
        unsafe {
            core::arch::asm!(
                concat!("csrr {0}, ", $register),
                out(reg) value,
                options(nostack, preserves_flags)
            );
        };
        value
    }};
}

/// Runs `$instruction` on a register of the kernel's mode, with the operand `$value`.
macro_rules! change {
    ($instruction:literal, $machine:literal, $supervisor:literal, $value:expr) => {{
        let value: usize = $value;
        match super::entered::mode() {
            // SAFETY: the register lets interrupts through or holds them back, which never makes
            // anything unsound.
            vmos_drivers::riscv::Mode::Machine => unsafe {
                core::arch::asm!(
                    concat!($instruction, " ", $machine, ", {0}"),
                    in(reg) value,
                    options(nostack)
                );
            },
            // SAFETY: as above.
            vmos_drivers::riscv::Mode::Supervisor => unsafe {
                core::arch::asm!(
                    concat!($instruction, " ", $supervisor, ", {0}"),
                    in(reg) value,
                    options(nostack)
                );
            },
        }
    }};
}

pub(super) use {change, read};
