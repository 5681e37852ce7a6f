//! Arm's PrimeCell PL031 real-time clock (Arm DDI 0224), which counts seconds.

use core::time::Duration;

use crate::address::Range;
use crate::board::Driver;
use crate::mmio::{Mmio, Registers};

use super::Clock;

/// `RTCDR`: the seconds since 1970 (section 3.3.1).
const DATA: usize = 0x000;

/// The driver for a PL031.
pub struct Pl031<R> {
    registers: R,
}

impl<R: Registers> Pl031<R> {
    /// Creates the driver for these registers.
    pub const fn with_registers(registers: R) -> Self {
        Self { registers }
    }
}

impl Driver for Pl031<Mmio> {
    type Config = Range;

    unsafe fn new(registers: &Range) -> Self {
        // SAFETY: the caller guarantees that the registers are present and not shared.
        Self::with_registers(unsafe { Mmio::new(*registers) })
    }
}

impl<R: Registers> Clock for Pl031<R> {
    fn since_1970(&self) -> Option<Duration> {
        Some(Duration::from_secs(self.registers.read32(DATA).into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtc::tests::Words;

    #[test]
    fn it_counts_seconds() {
        let words = Words::new([1_700_000_000, 0]);
        let clock = Pl031::with_registers(&words);
        assert_eq!(clock.since_1970(), Some(Duration::from_secs(1_700_000_000)));
    }

    #[test]
    fn its_last_second_is_in_2106() {
        let words = Words::new([u32::MAX, 0]);
        let clock = Pl031::with_registers(&words);
        assert_eq!(
            clock.since_1970(),
            Some(Duration::from_secs(u32::MAX.into()))
        );
    }
}
