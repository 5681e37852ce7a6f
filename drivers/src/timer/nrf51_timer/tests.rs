use super::*;
use core::cell::RefCell;
use std::collections::BTreeMap;
use std::vec::Vec;

use crate::mmio::words::WordRegisters;

/// The frequency of the tests: a tick takes a microsecond.
const CLOCK: u64 = 1_000_000;

/// A timer that counts `pace` ticks with each access.
#[derive(Default)]
struct Fake {
    count: Cell<u64>,
    pace: Cell<u64>,
    registers: RefCell<BTreeMap<usize, u32>>,
    writes: RefCell<Vec<(usize, u32)>>,
}

impl Fake {
    fn pass(&self, ticks: u64) {
        for _ in 0..ticks {
            self.count.set(self.count.get() + 1);
            let mut registers = self.registers.borrow_mut();
            if registers.get(&DEADLINE) == Some(&(self.count.get() as u32)) {
                registers.insert(REACHED, 1);
            }
        }
    }

    fn register(&self, offset: usize) -> u32 {
        self.registers.borrow().get(&offset).copied().unwrap_or(0)
    }

    /// Returns the ticks until the next interrupt.
    fn alarm(&self) -> u32 {
        self.register(DEADLINE)
            .wrapping_sub(self.count.get() as u32)
    }
}

impl WordRegisters for &Fake {
    fn read(&self, offset: usize) -> u32 {
        self.pass(self.pace.get());
        self.register(offset)
    }

    fn write(&self, offset: usize, value: u32) {
        self.pass(self.pace.get());
        self.writes.borrow_mut().push((offset, value));
        match offset {
            CAPTURE => {
                let count = self.count.get() as u32;
                self.registers.borrow_mut().insert(CAPTURED, count);
            }
            _ => {
                self.registers.borrow_mut().insert(offset, value);
            }
        }
    }
}

#[test]
fn the_timer_counts_32_bits_without_a_prescaler() {
    let fake = Fake::default();
    let timer = Nrf51Timer::with_registers(&fake, CLOCK);
    let writes = fake.writes.take();
    let first: Vec<usize> = writes.iter().take(8).map(|(offset, _)| *offset).collect();
    let order = [
        STOP,
        CLEAR_ENABLE,
        SHORTS,
        MODE,
        BIT_MODE,
        PRESCALER,
        CLEAR,
        START,
    ];
    assert_eq!(first, order);
    assert!(writes.contains(&(BIT_MODE, WIDE)));
    assert_eq!(writes.last(), Some(&(SET_ENABLE, REACHED_BIT)));
    assert_eq!(timer.frequency(), CLOCK);
}

#[test]
fn the_clock_continues_when_the_count_wraps() {
    let fake = Fake::default();
    let mut timer = Nrf51Timer::with_registers(&fake, CLOCK);
    for round in 1..=5_u64 {
        fake.count.set(round * 0xc000_0000);
        assert_eq!(timer.now(), round * 0xc000_0000 * 1_000);
        timer.set_deadline(None);
        assert_eq!(u64::from(fake.alarm()), LONGEST);
    }
}

#[test]
fn a_deadline_raises_the_interrupt_at_its_tick() {
    let fake = Fake::default();
    let mut timer = Nrf51Timer::with_registers(&fake, CLOCK);
    fake.count.set(1_000);
    timer.set_deadline(Some(1_500_001));
    assert_eq!(fake.alarm(), 501);
    fake.pass(500);
    assert_eq!(fake.register(REACHED), 0);
    fake.pass(1);
    assert_eq!(fake.register(REACHED), 1);
    timer.set_deadline(None);
    assert_eq!(fake.register(REACHED), 0, "the interrupt is released");
}

#[test]
fn a_deadline_in_the_past_raises_the_interrupt_soon() {
    let fake = Fake::default();
    fake.count.set(1_000);
    let mut timer = Nrf51Timer::with_registers(&fake, CLOCK);
    timer.set_deadline(Some(0));
    assert_eq!(u64::from(fake.alarm()), SHORTEST);
}

#[test]
fn a_count_that_passes_the_deadline_while_it_is_set_is_noticed() {
    for pace in [1, 10, 31, 32, 100, 1_000] {
        let fake = Fake::default();
        let mut timer = Nrf51Timer::with_registers(&fake, CLOCK);
        fake.pace.set(pace);
        timer.set_deadline(Some(0));
        fake.pace.set(0);
        fake.pass(if cfg!(miri) { 2_000 } else { 100_000 });
        assert_eq!(fake.register(REACHED), 1, "{pace} ticks for each access");
    }
}
