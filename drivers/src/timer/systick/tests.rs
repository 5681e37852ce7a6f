use super::*;
use core::cell::RefCell;

use crate::mmio::words::WordRegisters;

/// The frequency of the tests: a tick takes a microsecond.
const CLOCK: u64 = 1_000_000;

/// A timer that counts `pace` ticks before each access.
struct Fake {
    state: RefCell<State>,
    pace: Cell<u32>,
}

impl Default for Fake {
    fn default() -> Self {
        Self {
            state: RefCell::default(),
            pace: Cell::new(1),
        }
    }
}

#[derive(Default)]
struct State {
    count: u32,
    reload: u32,
    is_on: bool,
    ended: bool,
    interrupts: u32,
    /// All ticks so far.
    passed: u64,
}

impl Fake {
    fn pass(&self, ticks: u64) {
        let mut state = self.state.borrow_mut();
        for _ in 0..ticks {
            if !state.is_on {
                return;
            }
            state.passed += 1;
            state.count = match state.count {
                0 => state.reload,
                count => count - 1,
            };
            if state.count == 0 {
                state.ended = true;
                state.interrupts += 1;
            }
        }
    }

    /// From now on, accesses take no time.
    fn stop(&self) {
        self.pace.set(0);
    }

    fn interrupts(&self) -> u32 {
        core::mem::take(&mut self.state.borrow_mut().interrupts)
    }

    fn passed(&self) -> u64 {
        self.state.borrow().passed
    }
}

impl WordRegisters for &Fake {
    fn read(&self, offset: usize) -> u32 {
        self.pass(self.pace.get().into());
        let mut state = self.state.borrow_mut();
        match offset {
            CONTROL => {
                let ended = core::mem::take(&mut state.ended);
                if ended { ON | ENDED } else { ON }
            }
            COUNT => state.count,
            _ => panic!("{offset:#x} is not read"),
        }
    }

    fn write(&self, offset: usize, value: u32) {
        self.pass(self.pace.get().into());
        let mut state = self.state.borrow_mut();
        match offset {
            CONTROL => state.is_on = value == ON,
            RELOAD => state.reload = value,
            COUNT => (state.count, state.ended) = (0, false),
            ICSR => {
                assert_eq!(value, PENDSTSET);
                state.interrupts += 1;
            }
            _ => panic!("{offset:#x} is not written"),
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "it counts millions of ticks, and calls no unsafe code")]
fn the_clock_shows_every_tick_across_the_ends_of_rounds() {
    let fake = Fake::default();
    let timer = SysTick::with_registers(&fake, CLOCK);
    fake.stop();
    assert_eq!(timer.now(), fake.passed() * 1_000);
    for step in [1, 2, 1_000, 0xff_0000, 0xfc16, 1, 1, 1, 0xff_fffe, 1, 1, 5] {
        fake.pass(step);
        assert_eq!(timer.now(), fake.passed() * 1_000, "after {step} more");
    }
}

#[test]
#[cfg_attr(miri, ignore = "it counts millions of ticks, and calls no unsafe code")]
fn the_clock_never_goes_back_while_it_is_read() {
    let fake = Fake::default();
    let timer = SysTick::with_registers(&fake, CLOCK);
    fake.pass(u64::from(ROUND) - 50);
    let mut last = 0;
    for _ in 0..100 {
        let now = timer.now();
        assert!(now >= last, "{now} after {last}");
        assert!(now <= fake.passed() * 1_000);
        last = now;
    }
}

#[test]
fn a_deadline_raises_the_interrupt_at_its_tick_and_the_clock_goes_on() {
    let fake = Fake::default();
    let mut timer = SysTick::with_registers(&fake, CLOCK);
    fake.pass(1_000);
    timer.set_deadline(Some(1_500_000));
    fake.stop();
    let lost = fake.passed() * 1_000 - timer.now();
    assert!(lost <= 5_000, "the start takes {lost} ns");
    let left = (1_500_000 - timer.now()) / 1_000;
    fake.pass(left - 1);
    assert_eq!(fake.interrupts(), 0);
    fake.pass(1);
    assert_eq!(fake.interrupts(), 1);
    assert_eq!(timer.now(), 1_500_000);
    timer.set_deadline(None);
    fake.pass(1_000);
    assert_eq!(timer.now(), 2_500_000);
    assert_eq!(fake.interrupts(), 0);
}

#[test]
fn a_deadline_in_the_past_or_near_raises_the_interrupt_at_once() {
    let fake = Fake::default();
    let mut timer = SysTick::with_registers(&fake, CLOCK);
    fake.pass(1_000);
    for deadline in [0, timer.now() + NEAR / 2] {
        timer.set_deadline(Some(deadline));
        assert_eq!(fake.interrupts(), 1);
    }
}

#[test]
#[cfg_attr(miri, ignore = "it counts millions of ticks, and calls no unsafe code")]
fn a_deadline_behind_the_end_of_the_round_leaves_the_round_alone() {
    let fake = Fake::default();
    let mut timer = SysTick::with_registers(&fake, CLOCK);
    fake.stop();
    fake.pass(1_000);
    timer.set_deadline(Some(u64::MAX));
    assert_eq!(timer.now(), fake.passed() * 1_000);
    fake.pass(u64::from(ROUND) - 1_000);
    assert_eq!(fake.interrupts(), 1, "so that no round is missed");
    assert_eq!(timer.now(), fake.passed() * 1_000);
}
