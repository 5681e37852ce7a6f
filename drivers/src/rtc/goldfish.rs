//! The goldfish real-time clock of Android's and RISC-V's virtual machines, which counts
//! nanoseconds.
//!
//! Android, `docs/GOLDFISH-VIRTUAL-HARDWARE.TXT`, section VI.

use core::time::Duration;

use crate::address::Range;
use crate::board::Driver;
use crate::mmio::{Mmio, Registers};

use super::Clock;

/// `TIME_LOW`: the lower half. Reading it latches the upper half.
const TIME_LOW: usize = 0x00;
/// `TIME_HIGH`: the latched upper half.
const TIME_HIGH: usize = 0x04;

/// The driver for a goldfish RTC.
pub struct Goldfish<R> {
    registers: R,
}

impl<R: Registers> Goldfish<R> {
    /// Creates the driver for these registers.
    pub const fn with_registers(registers: R) -> Self {
        Self { registers }
    }
}

impl Driver for Goldfish<Mmio> {
    type Config = Range;

    unsafe fn new(registers: &Range) -> Self {
        // SAFETY: the caller guarantees that the registers are present and not shared.
        Self::with_registers(unsafe { Mmio::new(*registers) })
    }
}

impl<R: Registers> Clock for Goldfish<R> {
    fn since_1970(&self) -> Option<Duration> {
        let low = self.registers.read32(TIME_LOW);
        let high = self.registers.read32(TIME_HIGH);
        Some(Duration::from_nanos(u64::from(high) << 32 | u64::from(low)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtc::tests::Words;

    #[test]
    fn it_counts_nanoseconds_in_two_halves() {
        let words = Words::new([0x1234_5678, 0x1798_0000]);
        let clock = Goldfish::with_registers(&words);
        let expected = Duration::from_nanos(0x1798_0000_1234_5678);
        assert_eq!(clock.since_1970(), Some(expected));
    }

    #[test]
    fn the_lower_half_is_read_first() {
        let words = Words::new([1, 2]);
        let _ = Goldfish::with_registers(&words).since_1970();
        assert_eq!(words.read(), [0, 4]);
    }
}
