//! Tests of the event loop and a device that run at the same time, up to the task that waits for
//! the device: whatever the order of their accesses, the loop does not sleep while there is work.
//! loom tries all orders; a sleep that never ends is a failure.
//!
//! The queue, the driver cell, the flags of the device, the turn and the executor are those of the
//! kernel. The machine, whose interrupt controller is a lock, and the driver, which only lends
//! chains, belong to the test.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::cell::Cell;
use core::future::poll_fn;
use core::task::{Poll, Waker};

use embassy_executor::raw::TaskStorage;
use embassy_futures::yield_now;
use loom::sync::{Condvar, Mutex, Notify};
use loom::thread;
use vmos_drivers::dma::Buffer;
use vmos_drivers::virtio::features::Features;
use vmos_drivers::virtio::queue::{Device, Queue, Segment};
use vmos_drivers::virtio::transport::Routing;
use vmos_drivers::virtio::{Failure, Pulse, SetupError};
use vmos_drivers::watched::Watched;

use super::attached::{Attached, Served, Shared};
use super::{Delivery, DeviceKind, Place};
use crate::driver_cell::{Calls, DriverCell};
use crate::event_loop::recent::Recent;
use crate::event_loop::{self, LoopStatistics, Machine, Services};
use crate::executor::Executor;
use crate::time::NEVER;

/// The requests of the task, one after the other.
const REQUESTS: u16 = 2;
const LINE: u32 = 7;

/// An interrupt at the controller.
#[derive(Default)]
struct Interrupt {
    pending: Mutex<bool>,
    comes: Condvar,
}

impl Interrupt {
    fn set(&self, pending: bool) {
        *self.pending.lock().expect("no thread has panicked") = pending;
        self.comes.notify_one();
    }

    fn is_pending(&self) -> bool {
        *self.pending.lock().expect("no thread has panicked")
    }
}

/// A machine whose interrupts are level-triggered lines, or messages.
struct TestMachine<const LINES: bool> {
    interrupt: Arc<Interrupt>,
    /// Whether the task has ended, so that no further request follows.
    ended: &'static Cell<bool>,
}

impl<const LINES: bool> Machine for TestMachine<LINES> {
    const PENDING_FOLLOWS_LINE: bool = LINES;

    fn now(&self) -> u64 {
        1
    }

    fn interrupt_pending(&self) -> bool {
        self.interrupt.is_pending()
    }

    fn serve_interrupt(&mut self, mut device: impl FnMut(u32) -> bool) -> Option<u32> {
        if !self.interrupt.is_pending() {
            return None;
        }
        if !LINES {
            self.interrupt.set(false);
        }
        device(LINE);
        Some(LINE)
    }

    fn enable(&mut self, _interrupt: vmos_drivers::interrupt::Interrupt) {}

    fn sleep_until(&mut self, _deadline: u64) {
        let Interrupt { pending, comes } = &*self.interrupt;
        let mut pending = pending.lock().expect("no thread has panicked");
        while !*pending && !self.ended.get() {
            pending = comes.wait(pending).expect("no thread has panicked");
        }
    }
}

/// A driver that lends one chain at a time.
struct Driver {
    queue: Queue,
    buffer: Buffer,
    interrupt: Arc<Interrupt>,
    has_line: bool,
    kick: Arc<Notify>,
    completed: u16,
    waker: Option<Waker>,
    /// Whether the task takes its completions itself, and publishes its requests before it waits.
    leaves: bool,
}

impl Driver {
    fn lend(&mut self) {
        let segment = Segment::writable(self.buffer.address(), 64);
        self.queue.lend_one(segment, 0).expect("a free descriptor");
    }

    /// Like [`take_one`](Self::take_one), but reads the ring only if a chain is in flight.
    fn take_expected(&mut self) -> bool {
        // As a stream does: it looks only for what can have been returned.
        let expects = self.queue.found() > 0 || self.queue.in_flight() > 0;
        let used = if expects { self.queue.take_now() } else { None };
        if let Some(used) = used {
            self.queue.free(used.head);
            self.completed += 1;
        }
        used.is_some()
    }

    /// What `Blk::settle` does.
    fn settle(&mut self) -> bool {
        if !self.queue.arm_and_look() {
            return false;
        }
        self.publish();
        true
    }

    fn take_one(&mut self) -> bool {
        let used = self.queue.take();
        if let Some(used) = used {
            self.queue.free(used.head);
            self.completed += 1;
        }
        used.is_some()
    }
}

impl Served for Driver {
    fn has_news(&mut self) -> bool {
        self.queue.has_used()
    }

    fn acknowledge_interrupt(&mut self) {
        if self.has_line {
            self.interrupt.set(false);
        }
    }

    fn configuration_changed(&mut self) {}

    fn call(&mut self) -> bool {
        let waker = if self.leaves && self.queue.has_used() {
            self.waker.take()
        } else {
            None
        };
        waker.map(Waker::wake).is_some()
    }

    fn complete(&mut self) -> bool {
        self.queue.hold();
        if self.call() {
            return false;
        }
        while self.take_one() {
            if let Some(waker) = self.waker.take() {
                waker.wake();
            }
        }
        false
    }

    fn publish(&mut self) {
        if self.queue.publish() {
            self.kick.notify();
        }
    }

    fn rearm(&mut self) -> bool {
        self.queue.arm(0)
    }
}

impl Watched for Driver {
    fn pulse(&mut self) -> Pulse {
        self.queue.pulse()
    }

    fn inspect(&mut self) {}

    fn give_up(&mut self) {}

    fn failure(&self) -> Option<Failure> {
        None
    }

    fn reinitialize(&mut self) -> Result<(), SetupError> {
        Ok(())
    }

    fn routing(&self) -> Routing {
        Routing::Line
    }

    fn configuration_changed(&mut self) {}
}

/// The services of one device.
struct OneDevice {
    device: Shared<Driver>,
    calls: &'static Calls,
}

impl Services for OneDevice {
    fn answer_lines(&mut self, mut answered: impl FnMut(u32) -> bool) -> bool {
        self.device
            .answer_line_for_task()
            .is_none_or(|number| answered(number))
    }

    fn interrupt(&mut self, _number: u32) -> bool {
        self.device.take_interrupt(false);
        false
    }

    fn collect(&mut self, _now: u64) -> bool {
        self.device.complete()
    }

    fn dispatch(&mut self, now: u64) -> u64 {
        if !self.calls.any() {
            return NEVER;
        }
        self.calls.answer();
        let (more, retry) = self.device.dispatch(now);
        if more { 0 } else { retry }
    }

    fn watch(&mut self, _now: u64) -> Option<vmos_drivers::interrupt::Interrupt> {
        None
    }
}

/// The device: answers each request, and sleeps until it is notified of the next.
fn answer(mut device: Device, kick: &Notify, interrupt: &Interrupt) {
    let mut answered = 0;
    while answered < REQUESTS {
        match device.take() {
            Some(head) => {
                answered += 1;
                if device.give_back(head, 64) {
                    interrupt.set(true);
                }
            }
            None if device.arm() => {}
            None => kick.wait(),
        }
    }
}

fn serves<const LINES: bool, const LEAVES: bool>(features: Features) {
    let queue = Queue::new(2, features, 0).expect("the host has memory");
    let (interrupt, kick) = (Arc::new(Interrupt::default()), Arc::new(Notify::new()));
    let thread = thread::spawn({
        let (device, interrupt, kick) = (queue.device(), Arc::clone(&interrupt), Arc::clone(&kick));
        move || answer(device, &kick, &interrupt)
    });

    let calls: &'static Calls = Box::leak(Box::default());
    let driver: &'static _ = Box::leak(Box::new(DriverCell::new(
        Driver {
            queue,
            buffer: Buffer::new(64).expect("the host has 64 bytes"),
            interrupt: Arc::clone(&interrupt),
            has_line: LINES,
            kick,
            completed: 0,
            waker: None,
            leaves: LEAVES,
        },
        calls,
    )));
    let mut attached = Attached::new(
        DeviceKind::RNG,
        Place::MmioSlot {
            slot: 0,
            version: 2,
        },
    );
    attached.set_delivery(Delivery::Line(LINE), LINES);
    let mut services = OneDevice {
        device: Shared { driver, attached },
        calls,
    };

    let mut executor = Executor::new();
    let ended: &'static Cell<bool> = Box::leak(Box::new(Cell::new(false)));
    let storage: &'static TaskStorage<_> = Box::leak(Box::new(TaskStorage::new()));
    let task = storage.spawn(move || requests(driver, ended));
    executor.spawner().spawn(task.expect("the task is new"));

    let mut machine = TestMachine::<LINES> { interrupt, ended };
    let (statistics, recent) = (LoopStatistics::default(), Recent::new());
    while !ended.get() {
        event_loop::round(
            &mut machine,
            &mut services,
            &mut executor,
            &statistics,
            &recent,
        );
    }
    thread.join().expect("the device ends");
}

/// The task: one request after the other.
async fn requests(driver: &'static DriverCell<Driver>, ended: &'static Cell<bool>) {
    for request in 1..=REQUESTS {
        driver.borrow_mut().lend();
        poll_fn(|context| {
            let mut borrowed = driver.borrow_mut();
            if borrowed.completed == request || borrowed.leaves && borrowed.take_expected() {
                return Poll::Ready(());
            }
            borrowed.waker = Some(context.waker().clone());
            if borrowed.leaves && borrowed.settle() {
                driver.served();
            }
            Poll::Pending
        })
        .await;
        // Wakes itself while it runs: the loop has to come back without anything else happening.
        yield_now().await;
    }
    ended.set(true);
}

fn check(test: fn(Features)) {
    for features in [Features::empty(), Features::EVENT_IDX] {
        // Every order in which neither side is interrupted more than so often.
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(2);
        model.check(move || test(features));
    }
}

#[test]
fn no_sleep_while_a_line_asks_for_service() {
    check(serves::<true, false>);
}

#[test]
fn no_sleep_while_a_message_waits() {
    check(serves::<false, false>);
}

#[test]
fn no_sleep_while_a_line_asks_for_a_task_that_serves_itself() {
    check(serves::<true, true>);
}

#[test]
fn no_sleep_while_a_message_waits_for_a_task_that_serves_itself() {
    check(serves::<false, true>);
}
