//! The Motorola MC146818 real-time clock, which PCs have behind two ports (Motorola, MC146818A data
//! sheet, 1984).
//!
//! It counts in a calendar, as its registers A, B and D say: in BCD or in binary, by 12 or by 24
//! hours. It is taken to run in UTC. Centuries came later: where the chip keeps one, it is in a byte
//! of its memory that each maker has chosen.

use core::time::Duration;

use crate::board::Driver;
use crate::mmio::Registers;
use crate::port::{PortIo, PortRange, Ports};

use super::Clock;

/// Which register the other port reaches. Its bit 7 holds off the NMI of a PC where it is set.
const INDEX: usize = 0;
/// That register.
const DATA: usize = 1;

/// Seconds, minutes, hours, day of the month, month and year (table 2).
const TIME: [u8; 6] = [0, 2, 4, 7, 8, 9];
/// Register A: what the chip does.
const A: u8 = 10;
/// Register B: how it counts.
const B: u8 = 11;
/// Register D: whether it was without power.
const D: u8 = 13;

/// A: the time changes within 244 µs, or is changing.
const UPDATE_IN_PROGRESS: u8 = 1 << 7;
/// B: 24 hours, not twice 12.
const HOURS_24: u8 = 1 << 1;
/// B: binary numbers, not BCD.
const BINARY: u8 = 1 << 2;
/// D: it has had power ever since it was set.
const VALID: u8 = 1 << 7;
/// The hours: after noon, where there are twice 12.
const AFTER_NOON: u8 = 1 << 7;

/// How often the registers are looked at. An update takes 2 ms once a second, and no computer looks
/// this often in that time.
const ATTEMPTS: u32 = 100_000;

/// Where a clock is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// Its two ports.
    pub ports: PortRange,
    /// The register that holds the century, if there is one.
    pub century: Option<u8>,
}

/// An MC146818.
pub struct Mc146818<R> {
    registers: R,
    century: Option<u8>,
}

/// What the registers hold, the century last; 0 where there is none.
type Reading = [u8; 7];

impl<R: Registers> Mc146818<R> {
    /// The clock behind these two ports, with its century in that register.
    pub const fn with_registers(registers: R, century: Option<u8>) -> Self {
        Self { registers, century }
    }

    fn read(&self, register: u8) -> u8 {
        self.registers.write8(INDEX, register);
        self.registers.read8(DATA)
    }

    /// The registers, unless they are about to change.
    fn reading(&self) -> Option<Reading> {
        let mut reading = [0; 7];
        let registers = TIME.into_iter().chain(self.century);
        if self.read(A) & UPDATE_IN_PROGRESS != 0 {
            return None;
        }
        for (byte, register) in reading.iter_mut().zip(registers) {
            *byte = self.read(register);
        }
        Some(reading)
    }

    /// The registers, read twice: what delays the processor longer than 244 µs cannot tear them.
    fn steady_reading(&self) -> Option<Reading> {
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let reading = self.reading();
            if reading.is_some() && reading == last {
                return reading;
            }
            last = reading;
        }
        None
    }
}

impl<P: PortIo> Driver for Mc146818<Ports<P>> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        // SAFETY: the caller promises that the ports are there and nobody else's.
        let registers = unsafe { Ports::new(config.ports) };
        Self::with_registers(registers, config.century)
    }
}

impl<R: Registers> Clock for Mc146818<R> {
    fn since_1970(&self) -> Option<Duration> {
        if self.read(D) & VALID == 0 {
            return None;
        }
        let mode = self.read(B);
        let number = |byte: u8| match (mode & BINARY != 0, byte >> 4, byte & 15) {
            (true, ..) => Some(u64::from(byte)),
            (false, tens @ 0..10, ones @ 0..10) => Some(u64::from(10 * tens + ones)),
            _ => None,
        };
        let [second, minute, hours, day, month, year, century] = self.steady_reading()?;
        let hour = if mode & HOURS_24 != 0 {
            number(hours)?
        } else {
            let hour = number(hours & !AFTER_NOON).filter(|hour| (1..=12).contains(hour))?;
            hour % 12 + if hours & AFTER_NOON != 0 { 12 } else { 0 }
        };
        let year = match (number(year)?, self.century) {
            (year, Some(_)) => 100 * number(century)? + year,
            (year @ 70.., None) => 1900 + year,
            (year, None) => 2000 + year,
        };
        let days = days_since_1970(year, number(month)?, number(day)?)?;
        let (minute, second) = (number(minute)?, number(second)?);
        let is_time = hour < 24 && minute < 60 && second < 60;
        let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
        is_time.then_some(Duration::from_secs(seconds))
    }
}

/// The days from the beginning of 1970 to a day of the Gregorian calendar. `None` before it, and
/// where no year has that day.
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1970..10_000).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // With March as the first month the day that some years have more is the last.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    Some(365 * year + leap_days + (153 * month + 2) / 5 + day - 1 - DAYS_BEFORE_1970)
}

/// The days from 1 March of the year 0 to 1 January 1970.
const DAYS_BEFORE_1970: u64 = 719_468;

#[cfg(test)]
mod tests;
