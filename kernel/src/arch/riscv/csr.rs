//! Access to control and status registers, which are separate for each privilege mode.

/// Reads a register, without side effects.
macro_rules! read {
    ($register:literal) => {{
        let value: usize;
        // SAFETY: only reads a register.
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

/// Applies `$instruction` with the operand `$value` to the register of the current mode.
macro_rules! change {
    ($instruction:literal, $machine:literal, $supervisor:literal, $value:expr) => {{
        let value: usize = $value;
        match super::entered::mode() {
            // SAFETY: the register enables or disables interrupts, which is always sound.
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
