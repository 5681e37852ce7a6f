//! The Motorola MC146818 real-time clock of PCs, behind two I/O ports (Motorola, MC146818A data
//! sheet, 1984).
//!
//! It keeps a calendar date; registers A, B and D describe the format: BCD or binary, 12 or 24
//! hours. The driver assumes UTC. The chip itself has no century; some machines keep it in a byte
//! of its memory, at a position chosen by the manufacturer.

use core::time::Duration;

use crate::board::Driver;
use crate::mmio::Registers;
use crate::port::{PortIo, PortRange, Ports};

use super::Clock;

/// The index port: selects the register. On a PC, its bit 7 disables the NMI.
const INDEX: usize = 0;
/// The data port: the selected register.
const DATA: usize = 1;

/// Seconds, minutes, hours, day of the month, month and year (table 2).
const TIME: [u8; 6] = [0, 2, 4, 7, 8, 9];
/// Register A: status of updates.
const A: u8 = 10;
/// The index of register B: the format.
const B: u8 = 11;
/// Register D: whether the clock is valid.
const D: u8 = 13;

/// Register A: the time changes within 244 µs, or is changing.
const UPDATE_IN_PROGRESS: u8 = 1 << 7;
/// Register B: 24-hour format.
const HOURS_24: u8 = 1 << 1;
/// Register B: binary format instead of BCD.
const BINARY: u8 = 1 << 2;
/// Register D: the clock has had power since it was set.
const VALID: u8 = 1 << 7;
/// Hours register: PM, in the 12-hour format.
const AFTER_NOON: u8 = 1 << 7;

/// The largest number of attempts to read the registers. An update takes 2 ms once a second, during
/// which no computer makes this many reads.
const ATTEMPTS: u32 = if cfg!(miri) { 100 } else { 100_000 };

/// The I/O ports of an MC146818, and its register for the century.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The two ports of the clock.
    pub ports: PortRange,
    /// The register with the century; `None` if there is none.
    pub century: Option<u8>,
}

/// The driver for an MC146818.
pub struct Mc146818<R> {
    registers: R,
    century: Option<u8>,
}

/// The content of the registers, with the century last; 0 if there is none.
type Reading = [u8; 7];

impl<R: Registers> Mc146818<R> {
    /// Creates the driver for these two ports, with the century in that register.
    pub const fn with_registers(registers: R, century: Option<u8>) -> Self {
        Self { registers, century }
    }

    fn read(&self, register: u8) -> u8 {
        self.registers.write8(INDEX, register);
        self.registers.read8(DATA)
    }

    /// Reads the registers; `None` if they are about to change.
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

    /// Reads the registers twice, so that a delay of more than 244 µs cannot mix two times.
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
        // SAFETY: the caller guarantees that the ports are present and not shared.
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

/// Returns the days from 1970-01-01 to a date of the Gregorian calendar. `None` for dates before
/// that, and for invalid dates.
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1970..10_000).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // With March as the first month, the leap day is the last day of the year.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    Some(365 * year + leap_days + (153 * month + 2) / 5 + day - 1 - DAYS_BEFORE_1970)
}

/// The days from 0000-03-01 to 1970-01-01.
const DAYS_BEFORE_1970: u64 = 719_468;

#[cfg(test)]
mod tests;
