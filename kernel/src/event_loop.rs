//! The loop: the only thing that runs.
//!
//! A turn wakes the tasks whose deadline has passed, serves the interrupts that are pending and marks
//! whose work they announce, completes the I/O that has finished, takes in what the network received, runs
//! the tasks that are ready, sends what they queued, and tells each device once. Each step has a
//! budget, so that a flood in one of them slows that one and nothing else. When a whole turn leaves
//! nothing to do the processor sleeps until the next deadline or interrupt.
//!
//! Interrupts are masked all the while and wait at the controller: whatever happens after the loop
//! has looked ends the sleep at once, so no wake-up is lost.

pub(crate) mod recent;

use core::cell::Cell;

use crate::executor::Executor;
use crate::time;
use recent::{RECENT, Recent, Turn};

/// What the loop needs of the machine.
pub(crate) trait Machine {
    /// Whether an interrupt that was not claimed is pending no longer once its device, whose line is
    /// level-triggered, lets go of the line.
    const PENDING_FOLLOWS_LINE: bool;

    /// Nanoseconds on the clock.
    fn now(&self) -> u64;

    /// Whether an interrupt waits for being served. It may say yes in vain, and never says no where
    /// one waits.
    fn interrupt_pending(&self) -> bool;

    /// Takes one pending interrupt: sees to the timer's and the console's, and gives the number of
    /// any other to `device`. Returns its number.
    fn serve_interrupt(&mut self, device: impl FnMut(u32)) -> Option<u32>;

    /// Sleeps until an interrupt is pending, one at `deadline` at the latest, which is [`NEVER`](time::NEVER) for
    /// none. Returns at once where one is pending already.
    fn sleep_until(&mut self, deadline: u64);
}

/// The devices, and the services on top of them.
pub(crate) trait Services {
    /// Acknowledges the interrupts of those devices on level-triggered lines whose queues show that
    /// they have one, remembers who has work, and gives the number of each to `answered`, which says
    /// whether any interrupt is still pending; where none is there is no need to look further. Returns
    /// whether one may be pending still: what is not found so is announced by
    /// [`interrupt`](Self::interrupt).
    fn answer_lines(&mut self, answered: impl FnMut(u32) -> bool) -> bool;

    /// An interrupt came: acknowledges it at the device, and remembers who has work.
    fn interrupt(&mut self, number: u32);

    /// Completes what the devices have finished and takes in what was received, within a budget.
    /// Returns whether there is more.
    fn collect(&mut self, now: u64) -> bool;

    /// Sends what was queued and tells each device once, then asks for interrupts again. Returns
    /// whether more has come meanwhile.
    fn dispatch(&mut self, now: u64) -> bool;

    /// Looks whether the devices that have requests answer them; called when the time has come that was
    /// given to [`set_watch`](time::set_watch), before any interrupt is served.
    fn watch(&mut self, now: u64);

    /// When a service next has something to do without being asked; [`NEVER`](time::NEVER) where none has.
    fn deadline(&self) -> u64;
}

/// Counts of what the loop did, for whoever looks for a stall.
#[derive(Debug, Default)]
pub struct LoopStatistics {
    turns: Cell<u64>,
    interrupts: Cell<u64>,
    spurious_interrupts: Cell<u64>,
    sleeps: Cell<u64>,
}

/// What the loop did, at the time that was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LoopCounts {
    /// Turns of the loop.
    pub turns: u64,
    /// Interrupts taken.
    pub interrupts: u64,
    /// Times the processor told of an interrupt and the controller had none.
    pub spurious_interrupts: u64,
    /// Times the processor slept.
    pub sleeps: u64,
}

vmos_drivers::counted!(LoopCounts {
    turns,
    interrupts,
    spurious_interrupts,
    sleeps,
});

impl LoopStatistics {
    /// Turns of the loop.
    #[must_use]
    pub fn turns(&self) -> u64 {
        self.turns.get()
    }

    /// Interrupts taken.
    #[must_use]
    pub fn interrupts(&self) -> u64 {
        self.interrupts.get()
    }

    /// All of them.
    #[must_use]
    pub fn counts(&self) -> LoopCounts {
        LoopCounts {
            turns: self.turns.get(),
            interrupts: self.interrupts.get(),
            spurious_interrupts: self.spurious_interrupts.get(),
            sleeps: self.sleeps.get(),
        }
    }

    /// Times the processor slept.
    #[must_use]
    pub fn sleeps(&self) -> u64 {
        self.sleeps.get()
    }
}

/// Turns for ever.
pub(crate) fn run(
    mut machine: impl Machine,
    services: &mut impl Services,
    mut executor: Executor,
    statistics: &LoopStatistics,
) -> ! {
    // What interrupts it waits at the controller.
    critical_section::with(|cs| -> ! {
        let recent = RECENT.borrow(cs);
        loop {
            if let Some(sleep) = turn(&mut machine, services, &mut executor, statistics, recent) {
                statistics.sleeps.set(statistics.sleeps.get() + 1);
                machine.sleep_until(sleep.until);
            }
        }
    })
}

/// Does one turn, and returns how long to sleep: `None` where there is more to do at once.
#[inline]
fn turn<M: Machine>(
    machine: &mut M,
    services: &mut impl Services,
    executor: &mut Executor,
    statistics: &LoopStatistics,
    recent: &Recent,
) -> Option<Sleep> {
    statistics.turns.set(statistics.turns.get() + 1);
    let now = machine.now();
    let turn = recent.begin(now);
    if time::next_deadline() <= now {
        pass_deadlines(services, now);
    }
    serve_interrupts(machine, services, statistics, turn);
    let mut more = services.collect(now);
    if executor.has_ready() {
        turn.tasks();
        executor.run_ready();
    }
    more |= services.dispatch(now);
    if more || executor.has_ready() {
        return None;
    }
    let until = time::next_deadline().min(services.deadline());
    if until <= now {
        return None;
    }
    turn.sleep(until);
    Some(Sleep { until })
}

/// Sees to the deadlines that have passed.
#[cold]
fn pass_deadlines(services: &mut impl Services, now: u64) {
    if time::watch_deadline() <= now {
        services.watch(now);
    }
    time::expire(now);
}

/// Serves what is pending. A device's own memory tells sooner than the controller whose interrupt it
/// is, and where that takes the interrupt back with the line, the controller is not asked at all.
#[inline]
fn serve_interrupts<M: Machine>(
    machine: &mut M,
    services: &mut impl Services,
    statistics: &LoopStatistics,
    turn: &Turn,
) {
    let served = |number| {
        statistics.interrupts.set(statistics.interrupts.get() + 1);
        turn.interrupt(number);
    };
    if !machine.interrupt_pending() {
        return;
    }
    if M::PENDING_FOLLOWS_LINE {
        let more = services.answer_lines(|number| {
            served(number);
            machine.interrupt_pending()
        });
        if !more {
            return;
        }
    }
    match machine.serve_interrupt(|number| services.interrupt(number)) {
        Some(number) => served(number),
        None => add_one(&statistics.spurious_interrupts),
    }
}

#[cold]
fn add_one(counter: &Cell<u64>) {
    counter.set(counter.get() + 1);
}

/// There is nothing to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Sleep {
    /// Until then, or until an interrupt comes where this is [`NEVER`](time::NEVER).
    until: u64,
}

#[cfg(test)]
mod tests;
