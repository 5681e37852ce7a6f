//! PCI: finding functions, giving them addresses, reading what they can do.
//!
//! Registers and bits are those of the PCI Local Bus Specification 3.0 and, for ECAM, of PCI Express
//! Base 3.0, 7.2.2. What a function says about itself is checked before it is used: a capability list
//! is walked in a bounded number of steps, a BAR is only as large as it was sized, and no address is
//! formed that lies outside the board's windows.

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
    /// BIST, header type, latency timer, cache line size.
    pub const HEADER_TYPE: u16 = 0x0c;
    /// The first of six (bridges: two) base address registers.
    pub const BAR0: u16 = 0x10;
    /// Of a bridge: latency timer, subordinate, secondary and primary bus number.
    pub const BUS_NUMBERS: u16 = 0x18;
    /// Of a bridge: memory limit (upper half) and base.
    pub const MEMORY_WINDOW: u16 = 0x20;
    /// Of a bridge: prefetchable memory limit (upper half) and base.
    pub const PREFETCHABLE_WINDOW: u16 = 0x24;
    /// Of a bridge: bits 32 to 63 of the prefetchable base.
    pub const PREFETCHABLE_BASE_UPPER: u16 = 0x28;
    /// Of a bridge: bits 32 to 63 of the prefetchable limit.
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
    /// The function answers in I/O space.
    pub const IO: u32 = 1 << 0;
    /// The function answers in memory space.
    pub const MEMORY: u32 = 1 << 1;
    /// The function may write to memory, messages included.
    pub const BUS_MASTER: u32 = 1 << 2;
    /// The function keeps its pin quiet.
    pub const INTX_DISABLE: u32 = 1 << 10;
}

/// The status bit (in the upper half of [`register::COMMAND`]) that says there are capabilities.
const STATUS_CAPABILITIES: u32 = 1 << (16 + 4);

/// Where a function is: bus, device and function number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    bus: u8,
    device: u8,
    function: u8,
}

impl Address {
    /// The function `function` (0 to 7) of device `device` (0 to 31) on `bus`; higher bits of both
    /// are dropped.
    #[must_use]
    pub const fn new(bus: u8, device: u8, function: u8) -> Self {
        Self {
            bus,
            device: device & 31,
            function: function & 7,
        }
    }

    /// The bus number.
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

    /// The number by which the function is known when it writes to memory.
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

/// A way to read and write configuration headers.
pub trait ConfigurationSpace {
    /// How many buses can be reached, 1 to 256, from bus 0 on.
    fn buses(&self) -> u16;

    /// Reads the register at `offset`, a multiple of 4 below 256; all ones where there is no such
    /// function.
    fn read(&self, address: Address, offset: u16) -> u32;

    /// Writes the register at `offset`, a multiple of 4 below 256.
    fn write(&mut self, address: Address, offset: u16, value: u32);
}

/// Configuration space mapped into memory: 4 KiB a function, 1 MiB a bus.
#[derive(Debug)]
pub struct Ecam<R> {
    registers: R,
    buses: u16,
}

impl<R: Registers> Ecam<R> {
    /// Configuration space of `size` bytes behind `registers`.
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
        // SAFETY: the caller promises that configuration space is there and nobody else's.
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

/// Turns bits of the command register of the function at `address` on and off.
#[inline(never)]
pub fn set_command(space: &mut impl ConfigurationSpace, address: Address, on: u32, off: u32) {
    // The upper half is the status, whose bits are cleared by writing ones.
    let old = space.read(address, register::COMMAND) & 0xffff;
    space.write(address, register::COMMAND, (old | on) & !off);
}

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod tests;
