use super::*;
use crate::mmio::words::WordRegisters;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::vec::Vec;

/// The frequency of the tests: a tick takes ten nanoseconds.
const CLOCK: u64 = 100_000_000;

/// A global timer whose counter advances with each read of its lower half.
#[derive(Default)]
struct Fake {
    count: Cell<u64>,
    step: Cell<u64>,
    registers: RefCell<BTreeMap<usize, u32>>,
    writes: RefCell<Vec<usize>>,
}

impl Fake {
    fn at(count: u64) -> Self {
        let fake = Self::default();
        fake.count.set(count);
        fake
    }

    fn register(&self, offset: usize) -> u32 {
        self.registers.borrow()[&offset]
    }
}

impl WordRegisters for &Fake {
    fn read(&self, offset: usize) -> u32 {
        match offset {
            0x00 => {
                self.count.set(self.count.get() + self.step.take());
                self.count.get() as u32
            }
            0x04 => (self.count.get() >> 32) as u32,
            _ => panic!("only the counter is read, not {offset:#x}"),
        }
    }

    fn write(&self, offset: usize, value: u32) {
        assert!(offset >= 0x08, "the counter is not changed");
        self.registers.borrow_mut().insert(offset, value);
        self.writes.borrow_mut().push(offset);
    }
}

#[test]
fn the_counter_runs_and_nothing_is_raised_at_first() {
    let fake = Fake::at(12);
    let timer = CortexA9Global::with_registers(&fake, CLOCK);
    assert_eq!(fake.register(0x08), 1);
    assert_eq!(fake.register(0x0c), 1);
    assert_eq!(timer.now(), 120);
}

#[test]
fn a_carry_between_the_halves_is_not_lost() {
    let fake = Fake::at(0xffff_ffff);
    let timer = CortexA9Global::with_registers(&fake, CLOCK);
    fake.step.set(1);
    assert_eq!(timer.now(), (1 << 32) * 10);
}

#[test]
fn the_comparator_is_written_while_it_does_not_compare() {
    let fake = Fake::at(0);
    let mut timer = CortexA9Global::with_registers(&fake, CLOCK);
    fake.writes.take();
    timer.set_deadline(Some(0x1_2345_6789 * 10));
    assert_eq!(fake.register(0x14), 1);
    assert!(fake.register(0x10).abs_diff(0x2345_6789) <= 1);
    assert_eq!(fake.register(0x08), 0b111);
    assert_eq!(fake.writes.take(), [0x08, 0x0c, 0x10, 0x14, 0x08]);
}

#[test]
fn a_cancelled_deadline_raises_nothing_and_releases_the_interrupt() {
    let fake = Fake::at(0);
    let mut timer = CortexA9Global::with_registers(&fake, CLOCK);
    timer.set_deadline(Some(500));
    fake.writes.take();
    timer.set_deadline(None);
    assert_eq!(fake.register(0x08), 1);
    assert_eq!(fake.writes.take(), [0x08, 0x0c]);
}

#[test]
fn the_prescaler_is_off() {
    let fake = Fake::at(0);
    let mut timer = CortexA9Global::with_registers(&fake, CLOCK);
    timer.set_deadline(Some(500));
    assert_eq!(fake.register(0x08) >> 8, 0);
}
