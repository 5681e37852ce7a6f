//! Powers off or resets a machine by a write to a register.

use crate::address::{PhysicalAddress, Range};
use crate::board::Driver;
use crate::mmio::{Mmio, Registers};
use crate::port::{PortIo, PortRange, Ports};

use super::Power;

/// The width of a write in bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Width {
    /// The write has 8 bits.
    Bits8,
    /// The write has 16 bits.
    Bits16,
    /// The write has 32 bits.
    Bits32,
}

impl Width {
    const fn bytes(self) -> u16 {
        match self {
            Self::Bits8 => 1,
            Self::Bits16 => 2,
            Self::Bits32 => 4,
        }
    }
}

/// A write to a register at an address of type `A`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Write<A> {
    /// The register's address.
    pub register: A,
    /// The value to write.
    pub value: u32,
    /// The width of the access.
    pub width: Width,
}

/// The writes that power off and reset the machine; `A` is an address or a port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config<A> {
    /// The write that powers the machine off; `None` if not supported.
    pub off: Option<Write<A>>,
    /// The write that resets the machine; `None` if not supported.
    pub reset: Option<Write<A>>,
}

/// A machine that is stopped by writes to the registers `R`. It cannot pass an exit status on.
pub struct RegisterWrite<R> {
    off: Option<Write<R>>,
    reset: Option<Write<R>>,
}

impl<R> RegisterWrite<R> {
    fn new<A: Copy>(config: &Config<A>, reach: impl Fn(&Write<A>) -> R) -> Self {
        let write = |write: &Write<A>| Write {
            register: reach(write),
            value: write.value,
            width: write.width,
        };
        Self {
            off: config.off.as_ref().map(write),
            reset: config.reset.as_ref().map(write),
        }
    }
}

impl Driver for RegisterWrite<Mmio> {
    type Config = Config<PhysicalAddress>;

    unsafe fn new(config: &Self::Config) -> Self {
        Self::new(config, |write| {
            let range = Range {
                base: write.register,
                size: write.width.bytes().into(),
            };
            // SAFETY: the caller guarantees that the register is present.
            unsafe { Mmio::new(range) }
        })
    }
}

impl<P: PortIo> Driver for RegisterWrite<Ports<P>> {
    type Config = Config<u16>;

    unsafe fn new(config: &Self::Config) -> Self {
        Self::new(config, |write| {
            let range = PortRange {
                base: write.register,
                size: write.width.bytes(),
            };
            // SAFETY: the caller guarantees that the register is present.
            unsafe { Ports::new(range) }
        })
    }
}

impl<R: Registers> Write<R> {
    fn run(&self) {
        match self.width {
            Width::Bits8 => self.register.write8(0, self.value as u8),
            Width::Bits16 => self.register.write16(0, self.value as u16),
            Width::Bits32 => self.register.write32(0, self.value),
        }
    }
}

impl<R: Registers> Power for RegisterWrite<R> {
    fn off(&mut self, _status: u8) {
        if let Some(write) = &self.off {
            write.run();
        }
    }

    fn reset(&mut self) {
        if let Some(write) = &self.reset {
            write.run();
        }
    }
}
