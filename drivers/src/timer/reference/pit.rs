//! The 8254 interval timer, channel 0. Nothing else of it is used: some machines have no port to
//! gate channel 2.
//!
//! Intel 8254 data sheet (231164-005).

use crate::board::Driver;
use crate::mmio::Registers;
use crate::port::{PortIo, PortRange, Ports};

use super::Reference;

/// The count of channel 0.
const CHANNEL_0: usize = 0;
/// The control word.
const CONTROL: usize = 3;

/// Channel 0, both bytes of the count, mode 2: from the initial count down and again.
const RATE_GENERATOR: u8 = 0x34;
/// Channel 0, both bytes of the count, mode 0: nothing is counted before a count is written.
const STOPPED: u8 = 0x30;
/// Channel 0: what the count is now stays readable.
const LATCH: u8 = 0x00;

/// A third of the subcarrier of NTSC, as every PC has it.
const FREQUENCY: u64 = 1_193_182;

/// Where an 8254 is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// Its four ports.
    pub ports: PortRange,
}

/// An 8254.
pub struct Pit<R> {
    registers: R,
}

impl<R: Registers> Pit<R> {
    /// The one behind these registers, counting.
    pub fn with_registers(registers: R) -> Self {
        registers.write8(CONTROL, RATE_GENERATOR);
        // 0 stands for 65536
        registers.write8(CHANNEL_0, 0);
        registers.write8(CHANNEL_0, 0);
        Self { registers }
    }
}

impl<P: PortIo> Driver for Pit<Ports<P>> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        // SAFETY: the caller promises that it is there and nobody else's.
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
