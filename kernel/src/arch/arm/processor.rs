//! The processor traits of the timer and power drivers, and macros that access system registers.

use core::arch::asm;

use vmos_drivers::power::psci::{Conduit, Method};
use vmos_drivers::timer::arm_generic::{Counter, SystemRegisters};

/// Reads a system register, named as in `mrc`.
macro_rules! read {
    ($register:literal $(, $barrier:literal)?) => {{
        let value: u32;
        // SAFETY: reads a register of the calling driver.
        unsafe {
            core::arch::asm!(
                concat!("mrc p15, 0, {0}, ", $register),
                $($barrier,)?
                out(reg) value,
                options(nostack, preserves_flags)
            );
        };
        value
    }};
}

/// Writes a system register of a timer or an interrupt controller, which does not affect memory
/// that Rust uses.
macro_rules! write {
    ($register:literal, $value:expr $(, $barrier:literal)?) => {{
        let value: u32 = $value;
        // SAFETY: the register belongs to the calling driver.
        unsafe {
            core::arch::asm!(
                concat!("mcr p15, 0, {0}, ", $register),
                $($barrier,)?
                in(reg) value,
                options(nostack, preserves_flags)
            );
        };
    }};
}

pub(super) use {read, write};

/// Reads a 64-bit system register, named as in `mrrc`.
macro_rules! read64 {
    ($register:literal) => {{
        let (low, high): (u32, u32);
        // SAFETY: reads a register, without side effects.
        unsafe {
            asm!(
                concat!("mrrc p15, ", $register),
                out(reg) low,
                out(reg) high,
                options(nostack, preserves_flags)
            );
        };
        u64::from(high) << 32 | u64::from(low)
    }};
}

/// Writes a 64-bit system register of a timer.
macro_rules! write64 {
    ($register:literal, $value:expr) => {{
        let value: u64 = $value;
        // SAFETY: the register belongs to the calling driver.
        unsafe {
            asm!(
                concat!("mcrr p15, ", $register),
                in(reg) value as u32,
                in(reg) (value >> 32) as u32,
                options(nostack, preserves_flags)
            );
        };
    }};
}

/// The processor that runs the kernel.
#[derive(Clone, Copy, Default, Debug)]
pub struct Processor;

impl SystemRegisters for Processor {
    fn frequency(&self) -> u64 {
        // CNTFRQ
        read!("c14, c0, 0").into()
    }

    #[inline]
    fn count(&self, counter: Counter) -> u64 {
        // Without `isb`, the counter may be read early, and time could appear to decrease (section
        // B8.1.2).
        // SAFETY: only waits.
        unsafe { asm!("isb", options(nostack, preserves_flags)) };
        match counter {
            // CNTVCT
            Counter::Virtual => read64!("1, {0}, {1}, c14"),
            // CNTPCT
            Counter::Physical => read64!("0, {0}, {1}, c14"),
        }
    }

    #[inline]
    fn set_compare_value(&mut self, counter: Counter, count: u64) {
        match counter {
            // CNTV_CVAL
            Counter::Virtual => write64!("3, {0}, {1}, c14", count),
            // CNTP_CVAL
            Counter::Physical => write64!("2, {0}, {1}, c14", count),
        }
    }

    fn set_control(&mut self, counter: Counter, control: u32) {
        match counter {
            // CNTV_CTL
            Counter::Virtual => write!("c14, c3, 1", control),
            // CNTP_CTL
            Counter::Physical => write!("c14, c2, 1", control),
        }
    }
}

impl Conduit for Processor {
    fn call(&mut self, method: Method, function: u32) -> i32 {
        let result: u32;
        // The calling convention lets firmware change r0 to r3 (Arm DEN0028, section 2.7).
        match method {
            // SAFETY: the board file says that firmware implements this call.
            Method::Hvc => unsafe {
                asm!(
                    ".arch_extension virt",
                    "hvc #0",
                    inout("r0") function => result,
                    out("r1") _,
                    out("r2") _,
                    out("r3") _
                );
            },
            // SAFETY: the board file says that firmware implements this call.
            Method::Smc => unsafe {
                asm!(
                    ".arch_extension sec",
                    "smc #0",
                    inout("r0") function => result,
                    out("r1") _,
                    out("r2") _,
                    out("r3") _
                );
            },
        }
        result as i32
    }
}
