//! The global timer of a Cortex-A9 MPCore: a counter of 64 bits for all processors, and a comparator
//! for each.
//!
//! Registers: Arm DDI 0407 (Cortex-A9 MPCore r4p1), section 4.4. The comparator's registers are
//! banked: each processor accesses its own.

use crate::address::Range;
use crate::board::Driver;
use crate::mmio::{Mmio, Registers};

use super::Timer;
use super::halves;
use super::rate::Rate;

/// The lower and the upper half of the counter.
const COUNTER: [usize; 2] = [0x00, 0x04];
/// The control register; bits 8 to 15 are the prescaler.
const CONTROL: usize = 0x08;
/// The interrupt status: the event flag, which a write of 1 clears.
const STATUS: usize = 0x0c;
/// The lower and the upper half of the comparator.
const COMPARATOR: [usize; 2] = [0x10, 0x14];

/// Control: the counter counts.
const ENABLE: u32 = 1 << 0;
/// Control: the comparator compares, and raises the interrupt.
const ALARM: u32 = 1 << 1 | 1 << 2;
/// Status: the counter has reached the comparator.
const EVENT: u32 = 1 << 0;

/// The location of the timer's registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The timer's registers.
    pub registers: Range,
    /// The frequency in Hz: that of the processor's peripheral clock.
    pub clock: u64,
}

/// The global timer, with the comparator of one processor.
pub struct CortexA9Global<R> {
    registers: R,
    rate: Rate,
}

impl<R: Registers> CortexA9Global<R> {
    /// Creates the driver for a timer that runs at `clock` Hz, without a deadline. The counter is
    /// not restarted, because other processors may use it.
    pub fn with_registers(registers: R, clock: u64) -> Self {
        let timer = Self {
            registers,
            rate: Rate::new(clock),
        };
        timer.quieten();
        timer
    }

    fn count(&self) -> u64 {
        // Section 4.4.1 requires this order.
        halves::read(&self.registers, COUNTER)
    }

    /// Stops comparing, and releases the interrupt.
    fn quieten(&self) {
        self.registers.write32(CONTROL, ENABLE);
        self.registers.write32(STATUS, EVENT);
    }
}

impl Driver for CortexA9Global<Mmio> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        // SAFETY: the caller guarantees that the timer is present and not shared.
        Self::with_registers(unsafe { Mmio::new(config.registers) }, config.clock)
    }
}

impl<R: Registers> Timer for CortexA9Global<R> {
    #[inline]
    fn now(&self) -> u64 {
        self.rate.nanoseconds(self.count())
    }

    fn set_deadline(&mut self, deadline: Option<u64>) {
        // A comparator that changes in halves would pass through other values (section 4.4.5).
        self.quieten();
        if let Some(deadline) = deadline {
            let ticks = self.rate.ticks(deadline);
            self.registers.write32(COMPARATOR[0], ticks as u32);
            self.registers.write32(COMPARATOR[1], (ticks >> 32) as u32);
            self.registers.write32(CONTROL, ENABLE | ALARM);
        }
    }

    fn frequency(&self) -> u64 {
        self.rate.frequency()
    }
}

#[cfg(test)]
mod tests;
