//! The processor traits of the drivers.

use core::arch::asm;
use core::arch::x86_64::__cpuid_count;

use vmos_drivers::interrupt_controller::apic::Vectors;
use vmos_drivers::local_apic::ModelSpecific;
use vmos_drivers::timer::apic_timer::TimeStamp;

use super::interrupts::take_vector;

/// The processor that runs the kernel.
#[derive(Clone, Copy, Default, Debug)]
pub struct Processor;

impl Vectors for Processor {
    #[inline]
    fn take(&mut self) -> Option<u8> {
        take_vector()
    }
}

impl ModelSpecific for Processor {
    fn identify(&self, leaf: u32) -> [u32; 4] {
        let found = __cpuid_count(leaf, 0);
        [found.eax, found.ebx, found.ecx, found.edx]
    }

    #[inline]
    fn read(&self, number: u32) -> u64 {
        let (low, high): (u32, u32);
        // SAFETY: the driver reads only existing registers, and reads have no side effects.
        unsafe {
            asm!(
                "rdmsr",
                in("ecx") number,
                out("eax") low,
                out("edx") high,
                options(nostack, preserves_flags)
            );
        };
        u64::from(high) << 32 | u64::from(low)
    }

    #[inline]
    fn write(&mut self, number: u32, value: u64) {
        // Writes to an x2APIC may overtake writes to memory (SDM volume 3A, section 12.12.3).
        // SAFETY: the register belongs to a local APIC, which the driver uses exclusively.
        unsafe {
            asm!(
                "mfence",
                "lfence",
                "wrmsr",
                in("ecx") number,
                in("eax") value as u32,
                in("edx") (value >> 32) as u32,
                options(nostack, preserves_flags)
            );
        };
    }
}

impl TimeStamp for Processor {
    #[inline]
    fn read(&self) -> u64 {
        let (low, high): (u32, u32);
        // Without `lfence`, the counter may be read early, and time could appear to decrease (SDM
        // volume 2, RDTSC).
        // SAFETY: only reads a counter.
        unsafe {
            asm!(
                "lfence",
                "rdtsc",
                out("eax") low,
                out("edx") high,
                options(nostack, preserves_flags)
            );
        };
        u64::from(high) << 32 | u64::from(low)
    }
}
