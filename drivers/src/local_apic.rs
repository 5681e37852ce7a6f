//! Access to the registers of an x86 processor's local APIC: in memory (xAPIC), or if the processor
//! supports it, through model-specific registers (x2APIC). Its interrupt controller and its timer
//! have separate drivers.
//!
//! Intel SDM volume 3A, chapter 12.

use crate::mmio::Registers;

/// `cpuid` and model-specific registers of the processor.
pub trait ModelSpecific: Default {
    /// Executes `cpuid` with `leaf` and subleaf 0; returns eax, ebx, ecx, edx.
    fn identify(&self, leaf: u32) -> [u32; 4];
    /// Reads the model-specific register `number`, which must exist.
    fn read(&self, number: u32) -> u64;
    /// Writes the model-specific register `number` of a local APIC, which must exist.
    fn write(&mut self, number: u32, value: u64);
}

/// Offsets of registers (table 12-1).
pub(crate) mod register {
    pub(crate) const ID: usize = 0x020;
    pub(crate) const TASK_PRIORITY: usize = 0x080;
    pub(crate) const END_OF_INTERRUPT: usize = 0x0b0;
    pub(crate) const SPURIOUS: usize = 0x0f0;
    pub(crate) const LINT0: usize = 0x350;
    pub(crate) const LINT1: usize = 0x360;
    pub(crate) const LVT_ERROR: usize = 0x370;
    pub(crate) const LVT_TIMER: usize = 0x320;
    pub(crate) const INITIAL_COUNT: usize = 0x380;
    pub(crate) const CURRENT_COUNT: usize = 0x390;
    pub(crate) const DIVIDE: usize = 0x3e0;
}

/// Local vector table entry: masked.
pub(crate) const MASKED: u32 = 1 << 16;

/// The vector of the local timer: the first one not reserved by the processor.
pub(crate) const TIMER_VECTOR: u8 = 0x20;
/// The vector of a spurious interrupt, which was withdrawn before it was taken. Its lowest bits
/// must be ones on old processors (section 12.9). It is the last vector with a stub: the table of
/// stubs and the bitmap of accepted vectors are half as long as for all vectors.
pub(crate) const SPURIOUS_VECTOR: u8 = 0x7f;

/// `IA32_APIC_BASE` (section 12.4.4).
const APIC_BASE: u32 = 0x1b;
const APIC_BASE_ENABLE: u64 = 1 << 11;
const APIC_BASE_X2APIC: u64 = 1 << 10;
/// The model-specific register that corresponds to offset 0 (section 12.12.1.2).
const FIRST_X2APIC: u32 = 0x800;
/// `cpuid` leaf 1, ecx: the processor supports x2APIC.
const HAS_X2APIC: u32 = 1 << 21;
/// `SPURIOUS`: enables the local APIC.
const ENABLED: u32 = 1 << 8;

/// The driver for the registers of a local APIC.
#[derive(Clone, Debug)]
pub(crate) struct LocalApic<R, P> {
    registers: R,
    pub(crate) processor: P,
    has_x2apic: bool,
}

impl<R: Registers, P: ModelSpecific> LocalApic<R, P> {
    /// Enables the local APIC of `processor`. `registers` are used if the processor has no x2APIC.
    pub(crate) fn new(registers: R, mut processor: P) -> Self {
        let [_, _, features, _] = processor.identify(1);
        let has_x2apic = features & HAS_X2APIC != 0;
        let before = processor.read(APIC_BASE);
        let mut after = before | APIC_BASE_ENABLE;
        if has_x2apic {
            after |= APIC_BASE_X2APIC;
        }
        if after != before {
            processor.write(APIC_BASE, after);
        }
        let apic = Self {
            registers,
            processor,
            has_x2apic,
        };
        let mut apic = apic;
        apic.write(register::SPURIOUS, ENABLED | u32::from(SPURIOUS_VECTOR));
        apic
    }

    pub(crate) fn read(&self, offset: usize) -> u32 {
        if self.has_x2apic {
            self.processor.read(model_specific(offset)) as u32
        } else {
            self.registers.read32(offset)
        }
    }

    #[inline]
    pub(crate) fn write(&mut self, offset: usize, value: u32) {
        if self.has_x2apic {
            self.processor.write(model_specific(offset), value.into());
        } else {
            self.registers.write32(offset, value);
        }
    }

    /// Returns the ID of the local APIC, by which interrupts address it. An xAPIC has 8 bits, at
    /// the top of the register.
    pub(crate) fn id(&self) -> u32 {
        let id = self.read(register::ID);
        if self.has_x2apic { id } else { id >> 24 }
    }
}

const fn model_specific(offset: usize) -> u32 {
    FIRST_X2APIC + (offset >> 4) as u32
}

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod tests;
