//! Tests of turns with a simulated machine and simulated services.

use core::cell::RefCell;
use core::future::{pending, poll_fn};
use core::task::{Poll, Waker};
use std::boxed::Box;
use std::rc::Rc;
use std::vec::Vec;

use embassy_executor::raw::TaskStorage;

use super::*;
use crate::time::NEVER;
use crate::time::alone::{Alone, alone};

const NOW: u64 = 1_000;

/// The numbers of the pending interrupts.
type Pending = Rc<RefCell<Vec<u32>>>;

/// A machine with pending interrupts, and a count of the interrupts claimed.
#[derive(Default)]
struct FakeMachine {
    pending: Pending,
    claims: u32,
    masked: Vec<u32>,
}

impl Machine for FakeMachine {
    const PENDING_FOLLOWS_LINE: bool = true;

    fn now(&self) -> u64 {
        NOW
    }

    fn interrupt_pending(&self) -> bool {
        !self.pending.borrow().is_empty()
    }

    fn serve_interrupt(&mut self, mut device: impl FnMut(u32) -> bool) -> Option<u32> {
        self.claims += 1;
        if self.pending.borrow().is_empty() {
            return None;
        }
        let number = self.pending.borrow_mut().remove(0);
        if device(number) {
            self.masked.push(number);
        }
        Some(number)
    }

    fn enable(&mut self, interrupt: Interrupt) {
        self.masked.retain(|number| *number != interrupt.number);
    }

    fn sleep_until(&mut self, _deadline: u64) {}
}

/// Services that record what is called, and return what the test says.
struct FakeServices {
    calls: Vec<&'static str>,
    interrupts: Vec<u32>,
    more_to_collect: bool,
    more_after_dispatch: bool,
    deadline: u64,
    /// The interrupts that are found by reading devices' queues, without the interrupt controller.
    shown: Vec<u32>,
    /// The interrupt that has to be masked.
    storm: Option<u32>,
    pending: Pending,
    /// The task that an interrupt wakes.
    waker: Rc<RefCell<Option<Waker>>>,
}

impl Default for FakeServices {
    fn default() -> Self {
        Self {
            calls: Vec::new(),
            interrupts: Vec::new(),
            more_to_collect: false,
            more_after_dispatch: false,
            deadline: NEVER,
            shown: Vec::new(),
            storm: None,
            pending: Pending::default(),
            waker: Rc::default(),
        }
    }
}

impl Services for FakeServices {
    fn answer_lines(&mut self, mut answered: impl FnMut(u32) -> bool) -> bool {
        for number in self.shown.drain(..) {
            self.pending.borrow_mut().retain(|other| *other != number);
            if !answered(number) {
                return false;
            }
        }
        true
    }

    fn interrupt(&mut self, number: u32) -> bool {
        self.calls.push("interrupt");
        self.interrupts.push(number);
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
        self.storm == Some(number)
    }

    fn collect(&mut self, _now: u64) -> bool {
        self.calls.push("collect");
        self.more_to_collect
    }

    fn dispatch(&mut self, _now: u64) -> u64 {
        self.calls.push("dispatch");
        if self.more_after_dispatch {
            0
        } else {
            self.deadline
        }
    }

    fn watch(&mut self, _now: u64) -> Option<Interrupt> {
        self.calls.push("watch");
        self.storm.take().map(Interrupt::level)
    }
}

struct Fixture {
    machine: FakeMachine,
    services: FakeServices,
    executor: Executor,
    statistics: LoopStatistics,
    recent: Recent,
    _alone: Alone,
}

impl Fixture {
    fn new(services: FakeServices) -> Self {
        Self {
            machine: FakeMachine {
                pending: Rc::clone(&services.pending),
                claims: 0,
                masked: Vec::new(),
            },
            services,
            executor: Executor::new(),
            statistics: LoopStatistics::default(),
            recent: Recent::new(),
            _alone: alone(),
        }
    }

    fn raise<const N: usize>(&self, numbers: [u32; N]) {
        self.machine.pending.replace(numbers.into());
    }

    fn turn(&mut self) -> Option<Sleep> {
        turn(
            &mut self.machine,
            &mut self.services,
            &mut self.executor,
            &self.statistics,
            &self.recent,
        )
    }

    fn spawn<F: Future + 'static>(&self, task: impl FnOnce() -> F) {
        let storage: &'static TaskStorage<F> = Box::leak(Box::new(TaskStorage::new()));
        let token = storage.spawn(task).expect("the task is not running");
        self.executor.spawner().spawn(token);
    }

    /// A task that counts its polls. It keeps its waker and, if it is restless, wakes itself.
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
    assert_eq!(fixture.turn(), Some(Sleep { until: NEVER }));
}

#[test]
fn a_turn_with_nothing_to_do_sleeps_until_the_services_deadline() {
    let mut fixture = Fixture::new(FakeServices {
        deadline: NOW + 1,
        ..FakeServices::default()
    });
    let until = NOW + 1;
    assert_eq!(fixture.turn(), Some(Sleep { until }));
}

#[test]
fn a_passed_deadline_prevents_sleep() {
    let mut fixture = Fixture::new(FakeServices {
        deadline: NOW,
        ..FakeServices::default()
    });
    assert_eq!(fixture.turn(), None);
}

#[test]
fn uncollected_work_prevents_sleep() {
    let mut fixture = Fixture::new(FakeServices {
        more_to_collect: true,
        ..FakeServices::default()
    });
    assert_eq!(fixture.turn(), None);
}

#[test]
fn work_that_arrives_during_dispatch_prevents_sleep() {
    let mut fixture = Fixture::new(FakeServices {
        more_after_dispatch: true,
        ..FakeServices::default()
    });
    assert_eq!(fixture.turn(), None);
}

#[test]
fn a_turn_takes_one_interrupt_and_leaves_the_rest_pending() {
    let mut fixture = Fixture::new(FakeServices::default());
    fixture.raise([7, 8]);
    // A pending interrupt ends the sleep at once.
    assert!(fixture.turn().is_some());
    assert_eq!(fixture.services.interrupts, [7]);
    assert!(fixture.turn().is_some());
    assert_eq!(fixture.services.interrupts, [7, 8]);
    assert_eq!(fixture.statistics.interrupts(), 2);
}

#[test]
fn an_interrupt_that_nobody_needs_is_masked_and_counted() {
    let mut fixture = Fixture::new(FakeServices {
        storm: Some(8),
        ..FakeServices::default()
    });
    fixture.raise([7, 8]);
    fixture.turn();
    fixture.turn();
    assert_eq!(fixture.machine.masked, [8]);
    assert_eq!(fixture.statistics.counts().masked_interrupts, 1);
}

#[test]
fn a_masked_interrupt_is_enabled_again_when_the_watch_says_so() {
    let mut fixture = Fixture::new(FakeServices {
        storm: Some(8),
        ..FakeServices::default()
    });
    fixture.raise([8]);
    fixture.turn();
    assert_eq!(fixture.machine.masked, [8]);
    for _ in 0..2 {
        watch(
            &mut fixture.machine,
            &mut fixture.services,
            &fixture.statistics,
            NOW,
        );
    }
    assert!(fixture.machine.masked.is_empty());
    assert_eq!(fixture.statistics.counts().enabled_again, 1);
}

#[test]
fn devices_are_notified_after_the_interrupt_was_handled() {
    let mut fixture = Fixture::new(FakeServices::default());
    fixture.raise([7]);
    fixture.turn();
    assert_eq!(fixture.services.calls, ["interrupt", "collect", "dispatch"]);
}

#[test]
fn a_task_that_an_interrupt_wakes_runs_in_the_same_turn() {
    let mut fixture = Fixture::new(FakeServices::default());
    let polls = fixture.spawn_counter(false);
    fixture.turn();
    assert_eq!(polls.get(), 1);
    fixture.turn();
    assert_eq!(polls.get(), 1, "the task was not woken");
    fixture.raise([7]);
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
        let token = second
            .spawn(pending::<()>)
            .expect("the task is not running");
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

#[test]
fn without_a_pending_interrupt_the_controller_is_not_read() {
    let mut fixture = Fixture::new(FakeServices::default());
    fixture.turn();
    assert_eq!(fixture.machine.claims, 0);
}

#[test]
fn an_interrupt_shown_by_a_queue_is_not_read_from_the_controller() {
    let mut fixture = Fixture::new(FakeServices::default());
    fixture.raise([7]);
    fixture.services.shown = [7].into();
    assert!(fixture.turn().is_some());
    assert_eq!(fixture.machine.claims, 0);
    assert_eq!(fixture.statistics.interrupts(), 1);
}

#[test]
fn an_interrupt_not_shown_by_a_queue_is_claimed() {
    let mut fixture = Fixture::new(FakeServices::default());
    fixture.raise([7, 27]);
    fixture.services.shown = [7].into();
    fixture.turn();
    assert_eq!(fixture.machine.claims, 1);
    assert_eq!(fixture.services.interrupts, [27]);
    assert_eq!(fixture.statistics.interrupts(), 2);
}
