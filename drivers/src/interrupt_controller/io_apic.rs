//! An I/O APIC: inputs that each send an interrupt to a local APIC.
//!
//! Intel 82093AA data sheet (290566-001), section 3.

use crate::interrupt::Interrupt;
use crate::mmio::Registers;

/// `IOREGSEL`: which register the window shows.
const SELECT: usize = 0x00;
/// `IOWIN`: that register.
const WINDOW: usize = 0x10;

/// `IOAPICVER`: in bits 16 to 23 the number of the last input.
const VERSION: u32 = 0x01;
/// `IOREDTBL`: two registers for each input, the lower half first.
const REDIRECTIONS: u32 = 0x10;

/// The line is asserted where it is low.
const ACTIVE_LOW: u32 = 1 << 13;
/// The line asks for as long as it is asserted.
const LEVEL: u32 = 1 << 15;
/// Nothing is sent.
const MASKED: u32 = 1 << 16;

/// An I/O APIC.
pub(super) struct IoApic<R> {
    registers: R,
    /// The number of its first input.
    first: u32,
    /// How many inputs it has.
    count: u32,
}

impl<R: Registers> IoApic<R> {
    /// The one behind `registers`, whose first input has the number `first`.
    pub(super) fn new(registers: R, first: u32) -> Self {
        let mut apic = Self {
            registers,
            first,
            count: 0,
        };
        apic.count = (apic.read(VERSION) >> 16 & 0xff) + 1;
        apic
    }

    fn read(&self, register: u32) -> u32 {
        self.registers.write32(SELECT, register);
        self.registers.read32(WINDOW)
    }

    fn write(&self, register: u32, value: u32) {
        self.registers.write32(SELECT, register);
        self.registers.write32(WINDOW, value);
    }

    /// Whether `number` is one of its inputs.
    pub(super) fn has(&self, number: u32) -> bool {
        number
            .checked_sub(self.first)
            .is_some_and(|input| input < self.count)
    }

    /// Holds every input back.
    pub(super) fn mask_all(&mut self) {
        for input in 0..self.count {
            self.write(REDIRECTIONS + 2 * input, MASKED);
        }
    }

    /// Holds one input back.
    pub(super) fn mask(&mut self, number: u32) {
        let register = REDIRECTIONS + 2 * (number - self.first);
        self.write(register, self.read(register) | MASKED);
    }

    /// Sends `vector` to the local APIC `id` for an input, which must be one of its own.
    pub(super) fn route(&mut self, interrupt: Interrupt, vector: u8, id: u32) {
        let register = REDIRECTIONS + 2 * (interrupt.number - self.first);
        let Interrupt { trigger, .. } = interrupt;
        let level = if trigger.is_level() { LEVEL } else { 0 };
        let polarity = if trigger.is_low() { ACTIVE_LOW } else { 0 };
        // Nothing is sent while the halves do not belong together.
        self.write(register, MASKED);
        self.write(register + 1, id << 24);
        self.write(register, u32::from(vector) | level | polarity);
    }
}
