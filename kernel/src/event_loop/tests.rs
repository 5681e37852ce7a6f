//! Turns of the loop with a machine and services that do what the test says.

use core::cell::RefCell;
use core::future::{pending, poll_fn};
use core::task::{Poll, Waker};
use std::boxed::Box;
use std::rc::Rc;
use std::vec::Vec;

use embassy_executor::raw::TaskStorage;

use super::*;

const NOW: u64 = 1_000;

/// A machine with these interrupts pending.
#[derive(Default)]
struct FakeMachine {
    pending: Vec<u32>,
}

impl Machine for FakeMachine {
    fn now(&self) -> u64 {
        NOW
    }

    fn serve_interrupt(&mut self, mut device: impl FnMut(u32)) -> Option<u32> {
        if self.pending.is_empty() {
            return None;
        }
        let number = self.pending.remove(0);
        device(number);
        Some(number)
    }

    fn sleep_until(&mut self, _deadline: Option<u64>) {}
}

/// Services that note what they are asked, and answer what the test says.
#[derive(Default)]
struct FakeServices {
    calls: RefCell<Vec<&'static str>>,
    interrupts: RefCell<Vec<u32>>,
    more_to_collect: bool,
    more_after_dispatch: bool,
    deadline: Option<u64>,
    /// Whom an interrupt wakes.
    waker: Rc<RefCell<Option<Waker>>>,
}

impl Services for FakeServices {
    fn interrupt(&self, number: u32) {
        self.calls.borrow_mut().push("interrupt");
        self.interrupts.borrow_mut().push(number);
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }

    fn collect(&self, _now: u64) -> bool {
        self.calls.borrow_mut().push("collect");
        self.more_to_collect
    }

    fn dispatch(&self, _now: u64) -> bool {
        self.calls.borrow_mut().push("dispatch");
        self.more_after_dispatch
    }

    fn deadline(&self) -> Option<u64> {
        self.deadline
    }
}

struct Fixture {
    machine: FakeMachine,
    services: FakeServices,
    executor: Executor,
    statistics: LoopStatistics,
}

impl Fixture {
    fn new(services: FakeServices) -> Self {
        Self {
            machine: FakeMachine::default(),
            services,
            executor: Executor::new(),
            statistics: LoopStatistics::default(),
        }
    }

    fn turn(&mut self) -> Option<Sleep> {
        turn(
            &mut self.machine,
            &self.services,
            &mut self.executor,
            &self.statistics,
        )
    }

    fn spawn<F: Future + 'static>(&self, task: impl FnOnce() -> F) {
        let storage: &'static TaskStorage<F> = Box::leak(Box::new(TaskStorage::new()));
        let token = storage.spawn(task).expect("the storage is new");
        self.executor.spawner().spawn(token);
    }

    /// A task that counts how often it is polled; each time it leaves its waker and, where it is
    /// restless, wakes itself.
    fn spawn_counter(&self, restless: bool) -> Rc<Cell<u32>> {
        let polls = Rc::new(Cell::new(0));
        let (counted, left) = (Rc::clone(&polls), Rc::clone(&self.services.waker));
        self.spawn(move || {
            poll_fn(move |context| {
                counted.set(counted.get() + 1);
                left.replace(Some(context.waker().clone()));
                if restless {
                    context.waker().wake_by_ref();
                }
                Poll::<()>::Pending
            })
        });
        polls
    }
}

#[test]
fn a_turn_with_nothing_to_do_sleeps_for_any_interrupt() {
    let mut fixture = Fixture::new(FakeServices::default());
    assert_eq!(fixture.turn(), Some(Sleep { until: None }));
}

#[test]
fn a_turn_with_nothing_to_do_sleeps_until_the_services_deadline() {
    let mut fixture = Fixture::new(FakeServices {
        deadline: Some(NOW + 1),
        ..FakeServices::default()
    });
    let until = Some(NOW + 1);
    assert_eq!(fixture.turn(), Some(Sleep { until }));
}

#[test]
fn a_deadline_that_has_come_is_not_slept_for() {
    let mut fixture = Fixture::new(FakeServices {
        deadline: Some(NOW),
        ..FakeServices::default()
    });
    assert_eq!(fixture.turn(), None);
}

#[test]
fn what_is_left_to_collect_keeps_the_loop_awake() {
    let mut fixture = Fixture::new(FakeServices {
        more_to_collect: true,
        ..FakeServices::default()
    });
    assert_eq!(fixture.turn(), None);
}

#[test]
fn what_came_while_devices_were_told_keeps_the_loop_awake() {
    let mut fixture = Fixture::new(FakeServices {
        more_after_dispatch: true,
        ..FakeServices::default()
    });
    assert_eq!(fixture.turn(), None);
}

#[test]
fn a_turn_takes_one_interrupt_and_leaves_the_rest_pending() {
    let mut fixture = Fixture::new(FakeServices::default());
    fixture.machine.pending = [7, 8].into();
    // A pending interrupt ends the sleep at once.
    assert!(fixture.turn().is_some());
    assert_eq!(*fixture.services.interrupts.borrow(), [7]);
    assert!(fixture.turn().is_some());
    assert_eq!(*fixture.services.interrupts.borrow(), [7, 8]);
    assert_eq!(fixture.statistics.interrupts(), 2);
}

#[test]
fn devices_are_told_after_the_interrupt_was_seen_to() {
    let mut fixture = Fixture::new(FakeServices::default());
    fixture.machine.pending = [7].into();
    fixture.turn();
    let calls = fixture.services.calls.borrow();
    assert_eq!(*calls, ["interrupt", "collect", "dispatch"]);
}

#[test]
fn a_task_that_an_interrupt_wakes_runs_in_the_same_turn() {
    let mut fixture = Fixture::new(FakeServices::default());
    let polls = fixture.spawn_counter(false);
    fixture.turn();
    assert_eq!(polls.get(), 1);
    fixture.turn();
    assert_eq!(polls.get(), 1, "nobody woke it");
    fixture.machine.pending = [7].into();
    assert!(fixture.turn().is_some());
    assert_eq!(polls.get(), 2);
}

#[test]
fn a_task_that_wakes_itself_runs_once_a_turn_and_keeps_the_loop_awake() {
    let mut fixture = Fixture::new(FakeServices::default());
    let polls = fixture.spawn_counter(true);
    for turn in 1..4 {
        assert_eq!(fixture.turn(), None);
        assert_eq!(polls.get(), turn);
    }
}

#[test]
fn a_task_that_starts_another_keeps_the_loop_awake_until_it_has_run() {
    let mut fixture = Fixture::new(FakeServices::default());
    let spawner = fixture.executor.spawner();
    fixture.spawn(move || async move {
        let second: &'static TaskStorage<_> = Box::leak(Box::new(TaskStorage::new()));
        let token = second.spawn(pending::<()>).expect("the storage is new");
        spawner.spawn(token);
    });
    assert_eq!(fixture.turn(), None);
    assert!(fixture.turn().is_some());
}

#[test]
fn turns_are_counted() {
    let mut fixture = Fixture::new(FakeServices::default());
    fixture.turn();
    fixture.turn();
    assert_eq!(fixture.statistics.turns(), 2);
}
