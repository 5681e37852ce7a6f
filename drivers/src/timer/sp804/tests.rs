use super::*;
use crate::mmio::words::WordRegisters;
use std::cell::RefCell;
use std::vec::Vec;

/// The frequency of the counters of the tests: a tick takes a microsecond.
const CLOCK: u64 = 1_000_000;

/// A dual timer whose first counter has advanced by the given number of ticks.
#[derive(Default)]
struct Fake {
    ticks: Cell<u64>,
    writes: RefCell<Vec<(usize, u32)>>,
}

impl Fake {
    /// Returns the ticks until the alarm, if it was started after the interrupt was released.
    fn alarm(&self) -> Option<u32> {
        let writes = self.writes.take();
        let [.., stop, clear, load, start] = writes[..] else {
            return None;
        };
        let is_set = stop == (0x28, 0) && clear.0 == 0x2c && start == (0x28, 0xa3);
        (is_set && load.0 == 0x20).then_some(load.1)
    }
}

impl WordRegisters for &Fake {
    fn read(&self, offset: usize) -> u32 {
        assert_eq!(offset, 0x04, "only the clock is read");
        u32::MAX - self.ticks.get() as u32
    }

    fn write(&self, offset: usize, value: u32) {
        self.writes.borrow_mut().push((offset, value));
    }
}

#[test]
fn the_clock_counts_a_whole_round_without_an_interrupt() {
    let fake = Fake::default();
    let timer = Sp804::with_registers(&fake, CLOCK);
    let writes = fake.writes.take();
    assert!(writes.contains(&(0x00, u32::MAX)), "{writes:x?}");
    assert!(writes.contains(&(0x08, 0x82)), "{writes:x?}");
    assert_eq!(timer.now(), 0);
    fake.ticks.set(5);
    assert_eq!(timer.now(), 5_000);
}

#[test]
fn the_time_continues_after_the_counter_wraps() {
    let fake = Fake::default();
    let timer = Sp804::with_registers(&fake, CLOCK);
    let mut last = 0;
    for tick in (0..1_u64 << 34).step_by(1 << 31) {
        fake.ticks.set(tick);
        assert_eq!(timer.now(), tick * 1_000);
        assert!(timer.now() >= last);
        last = timer.now();
    }
}

#[test]
fn the_alarm_is_set_to_the_distance_from_now() {
    let fake = Fake::default();
    let mut timer = Sp804::with_registers(&fake, CLOCK);
    fake.ticks.set(100);
    timer.set_deadline(Some(150_000));
    assert_eq!(fake.alarm(), Some(50));
}

#[test]
fn a_deadline_that_has_passed_is_raised_at_once() {
    let fake = Fake::default();
    let mut timer = Sp804::with_registers(&fake, CLOCK);
    fake.ticks.set(100);
    timer.set_deadline(Some(7));
    assert_eq!(fake.alarm(), Some(1));
}

#[test]
fn without_a_deadline_and_with_a_distant_one_no_wrap_is_missed() {
    let fake = Fake::default();
    let mut timer = Sp804::with_registers(&fake, CLOCK);
    assert_eq!(fake.alarm(), Some(1 << 31));
    timer.set_deadline(Some(u64::MAX));
    assert_eq!(fake.alarm(), Some(1 << 31));
    timer.set_deadline(None);
    assert_eq!(fake.alarm(), Some(1 << 31));
}

#[test]
fn the_clock_is_read_whenever_the_alarm_is_set() {
    let fake = Fake::default();
    let mut timer = Sp804::with_registers(&fake, CLOCK);
    for half in 1..=6 {
        fake.ticks.set(half << 31);
        timer.set_deadline(None);
    }
    assert_eq!(timer.now(), (6 << 31) * 1_000);
}
