//! MSI-X: message-signalled interrupts, with a table entry for each vector (PCI 3.0, 6.8.2).

use super::capability::{Capabilities, MSI_X};
use super::{Address, ConfigurationSpace, Function};
use crate::address::{PhysicalAddress, Range};
use crate::interrupt::Message;
use crate::mmio::Registers;

/// Message control, in the upper half of the capability's first register.
const ENABLE: u32 = 1 << 31;
const FUNCTION_MASK: u32 = 1 << 30;
const TABLE_SIZE: u32 = 0x7ff;

const ENTRY: usize = 16;
/// Table entry: vector control; bit 0 masks the vector.
const CONTROL: usize = 12;
const MASKED: u32 = 1;

/// The location of a function's MSI-X table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TableLocation {
    address: Address,
    capability: u16,
    vectors: u16,
    range: Range,
}

impl TableLocation {
    /// Finds the table of `function`, if there is one that lies within a BAR.
    #[must_use]
    pub fn find(space: &impl ConfigurationSpace, function: &Function) -> Option<Self> {
        let capability = Capabilities::new(space, function.address)
            .find(|capability| capability.id == MSI_X && capability.offset <= 0xf4)?;
        let control = u32::from(capability.start);
        let vectors = (control & TABLE_SIZE) as u16 + 1;
        let place = space.read(function.address, capability.offset + 4);
        let bar = function.bar_range((place & 7) as u8)?;
        let offset = u64::from(place & !7);
        let size = ENTRY as u64 * u64::from(vectors);
        let range = Range::new(PhysicalAddress(bar.base.0.checked_add(offset)?), size)?;
        bar.contains(&range).then_some(Self {
            address: function.address,
            capability: capability.offset,
            vectors,
            range,
        })
    }

    /// Returns the address range of the table.
    #[must_use]
    pub const fn range(&self) -> Range {
        self.range
    }

    /// Returns the number of vectors, 1 to 2048.
    #[must_use]
    pub const fn vectors(&self) -> u16 {
        self.vectors
    }

    /// Enables or disables messages. While they are enabled, the function does not use its pin.
    pub fn enable(&self, space: &mut impl ConfigurationSpace, on: bool) {
        let old = space.read(self.address, self.capability) & !(ENABLE | FUNCTION_MASK);
        space.write(
            self.address,
            self.capability,
            if on { old | ENABLE } else { old },
        );
    }
}

/// The registers of an MSI-X table.
#[derive(Debug)]
pub struct Table<R> {
    registers: R,
    vectors: u16,
}

impl<R: Registers> Table<R> {
    /// Creates the table at `location`, with these registers.
    pub const fn new(registers: R, location: &TableLocation) -> Self {
        Self {
            registers,
            vectors: location.vectors,
        }
    }

    fn entry(&self, vector: u16) -> Option<usize> {
        (vector < self.vectors).then(|| ENTRY * usize::from(vector))
    }

    /// Sets the message of `vector` and unmasks it. Does nothing if the vector does not exist.
    pub fn set(&mut self, vector: u16, message: Message) {
        let Some(entry) = self.entry(vector) else {
            return;
        };
        self.registers.write32(entry + CONTROL, MASKED);
        self.registers.write32(entry, message.address.0 as u32);
        self.registers
            .write32(entry + 4, (message.address.0 >> 32) as u32);
        self.registers.write32(entry + 8, message.data);
        self.registers.write32(entry + CONTROL, 0);
    }

    /// Masks `vector`. Does nothing if the vector does not exist.
    pub fn mask(&mut self, vector: u16) {
        if let Some(entry) = self.entry(vector) {
            self.registers.write32(entry + CONTROL, MASKED);
        }
    }
}
