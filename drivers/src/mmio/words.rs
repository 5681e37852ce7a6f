//! Simulated devices whose registers all have 32 bits.

use super::Registers;

/// The registers of a device that a test simulates, all of 32 bits: an access of another width panics.
pub(crate) trait WordRegisters {
    /// Reads the register at `offset`.
    fn read(&self, offset: usize) -> u32;
    /// Writes the register at `offset`.
    fn write(&self, offset: usize, value: u32);
}

impl<D: WordRegisters> Registers for D {
    fn read32(&self, offset: usize) -> u32 {
        self.read(offset)
    }

    fn write32(&self, offset: usize, value: u32) {
        self.write(offset, value);
    }

    fn read8(&self, offset: usize) -> u8 {
        panic!("the register at {offset:#x} has 32 bits")
    }

    fn read16(&self, offset: usize) -> u16 {
        panic!("the register at {offset:#x} has 32 bits")
    }

    fn read64(&self, offset: usize) -> u64 {
        panic!("the register at {offset:#x} has 32 bits")
    }

    fn write8(&self, offset: usize, _: u8) {
        panic!("the register at {offset:#x} has 32 bits")
    }

    fn write16(&self, offset: usize, _: u16) {
        panic!("the register at {offset:#x} has 32 bits")
    }

    fn write64(&self, offset: usize, _: u64) {
        panic!("the register at {offset:#x} has 32 bits")
    }
}
