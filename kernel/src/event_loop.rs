//! The event loop, which runs everything else.
//!
//! One turn wakes the tasks whose deadline has passed, serves pending interrupts and marks the
//! devices that raised them, processes completed I/O, takes received frames, runs the ready tasks,
//! sends what they queued, and notifies each device once. Each step has a budget, so a flood in one
//! step delays no other. After a turn that leaves no work, the processor sleeps until the next
//! deadline or interrupt.
//!
//! Interrupts are masked throughout and wait at the controller: an interrupt that arrives after the
//! loop has checked ends the sleep at once, so no wake-up is lost.

pub(crate) mod recent;

use core::cell::Cell;

use critical_section::CriticalSection;
use vmos_drivers::interrupt::Interrupt;

use crate::executor::Executor;
use crate::time;
use recent::{RECENT, Recent, Turn};

/// The operations that the event loop needs from the machine.
pub(crate) trait Machine {
    /// Whether an unclaimed interrupt stops being pending once its device releases its
    /// level-triggered line.
    const PENDING_FOLLOWS_LINE: bool;

    /// Returns the time of the monotonic clock in nanoseconds.
    fn now(&self) -> u64;

    /// Returns whether an interrupt is pending. True may be wrong; false never is.
    fn interrupt_pending(&self) -> bool;

    /// Takes one pending interrupt: handles that of the timer or the console, and passes the number
    /// of any other to `device`, which returns whether to mask it. Returns the number.
    fn serve_interrupt(&mut self, device: impl FnMut(u32) -> bool) -> Option<u32>;

    /// Called in each turn that begins after the earliest deadline.
    fn pass_deadlines(&mut self) {}

    /// Enables an interrupt that was masked.
    fn enable(&mut self, interrupt: Interrupt);

    /// Sleeps until an interrupt is pending, at the latest until `deadline`; [`NEVER`](time::NEVER)
    /// means no deadline. Returns at once if an interrupt is pending already.
    fn sleep_until(&mut self, deadline: u64);
}

/// The interface of the devices, and of the services that use them, to the event loop.
pub(crate) trait Services {
    /// Acknowledges the interrupts of those devices on level-triggered lines whose queues show that
    /// they raised one, and marks these devices. Passes the number of each to `answered`, which
    /// returns whether any interrupt is still pending; if not, the search ends. Returns whether an
    /// interrupt may still be pending; [`interrupt`](Self::interrupt) announces those that this
    /// function did not find.
    fn answer_lines(&mut self, answered: impl FnMut(u32) -> bool) -> bool;

    /// Handles an interrupt: acknowledges it at the device and marks the device. Returns whether it
    /// has to be masked, because it is raised again and again although no device needs service.
    fn interrupt(&mut self, number: u32) -> bool;

    /// Processes completions and received frames, within a budget. Returns whether there are more.
    fn collect(&mut self, now: u64) -> bool;

    /// Sends what was queued, notifies each device once, then enables interrupts again. Returns when a
    /// service next needs a turn by itself: 0 if there is more work, [`NEVER`](time::NEVER) if it
    /// never does.
    fn dispatch(&mut self, now: u64) -> u64;

    /// Checks whether devices with requests respond. Called at the time given to
    /// [`set_watch`](time::set_watch), before any interrupt is served. Returns a masked interrupt that
    /// has to be enabled again.
    fn watch(&mut self, now: u64) -> Option<Interrupt>;
}

/// The counts of the event loop while it runs, by which stalls can be found.
#[derive(Debug, Default)]
pub struct LoopStatistics {
    /// The finished turns after which the processor did not sleep.
    busy_turns: Cell<u64>,
    interrupts: Cell<u64>,
    spurious_interrupts: Cell<u64>,
    masked_interrupts: Cell<u64>,
    enabled_again: Cell<u64>,
    sleeps: Cell<u64>,
}

/// The counts of the event loop at one point in time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LoopCounts {
    /// The number of finished turns of the loop.
    pub turns: u64,
    /// The number of interrupts taken.
    pub interrupts: u64,
    /// The number of wake-ups by an interrupt that the controller no longer had.
    pub spurious_interrupts: u64,
    /// The number of interrupts that were masked, because they were raised again and again although
    /// no device needed service. Their devices are polled.
    pub masked_interrupts: u64,
    /// The number of times that a masked interrupt was enabled again: after a device that uses it was
    /// restarted, or after a pause, to see whether it is still raised without need.
    pub enabled_again: u64,
    /// The number of times the processor slept.
    pub sleeps: u64,
}

vmos_drivers::counted!(LoopCounts {
    turns,
    interrupts,
    spurious_interrupts,
    masked_interrupts,
    enabled_again,
    sleeps,
});

impl LoopStatistics {
    /// Returns the number of finished turns of the event loop.
    #[must_use]
    pub fn turns(&self) -> u64 {
        self.busy_turns.get() + self.sleeps.get()
    }

    /// Returns the number of interrupts that the event loop has taken.
    #[must_use]
    pub fn interrupts(&self) -> u64 {
        self.interrupts.get()
    }

    /// Returns all counts.
    #[must_use]
    pub fn counts(&self) -> LoopCounts {
        LoopCounts {
            turns: self.turns(),
            interrupts: self.interrupts.get(),
            spurious_interrupts: self.spurious_interrupts.get(),
            masked_interrupts: self.masked_interrupts.get(),
            enabled_again: self.enabled_again.get(),
            sleeps: self.sleeps.get(),
        }
    }

    /// Returns the number of times that the processor slept.
    #[must_use]
    pub fn sleeps(&self) -> u64 {
        self.sleeps.get()
    }
}

/// Runs the loop forever. Calls `started` with the services after every task has run once.
pub(crate) fn run<S: Services>(
    machine: impl Machine,
    services: &mut S,
    mut executor: Executor,
    statistics: &LoopStatistics,
    started: impl FnOnce(&mut S),
) -> ! {
    // Interrupts wait at the controller.
    critical_section::with(|cs| {
        run_first(&machine, &mut executor, statistics, RECENT.borrow(cs));
        started(services);
        run_turns(machine, services, executor, statistics, cs)
    })
}

/// Runs a turn of only tasks before the first whole turn, so that an app is ready sooner.
#[cold]
fn run_first(
    machine: &impl Machine,
    executor: &mut Executor,
    statistics: &LoopStatistics,
    recent: &Recent,
) {
    recent.begin(machine.now()).tasks();
    executor.run_ready();
    statistics.busy_turns.set(statistics.busy_turns.get() + 1);
}

/// Runs turns forever.
///
/// LLVM moves sequences of instructions that several functions share into a function of their own, but
/// not from a function with a section of its own. This one has a section, because each such call costs
/// two instructions in every turn.
#[cfg_attr(target_os = "none", unsafe(link_section = ".text.event_loop"))]
fn run_turns(
    mut machine: impl Machine,
    services: &mut impl Services,
    mut executor: Executor,
    statistics: &LoopStatistics,
    cs: CriticalSection<'_>,
) -> ! {
    let recent = RECENT.borrow(cs);
    loop {
        round(&mut machine, services, &mut executor, statistics, recent);
    }
}

/// Runs one turn, and sleeps after it if it leaves no work.
#[inline]
pub(crate) fn round(
    machine: &mut impl Machine,
    services: &mut impl Services,
    executor: &mut Executor,
    statistics: &LoopStatistics,
    recent: &Recent,
) {
    if let Some(sleep) = turn(machine, services, executor, statistics, recent) {
        machine.sleep_until(sleep.until);
    }
}

/// Runs one turn, and returns how long to sleep: `None` if there is more work.
#[inline]
fn turn<M: Machine>(
    machine: &mut M,
    services: &mut impl Services,
    executor: &mut Executor,
    statistics: &LoopStatistics,
    recent: &Recent,
) -> Option<Sleep> {
    let now = machine.now();
    let turn = recent.begin(now);
    if time::next_deadline() <= now {
        machine.pass_deadlines();
        if time::watch_deadline() <= now {
            watch(machine, services, statistics, now);
        }
        time::expire(now);
    }
    serve_interrupts(machine, services, statistics, turn);
    let more = services.collect(now);
    if executor.has_ready() {
        turn.tasks();
        executor.run_ready();
    }
    let due = services.dispatch(now);
    let until = time::next_deadline().min(due);
    if more || until <= now || executor.has_ready() {
        statistics.busy_turns.set(statistics.busy_turns.get() + 1);
        recent.end();
        return None;
    }
    statistics.sleeps.set(statistics.sleeps.get() + 1);
    turn.sleep(until);
    Some(Sleep { until })
}

/// Checks the devices, and enables a masked interrupt again if it is time for that.
#[cold]
fn watch(
    machine: &mut impl Machine,
    services: &mut impl Services,
    statistics: &LoopStatistics,
    now: u64,
) {
    if let Some(masked) = services.watch(now) {
        add_one(&statistics.enabled_again);
        machine.enable(masked);
    }
}

/// Serves pending interrupts. The queue of a device is faster to read than the interrupt
/// controller. If releasing the line also ends the interrupt, the controller is not read at all.
#[inline]
fn serve_interrupts<M: Machine>(
    machine: &mut M,
    services: &mut impl Services,
    statistics: &LoopStatistics,
    turn: &Turn,
) {
    let served = move |number| {
        statistics.interrupts.set(statistics.interrupts.get() + 1);
        turn.interrupt(number);
    };
    if !machine.interrupt_pending() {
        return;
    }
    if M::PENDING_FOLLOWS_LINE {
        let machine = &*machine;
        let more = services.answer_lines(move |number| {
            served(number);
            machine.interrupt_pending()
        });
        if !more {
            return;
        }
    }
    let number = machine.serve_interrupt(|number| {
        let masked = services.interrupt(number);
        if masked {
            add_one(&statistics.masked_interrupts);
        }
        masked
    });
    match number {
        Some(number) => served(number),
        None => add_one(&statistics.spurious_interrupts),
    }
}

#[cold]
fn add_one(counter: &Cell<u64>) {
    counter.set(counter.get() + 1);
}

/// A pause until there is work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Sleep {
    /// The end of the pause; [`NEVER`](time::NEVER) to wait for an interrupt.
    until: u64,
}

#[cfg(test)]
mod tests;
