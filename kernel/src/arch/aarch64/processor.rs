//! The processor traits of the drivers.

use core::arch::asm;

use vmos_drivers::interrupt_controller::gic_v3::CpuInterface;
use vmos_drivers::power::psci::{Conduit, Method};
use vmos_drivers::timer::arm_generic::{Counter, SystemRegisters};

/// Reads a system register.
macro_rules! read {
    ($register:literal) => {{
        let value: u64;
        // SAFETY: reads a register, without side effects.
        unsafe {
            asm!(concat!("mrs {0}, ", $register), out(reg) value, options(nostack, preserves_flags));
        };
        value
    }};
}

/// Writes a system register of a timer or an interrupt controller, which does not affect memory
/// that Rust uses.
macro_rules! write {
    ($register:literal, $value:expr $(, $barrier:literal)?) => {{
        let value: u64 = $value;
        // SAFETY: the register belongs to the calling driver.
        unsafe {
            asm!(
                concat!("msr ", $register, ", {0}"),
                $($barrier,)?
                in(reg) value,
                options(nostack, preserves_flags)
            );
        };
    }};
}

/// The processor that runs the kernel.
#[derive(Clone, Copy, Default, Debug)]
pub struct Processor;

impl CpuInterface for Processor {
    fn affinity(&self) -> u32 {
        let mpidr = read!("mpidr_el1");
        // Aff3 is separate from the other fields.
        ((mpidr >> 8) & 0xff00_0000 | mpidr & 0x00ff_ffff) as u32
    }

    fn enable_system_registers(&mut self) {
        let enabled = read!("S3_0_C12_C12_5") | 1;
        write!("S3_0_C12_C12_5", enabled, "isb");
    }

    fn set_priority_mask(&mut self, priority: u8) {
        write!("S3_0_C4_C6_0", priority.into());
    }

    fn set_binary_point(&mut self, point: u8) {
        write!("S3_0_C12_C12_3", point.into());
    }

    fn set_control(&mut self, control: u32) {
        write!("S3_0_C12_C12_4", control.into());
    }

    fn set_group_1_enable(&mut self, enable: u32) {
        write!("S3_0_C12_C12_7", enable.into(), "isb");
    }

    #[inline]
    fn acknowledge(&mut self) -> u32 {
        let number: u64;
        // SAFETY: takes an interrupt, as the driver requests.
        unsafe {
            asm!(
                "mrs {0}, S3_0_C12_C12_0",
                "dsb sy",
                out(reg) number,
                options(nostack, preserves_flags)
            );
        };
        number as u32
    }

    #[inline]
    fn end_of_interrupt(&mut self, number: u32) {
        write!("S3_0_C12_C12_1", number.into());
    }

    fn complete_writes(&self) {
        // SAFETY: only waits.
        unsafe { asm!("dsb sy", options(nostack, preserves_flags)) };
    }
}

impl SystemRegisters for Processor {
    fn frequency(&self) -> u64 {
        // the upper half is reserved
        read!("cntfrq_el0") & 0xffff_ffff
    }

    #[inline]
    fn count(&self, counter: Counter) -> u64 {
        // Without `isb`, the counter may be read early, and time could appear to decrease (section
        // D12.2.2).
        // SAFETY: only waits.
        unsafe { asm!("isb", options(nostack, preserves_flags)) };
        match counter {
            Counter::Virtual => read!("cntvct_el0"),
            Counter::Physical => read!("cntpct_el0"),
        }
    }

    #[inline]
    fn set_compare_value(&mut self, counter: Counter, count: u64) {
        match counter {
            Counter::Virtual => write!("cntv_cval_el0", count),
            Counter::Physical => write!("cntp_cval_el0", count),
        }
    }

    fn set_control(&mut self, counter: Counter, control: u32) {
        match counter {
            Counter::Virtual => write!("cntv_ctl_el0", control.into()),
            Counter::Physical => write!("cntp_ctl_el0", control.into()),
        }
    }
}

impl Conduit for Processor {
    fn call(&mut self, method: Method, function: u32) -> i32 {
        let result: u64;
        // The calling convention lets firmware change x0 to x17 (Arm DEN0028, section 2.6).
        match method {
            // SAFETY: the description says that firmware answers this.
            Method::Hvc => unsafe {
                asm!("hvc #0", inout("x0") u64::from(function) => result, clobber_abi("C"));
            },
            // SAFETY: the description says that firmware answers this.
            Method::Smc => unsafe {
                asm!("smc #0", inout("x0") u64::from(function) => result, clobber_abi("C"));
            },
        }
        result as i32
    }
}
