//! The loop: the only thing that runs.
//!
//! A turn takes one interrupt and marks whose work it announces, completes the I/O that has
//! finished, wakes the tasks whose deadline has passed, takes in what the network received, runs
//! the tasks that are ready, sends what they queued, and tells each device once. Each step has a
//! budget, so that a flood in one of them slows that one and nothing else. When a whole turn leaves
//! nothing to do the processor sleeps until the next deadline or interrupt.
//!
//! Interrupts are masked all the while and wait at the controller: whatever happens after the loop
//! has looked ends the sleep at once, so no wake-up is lost.

pub(crate) mod recent;

use core::cell::Cell;

use recent::{Event, note};

use crate::executor::Executor;
use crate::time;

/// What the loop needs of the machine.
pub(crate) trait Machine {
    /// Nanoseconds on the clock.
    fn now(&self) -> u64;

    /// Takes one pending interrupt: sees to the timer's and the console's, and gives the number of
    /// any other to `device`. Returns its number.
    fn serve_interrupt(&mut self, device: impl FnMut(u32)) -> Option<u32>;

    /// Sleeps until an interrupt is pending, one at `deadline` at the latest. Returns at once where
    /// one is pending already.
    fn sleep_until(&mut self, deadline: Option<u64>);
}

/// The devices, and the services on top of them.
pub(crate) trait Services {
    /// An interrupt came: acknowledges it at the device, and remembers who has work.
    fn interrupt(&self, number: u32);

    /// Completes what the devices have finished and takes in what was received, within a budget.
    /// Returns whether there is more.
    fn collect(&self, now: u64) -> bool;

    /// Sends what was queued and tells each device once, then asks for interrupts again. Returns
    /// whether more has come meanwhile.
    fn dispatch(&self, now: u64) -> bool;

    /// When a service next has something to do without being asked.
    fn deadline(&self) -> Option<u64>;
}

/// Counts of what the loop did, for whoever looks for a stall.
#[derive(Debug, Default)]
pub struct LoopStatistics {
    turns: Cell<u64>,
    interrupts: Cell<u64>,
    sleeps: Cell<u64>,
}

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

    /// Times the processor slept.
    #[must_use]
    pub fn sleeps(&self) -> u64 {
        self.sleeps.get()
    }
}

/// Turns for ever.
pub(crate) fn run(
    mut machine: impl Machine,
    services: &impl Services,
    mut executor: Executor,
    statistics: &LoopStatistics,
) -> ! {
    loop {
        if let Some(sleep) = turn(&mut machine, services, &mut executor, statistics) {
            statistics.sleeps.set(statistics.sleeps.get() + 1);
            machine.sleep_until(sleep.until);
        }
    }
}

/// Does one turn, and returns how long to sleep: `None` where there is more to do at once.
fn turn(
    machine: &mut impl Machine,
    services: &impl Services,
    executor: &mut Executor,
    statistics: &LoopStatistics,
) -> Option<Sleep> {
    statistics.turns.set(statistics.turns.get() + 1);
    let interrupt = machine.serve_interrupt(|number| services.interrupt(number));
    let now = machine.now();
    if let Some(number) = interrupt {
        statistics.interrupts.set(statistics.interrupts.get() + 1);
        note(now, Event::Interrupt(number));
    }
    let mut more = services.collect(now);
    time::expire(now);
    if executor.has_ready() {
        note(now, Event::Tasks);
        executor.run_ready();
    }
    more |= services.dispatch(now);
    if more || executor.has_ready() {
        return None;
    }
    let until = time::earliest(time::next_deadline(), services.deadline());
    if until.is_some_and(|until| until <= now) {
        return None;
    }
    note(now, Event::Sleep(until));
    Some(Sleep { until })
}

/// There is nothing to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Sleep {
    /// Until then, or until an interrupt comes where this is absent.
    until: Option<u64>,
}

#[cfg(test)]
mod tests;
