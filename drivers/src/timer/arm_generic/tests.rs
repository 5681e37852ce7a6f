use super::*;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

#[derive(Clone, Default)]
struct Fake(Rc<RefCell<State>>);

#[derive(Default)]
struct State {
    counts: [u64; 2],
    compare_values: Vec<(Counter, u64)>,
    control: Option<(Counter, u32)>,
}

impl SystemRegisters for Fake {
    fn frequency(&self) -> u64 {
        62_500_000
    }
    fn count(&self, counter: Counter) -> u64 {
        self.0.borrow().counts[counter as usize]
    }
    fn set_compare_value(&mut self, counter: Counter, count: u64) {
        self.0.borrow_mut().compare_values.push((counter, count));
    }
    fn set_control(&mut self, counter: Counter, control: u32) {
        self.0.borrow_mut().control = Some((counter, control));
    }
}

fn timer(counter: Counter, frequency: Option<u64>) -> (ArmGeneric<Fake>, Fake) {
    let fake = Fake::default();
    let timer = ArmGeneric::with_processor(fake.clone(), &Config { counter, frequency });
    fake.0.borrow_mut().compare_values.clear();
    (timer, fake)
}

#[test]
fn a_new_timer_is_enabled_without_a_deadline() {
    let fake = Fake::default();
    let config = Config {
        counter: Counter::Virtual,
        frequency: None,
    };
    let _timer = ArmGeneric::with_processor(fake.clone(), &config);
    let state = fake.0.borrow();
    assert_eq!(state.compare_values, [(Counter::Virtual, u64::MAX)]);
    assert_eq!(state.control, Some((Counter::Virtual, 1)));
}

#[test]
fn time_is_the_count_of_the_chosen_counter() {
    for (counter, expected) in [(Counter::Virtual, 160), (Counter::Physical, 320)] {
        let (timer, fake) = timer(counter, None);
        fake.0.borrow_mut().counts = [10, 20];
        assert_eq!(timer.now(), expected);
    }
}

#[test]
fn a_stated_frequency_overrides_the_register() {
    let (timer, fake) = timer(Counter::Virtual, Some(1_000_000));
    fake.0.borrow_mut().counts = [3, 0];
    assert_eq!(timer.now(), 3_000);
    assert_eq!(timer.frequency(), 1_000_000);
}

#[test]
fn a_deadline_between_two_ticks_is_rounded_up() {
    let (mut timer, fake) = timer(Counter::Physical, None);
    timer.set_deadline(Some(33));
    assert_eq!(fake.0.borrow().compare_values, [(Counter::Physical, 3)]);
}

#[test]
fn the_same_deadline_is_not_written_again() {
    let (mut timer, fake) = timer(Counter::Virtual, None);
    timer.set_deadline(None);
    assert!(fake.0.borrow().compare_values.is_empty());
    timer.set_deadline(Some(160));
    timer.set_deadline(Some(160));
    assert_eq!(fake.0.borrow().compare_values.len(), 1);
}

#[test]
fn no_deadline_replaces_the_one_before() {
    let (mut timer, fake) = timer(Counter::Virtual, None);
    timer.set_deadline(Some(160));
    timer.set_deadline(None);
    assert_eq!(
        fake.0.borrow().compare_values.last(),
        Some(&(Counter::Virtual, u64::MAX))
    );
}
