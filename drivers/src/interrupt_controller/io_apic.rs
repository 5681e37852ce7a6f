//! An I/O APIC: each of its inputs sends an interrupt to a local APIC.
//!
//! Intel 82093AA data sheet (290566-001), section 3.

use crate::interrupt::Interrupt;
use crate::mmio::Registers;

/// `IOREGSEL`: selects the register in the window.
const SELECT: usize = 0x00;
/// `IOWIN`: the selected register.
const WINDOW: usize = 0x10;

/// `IOAPICVER`: bits 16 to 23 hold the number of the last input.
const VERSION: u32 = 0x01;
/// `IOREDTBL`: two registers for each input, the lower half first.
const REDIRECTIONS: u32 = 0x10;

/// The input is active low.
const ACTIVE_LOW: u32 = 1 << 13;
/// The input is level-triggered.
const LEVEL: u32 = 1 << 15;
/// The input is masked.
const MASKED: u32 = 1 << 16;

/// The driver for an I/O APIC.
pub(super) struct IoApic<R> {
    registers: R,
    /// The interrupt number of the I/O APIC's first input.
    first: u32,
    /// The number of the I/O APIC's inputs.
    count: u32,
}

impl<R: Registers> IoApic<R> {
    /// Creates the driver for these registers; `first` is the interrupt number of the first input.
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

    /// Returns whether `number` is an input of this I/O APIC.
    pub(super) fn has(&self, number: u32) -> bool {
        number
            .checked_sub(self.first)
            .is_some_and(|input| input < self.count)
    }

    /// Masks every input.
    pub(super) fn mask_all(&mut self) {
        for input in 0..self.count {
            self.write(REDIRECTIONS + 2 * input, MASKED);
        }
    }

    /// Masks one input of the I/O APIC.
    pub(super) fn mask(&mut self, number: u32) {
        let register = REDIRECTIONS + 2 * (number - self.first);
        self.write(register, self.read(register) | MASKED);
    }

    /// Routes an input of this I/O APIC to `vector` of the local APIC `id`.
    pub(super) fn route(&mut self, interrupt: Interrupt, vector: u8, id: u32) {
        let register = REDIRECTIONS + 2 * (interrupt.number - self.first);
        let Interrupt { trigger, .. } = interrupt;
        let level = if trigger.is_level() { LEVEL } else { 0 };
        let polarity = if trigger.is_low() { ACTIVE_LOW } else { 0 };
        // Keep the input masked while its two halves are inconsistent.
        self.write(register, MASKED);
        self.write(register + 1, id << 24);
        self.write(register, u32::from(vector) | level | polarity);
    }
}
