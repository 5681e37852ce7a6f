use super::*;
use crate::mmio::words::WordRegisters;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::vec::Vec;

/// The frequency of the tests: a tick takes ten nanoseconds.
const CLOCK: u64 = 100_000_000;

/// A system timer, or the control frame of its counter. The counter advances with each read of its
/// lower half.
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
        self.registers.borrow().get(&offset).copied().unwrap_or(0)
    }
}

impl WordRegisters for &Fake {
    fn read(&self, offset: usize) -> u32 {
        match offset {
            0x00 if self.register(0) == 0 => {
                self.count.set(self.count.get() + self.step.take());
                self.count.get() as u32
            }
            0x04 => (self.count.get() >> 32) as u32,
            _ => self.register(offset),
        }
    }

    fn write(&self, offset: usize, value: u32) {
        self.registers.borrow_mut().insert(offset, value);
        self.writes.borrow_mut().push(offset);
    }
}

#[test]
fn the_counter_is_started_with_its_other_options_as_they_are() {
    let (fake, counter) = (Fake::at(12), Fake::default());
    counter.registers.borrow_mut().insert(0x00, 1 << 1);
    let timer = SseTimer::with_registers(&fake, &&counter, CLOCK);
    assert_eq!(counter.register(0x00), 0b11);
    assert_eq!(timer.now(), 120);
}

#[test]
fn nothing_is_raised_at_first() {
    let (fake, counter) = (Fake::default(), Fake::default());
    fake.registers.borrow_mut().extend([(0x2c, 1), (0x4c, 1)]);
    SseTimer::with_registers(&fake, &&counter, CLOCK);
    assert_eq!((fake.register(0x2c), fake.register(0x4c)), (0, 0));
}

#[test]
fn a_carry_between_the_halves_is_not_lost() {
    let (fake, counter) = (Fake::at(0xffff_ffff), Fake::default());
    let timer = SseTimer::with_registers(&fake, &&counter, CLOCK);
    fake.step.set(1);
    assert_eq!(timer.now(), (1 << 32) * 10);
}

#[test]
fn the_comparator_is_written_while_the_timer_is_disabled() {
    let (fake, counter) = (Fake::default(), Fake::default());
    let mut timer = SseTimer::with_registers(&fake, &&counter, CLOCK);
    fake.writes.take();
    timer.set_deadline(Some(0x1_2345_6789 * 10));
    assert_eq!(fake.register(0x24), 1);
    assert!(fake.register(0x20).abs_diff(0x2345_6789) <= 1);
    assert_eq!(fake.register(0x2c), 1);
    assert_eq!(fake.writes.take(), [0x2c, 0x20, 0x24, 0x2c]);
}

#[test]
fn a_cancelled_deadline_raises_nothing() {
    let (fake, counter) = (Fake::default(), Fake::default());
    let mut timer = SseTimer::with_registers(&fake, &&counter, CLOCK);
    timer.set_deadline(Some(500));
    timer.set_deadline(None);
    assert_eq!(fake.register(0x2c), 0);
}
