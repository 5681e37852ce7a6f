//! The 8254 interval timer, channel 0. The driver does not use channel 2, because some machines
//! have no port for its gate.
//!
//! Intel 8254 data sheet (231164-005).

use crate::board::Driver;
use crate::mmio::Registers;
use crate::port::{PortIo, PortRange, Ports};

use super::Reference;

/// The count of channel 0.
const CHANNEL_0: usize = 0;
/// The port of the control word.
const CONTROL: usize = 3;

/// Channel 0, both bytes of the count, mode 2: counts down from the initial count, repeatedly.
const RATE_GENERATOR: u8 = 0x34;
/// Channel 0, both bytes of the count, mode 0: does not count until a count is written.
const STOPPED: u8 = 0x30;
/// Channel 0: latches the count for reading.
const LATCH: u8 = 0x00;

/// The frequency in Hz: a third of the NTSC subcarrier, as in every PC.
const FREQUENCY: u64 = 1_193_182;

/// The location of an 8254.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The four ports of the 8254.
    pub ports: PortRange,
}

/// The driver for channel 0 of an 8254.
pub struct Pit<R> {
    registers: R,
}

impl<R: Registers> Pit<R> {
    /// Creates the driver for these registers, and starts the counter.
    pub fn with_registers(registers: R) -> Self {
        registers.write8(CONTROL, RATE_GENERATOR);
        // 0 stands for 65536.
        registers.write8(CHANNEL_0, 0);
        registers.write8(CHANNEL_0, 0);
        Self { registers }
    }
}

impl<P: PortIo> Driver for Pit<Ports<P>> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        // SAFETY: the caller guarantees that the 8254 is present and not shared.
        Self::with_registers(unsafe { Ports::new(config.ports) })
    }
}

impl<R: Registers> Reference for Pit<R> {
    fn frequency(&self) -> u64 {
        FREQUENCY
    }

    fn mask(&self) -> u32 {
        0xffff
    }

    fn count(&mut self) -> u32 {
        self.registers.write8(CONTROL, LATCH);
        let low = self.registers.read8(CHANNEL_0);
        let high = self.registers.read8(CHANNEL_0);
        // it counts down
        u32::from(u16::from_le_bytes([low, high]).wrapping_neg())
    }

    fn stop(&mut self) {
        self.registers.write8(CONTROL, STOPPED);
    }
}
