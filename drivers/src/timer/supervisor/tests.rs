use super::*;
use crate::riscv::Answer;
use core::cell::RefCell;
use std::rc::Rc;
use std::vec::Vec;

#[derive(Debug, PartialEq, Eq)]
enum Done {
    Compare(u64),
    Call(usize, usize, [usize; 2]),
}

/// A hart whose clock is at 1000 and runs at 1 MHz according to firmware.
#[derive(Clone, Default)]
struct Fake {
    done: Rc<RefCell<Vec<Done>>>,
}

impl Timebase for Fake {
    fn time(&self) -> u64 {
        1000
    }
    fn frequency(&self) -> Option<u64> {
        Some(1_000_000)
    }
}

impl Sstc for Fake {
    fn set_stimecmp(&mut self, count: u64) {
        self.done.borrow_mut().push(Done::Compare(count));
    }
}

impl Firmware for Fake {
    fn call(&mut self, extension: usize, function: usize, arguments: [usize; 2]) -> Answer {
        let call = Done::Call(extension, function, arguments);
        self.done.borrow_mut().push(call);
        Answer { error: 0, value: 0 }
    }
}

const UNSTATED: Config = Config { frequency: None };

#[test]
fn the_harts_own_comparator_is_set() {
    let hart = Fake::default();
    let mut timer = SstcTimer::with_processor(hart.clone(), &UNSTATED);
    timer.set_deadline(Some(2_000_000));
    timer.set_deadline(None);
    let expected = [
        Done::Compare(NEVER),
        Done::Compare(2_000),
        Done::Compare(NEVER),
    ];
    assert_eq!(*hart.done.borrow(), expected);
}

#[test]
fn firmware_gets_both_halves_of_the_count() {
    let hart = Fake::default();
    let mut timer = SbiTimer::with_processor(hart.clone(), &UNSTATED);
    timer.set_deadline(Some((1 << 32) * 1_000));
    let call = Done::Call(EXTENSION_TIME, 0, [1 << 32, 1]);
    assert_eq!(hart.done.borrow().last(), Some(&call));
}

#[test]
fn the_same_deadline_is_not_set_again() {
    let hart = Fake::default();
    let mut timer = SbiTimer::with_processor(hart.clone(), &UNSTATED);
    timer.set_deadline(None);
    timer.set_deadline(Some(5_000));
    timer.set_deadline(Some(5_000));
    assert_eq!(hart.done.borrow().len(), 2);
}

#[test]
fn the_frequency_is_the_stated_one_or_firmwares() {
    let timer = SstcTimer::with_processor(Fake::default(), &UNSTATED);
    assert_eq!(timer.now(), 1_000_000);
    let stated = Config {
        frequency: Some(10_000_000),
    };
    let timer = SstcTimer::with_processor(Fake::default(), &stated);
    assert_eq!(timer.now(), 100_000);
}
