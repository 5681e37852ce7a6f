//! Tests with a simulated clock behind its two ports.

use core::cell::{Cell, RefCell};
use std::vec::Vec;

use super::*;

/// 22 November 2026, 20:25:31 UTC.
const NOW: Duration = Duration::from_secs(1_795_379_131);
const CENTURY: u8 = 0x32;

struct Chip {
    memory: RefCell<[u8; 128]>,
    index: Cell<u8>,
    /// The registers that were read, in order.
    read: RefCell<Vec<u8>>,
    /// How many more times register A reports an update in progress.
    updates: Cell<u32>,
    /// The second changes after the hours have been read this many more times.
    turns_after: Cell<u32>,
}

impl Chip {
    /// Creates a clock from the time registers, the century, and register B.
    fn new([second, minute, hour, day, month, year]: [u8; 6], century: u8, mode: u8) -> Self {
        let mut memory = [0; 128];
        for (register, byte) in [(0, second), (2, minute), (4, hour)] {
            memory[register] = byte;
            // The alarm register, which must not be mistaken for the time.
            memory[register + 1] = 0xC0;
        }
        for (register, byte) in [(7, day), (8, month), (9, year), (11, mode), (13, VALID)] {
            memory[register] = byte;
        }
        memory[usize::from(CENTURY)] = century;
        Self {
            memory: RefCell::new(memory),
            index: Cell::new(0),
            read: RefCell::default(),
            updates: Cell::new(0),
            turns_after: Cell::new(u32::MAX),
        }
    }

    /// Returns a clock in BCD with 24 hours, as in PCs.
    fn usual() -> Self {
        Self::new([0x31, 0x25, 0x20, 0x22, 0x11, 0x26], 0x20, HOURS_24)
    }

    fn set(self, register: u8, byte: u8) -> Self {
        self.memory.borrow_mut()[usize::from(register)] = byte;
        self
    }

    fn tells(&self) -> Option<Duration> {
        Mc146818::with_registers(self, Some(CENTURY)).since_1970()
    }

    fn tells_without_century(&self) -> Option<Duration> {
        Mc146818::with_registers(self, None).since_1970()
    }
}

impl Registers for &Chip {
    fn write8(&self, offset: usize, value: u8) {
        assert_eq!(offset, INDEX, "the driver writes no register of the clock");
        assert!(value < 128, "{value:#x} would hold off the NMI");
        self.index.set(value);
    }

    fn read8(&self, offset: usize) -> u8 {
        assert_eq!(offset, DATA, "the index cannot be read");
        let register = self.index.get();
        self.read.borrow_mut().push(register);
        if register == 4 {
            self.turns_after.set(self.turns_after.get().wrapping_sub(1));
            if self.turns_after.get() == 0 {
                let mut memory = self.memory.borrow_mut();
                memory[0] = 0;
                memory[2] += 1;
            }
        }
        if register == A && self.updates.get() > 0 {
            self.updates.set(self.updates.get() - 1);
            return UPDATE_IN_PROGRESS;
        }
        self.memory.borrow()[usize::from(register)]
    }

    fn read16(&self, _: usize) -> u16 {
        panic!("a port has 8 bits")
    }
    fn read32(&self, _: usize) -> u32 {
        panic!("a port has 8 bits")
    }
    fn read64(&self, _: usize) -> u64 {
        panic!("a port has 8 bits")
    }
    fn write16(&self, _: usize, _: u16) {
        panic!("a port has 8 bits")
    }
    fn write32(&self, _: usize, _: u32) {
        panic!("a port has 8 bits")
    }
    fn write64(&self, _: usize, _: u64) {
        panic!("a port has 8 bits")
    }
}

#[test]
fn it_counts_in_bcd() {
    assert_eq!(Chip::usual().tells(), Some(NOW));
}

#[test]
fn it_counts_in_binary() {
    let chip = Chip::new([31, 25, 20, 22, 11, 26], 20, HOURS_24 | BINARY);
    assert_eq!(chip.tells(), Some(NOW));
}

#[test]
fn it_counts_twice_12_hours() {
    let hours = |hour| {
        let chip = Chip::new([0, 0, hour, 1, 1, 0x70], 0x19, 0);
        chip.tells().map(|time| time.as_secs() / 3600)
    };
    assert_eq!(hours(0x12), Some(0), "midnight is 12");
    assert_eq!(hours(0x01), Some(1));
    assert_eq!(hours(0x11), Some(11));
    assert_eq!(hours(0x92), Some(12), "so is noon");
    assert_eq!(hours(0x91), Some(23));
    assert_eq!(hours(0x00), None);
    assert_eq!(hours(0x13), None);
}

#[test]
fn without_a_century_years_are_those_since_1970() {
    let year = |year| {
        let chip = Chip::new([0, 0, 0, 1, 1, year], 0x55, HOURS_24);
        let days = chip.tells_without_century().unwrap().as_secs() / 86_400;
        // No later than with the average length of a year, and less than one day earlier.
        1970 + (days + 1) * 10_000 / 3_652_425
    };
    assert_eq!((year(0x70), year(0x99)), (1970, 1999));
    assert_eq!((year(0x00), year(0x26), year(0x69)), (2000, 2026, 2069));
}

#[test]
fn leap_years_have_a_day_more() {
    let at = |century, year, month, day| {
        let chip = Chip::new([0, 0, 0, day, month, year], century, HOURS_24);
        chip.tells().map(|time| time.as_secs())
    };
    assert_eq!(at(0x20, 0x00, 0x02, 0x29), Some(951_782_400));
    assert_eq!(at(0x20, 0x24, 0x03, 0x01), Some(1_709_251_200));
    assert_eq!(at(0x21, 0x00, 0x03, 0x01), Some(4_107_542_400));
    assert_eq!(at(0x19, 0x70, 0x01, 0x01), Some(0));
}

#[test]
fn a_changing_time_is_not_read() {
    let chip = Chip::usual();
    chip.updates.set(3);
    assert_eq!(chip.tells(), Some(NOW));
    let read = chip.read.borrow();
    let times = read.iter().filter(|register| **register == A).count();
    assert_eq!(times, 3 + 2);
}

#[test]
fn a_change_during_reading_does_not_corrupt_the_time() {
    for reading in 1..4 {
        let chip = Chip::usual().set(0, 0x59);
        chip.turns_after.set(reading);
        let minute = NOW.as_secs() / 60 * 60;
        let read = chip.tells().map(|time| time.as_secs());
        assert!(
            read == Some(minute + 59) || read == Some(minute + 60),
            "{read:?}"
        );
    }
}

#[test]
#[cfg_attr(
    miri,
    ignore = "takes minutes, and no other unsafe code than the tests around it"
)]
fn a_missing_clock_has_no_time() {
    let chip = Chip::usual();
    chip.memory.borrow_mut().fill(0xFF);
    assert_eq!(chip.tells(), None);
    assert!(
        chip.read.borrow().len() < 300_000,
        "it stops after the limit"
    );
}

#[test]
fn a_clock_that_lost_power_has_no_time() {
    assert_eq!(Chip::usual().set(D, 0).tells(), None);
}

#[test]
fn invalid_registers_are_no_time() {
    for (register, byte) in [
        (0, 0x60),
        (0, 0x5A),
        (2, 0xA0),
        (4, 0x24),
        (7, 0),
        (7, 0x32),
        (8, 0x13),
        (8, 0),
        (9, 0x1F),
        (CENTURY, 0x18),
    ] {
        let chip = Chip::usual().set(register, byte);
        assert_eq!(chip.tells(), None, "register {register}: {byte:#x}");
    }
}
