//! PCI: enumeration, address assignment and capabilities.
//!
//! Registers and bits: PCI Local Bus Specification 3.0 and, for ECAM, PCI Express Base 3.0, 7.2.2.
//! Values from a function are checked before use: a capability list is walked in a bounded number
//! of steps, a BAR is only as large as it was sized, and every address is within the board's
//! windows.

use core::fmt;

use crate::address::Range;
use crate::board::Driver;
use crate::mmio::{Mmio, Registers};

mod assign;
pub mod bar;
pub mod capability;
mod enumerate;
mod function;
pub mod msix;
pub mod ports;

pub use bar::{Bar, BarError};
pub use enumerate::{EnumerateError, enumerate, enumerate_of};
pub use function::Function;

/// Offsets in the configuration header (PCI 3.0, 6.1).
pub mod register {
    /// Device id (upper half) and vendor id.
    pub const ID: u16 = 0x00;
    /// Status (upper half) and command.
    pub const COMMAND: u16 = 0x04;
    /// Class code (upper 24 bits) and revision.
    pub const CLASS: u16 = 0x08;
    /// Header type, and other fields: BIST, latency timer, cache line size.
    pub const HEADER_TYPE: u16 = 0x0c;
    /// The first of six (for bridges: two) base address registers.
    pub const BAR0: u16 = 0x10;
    /// Bridge: latency timer, subordinate, secondary and primary bus number.
    pub const BUS_NUMBERS: u16 = 0x18;
    /// Bridge: memory limit (upper half) and base.
    pub const MEMORY_WINDOW: u16 = 0x20;
    /// Bridge: prefetchable memory limit (upper half) and base.
    pub const PREFETCHABLE_WINDOW: u16 = 0x24;
    /// Bridge: bits 32 to 63 of the prefetchable base.
    pub const PREFETCHABLE_BASE_UPPER: u16 = 0x28;
    /// Bridge: bits 32 to 63 of the prefetchable limit.
    pub const PREFETCHABLE_LIMIT_UPPER: u16 = 0x2c;
    /// Subsystem id (upper half) and subsystem vendor id.
    pub const SUBSYSTEM: u16 = 0x2c;
    /// The offset of the first capability.
    pub const CAPABILITIES: u16 = 0x34;
    /// Latencies, interrupt pin, interrupt line.
    pub const INTERRUPT: u16 = 0x3c;
}

/// Bits of the command register (PCI 3.0, 6.2.2).
pub mod command {
    /// Enables I/O space.
    pub const IO: u32 = 1 << 0;
    /// Enables memory space.
    pub const MEMORY: u32 = 1 << 1;
    /// Enables memory writes by the function, including messages.
    pub const BUS_MASTER: u32 = 1 << 2;
    /// Disables the function's interrupt pin.
    pub const INTX_DISABLE: u32 = 1 << 10;
}

/// Status bit (in the upper half of [`register::COMMAND`]): the function has a capability list.
const STATUS_CAPABILITIES: u32 = 1 << (16 + 4);

/// The address of a function: bus, device and function number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    bus: u8,
    device: u8,
    function: u8,
}

impl Address {
    /// Returns the address of function `function` (0 to 7) of device `device` (0 to 31) on `bus`;
    /// higher bits of both are ignored.
    #[must_use]
    pub const fn new(bus: u8, device: u8, function: u8) -> Self {
        Self {
            bus,
            device: device & 31,
            function: function & 7,
        }
    }

    /// Returns the bus number.
    #[must_use]
    pub const fn bus(self) -> u8 {
        self.bus
    }

    /// The device number, 0 to 31.
    #[must_use]
    pub const fn device(self) -> u8 {
        self.device
    }

    /// The function number, 0 to 7.
    #[must_use]
    pub const fn function(self) -> u8 {
        self.function
    }

    /// Returns the requester ID of the function, which identifies its memory writes.
    #[must_use]
    pub const fn requester(self) -> u16 {
        (self.bus as u16) << 8 | (self.device as u16) << 3 | self.function as u16
    }
}

impl fmt::Display for Address {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}:{:02x}.{}", self.bus, self.device, self.function)
    }
}

impl fmt::Debug for Address {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Access to configuration headers.
pub trait ConfigurationSpace {
    /// Returns the number of accessible buses, 1 to 256, from bus 0 on.
    fn buses(&self) -> u16;

    /// Reads the register at `offset`, a multiple of 4 below 256. Returns all ones if the function
    /// does not exist.
    fn read(&self, address: Address, offset: u16) -> u32;

    /// Writes the register at `offset`, a multiple of 4 below 256.
    fn write(&mut self, address: Address, offset: u16, value: u32);
}

/// Memory-mapped configuration space (ECAM): 4 KiB per function, 1 MiB per bus.
#[derive(Debug)]
pub struct Ecam<R> {
    registers: R,
    buses: u16,
}

impl<R: Registers> Ecam<R> {
    /// Creates a configuration space of `size` bytes with these registers.
    #[must_use]
    pub fn new(registers: R, size: u64) -> Self {
        Self {
            registers,
            buses: (size >> 20).min(256) as u16,
        }
    }

    fn offset(&self, address: Address, offset: u16) -> Option<usize> {
        let in_range = u16::from(address.bus) < self.buses && offset < 256;
        in_range.then(|| usize::from(address.requester()) << 12 | usize::from(offset & 0xfc))
    }
}

impl Driver for Ecam<Mmio> {
    type Config = Range;

    unsafe fn new(config: &Range) -> Self {
        // SAFETY: the caller guarantees that the configuration space is present and not shared.
        Self::new(unsafe { Mmio::new(*config) }, config.size)
    }
}

impl<R: Registers> ConfigurationSpace for Ecam<R> {
    fn buses(&self) -> u16 {
        self.buses
    }

    #[inline(never)]
    fn read(&self, address: Address, offset: u16) -> u32 {
        match self.offset(address, offset) {
            Some(offset) => u32::from_le(self.registers.read32(offset)),
            None => u32::MAX,
        }
    }

    #[inline(never)]
    fn write(&mut self, address: Address, offset: u16, value: u32) {
        if let Some(offset) = self.offset(address, offset) {
            self.registers.write32(offset, value.to_le());
        }
    }
}

/// Sets and clears bits of the command register of the function at `address`.
#[inline(never)]
pub fn set_command(space: &mut impl ConfigurationSpace, address: Address, on: u32, off: u32) {
    // The upper half is the status register, whose bits are cleared by writing ones.
    let old = space.read(address, register::COMMAND) & 0xffff;
    space.write(address, register::COMMAND, (old | on) & !off);
}

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod tests;
