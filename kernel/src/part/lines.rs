//! The interrupts of parts, which tasks wait for.
//!
//! The event loop owns the interrupt controller. A task that waits records that it waits for its
//! line, and the loop enables it before it next sleeps. A raised line wakes its task; a
//! level-triggered one is disabled until the task waits again, since it stays asserted until the
//! task has served the device.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::task::{Context, Poll, Waker};

use critical_section::Mutex;
use vmos_drivers::interrupt::Interrupt;

use crate::time;

static LINES: Mutex<RefCell<Vec<&'static Line>>> = Mutex::new(RefCell::new(Vec::new()));

struct Line {
    interrupt: Interrupt,
    /// Whether the line was raised since its task last checked.
    raised: Mutex<Cell<bool>>,
    /// Whether the line should be enabled.
    wanted: Mutex<Cell<bool>>,
    /// Whether the line is enabled.
    enabled: Mutex<Cell<bool>>,
    waker: Mutex<RefCell<Option<Waker>>>,
}

/// The interrupt of a claimed part.
///
/// The line is disabled until [`wait`](Self::wait) is first polled, and when this is dropped.
///
/// ```no_run
/// use vmos::part::InterruptLine;
///
/// #[vmos::task]
/// async fn count(mut line: InterruptLine) {
///     for number in 1.. {
///         line.wait().await;
///         vmos::println!("interrupt {number}");
///     }
/// }
/// ```
#[derive(Debug)]
pub struct InterruptLine {
    line: &'static Line,
}

impl InterruptLine {
    pub(super) fn new(interrupt: Interrupt) -> Self {
        let line: &'static Line = Box::leak(Box::new(Line {
            interrupt,
            raised: Mutex::new(Cell::new(false)),
            wanted: Mutex::new(Cell::new(false)),
            enabled: Mutex::new(Cell::new(false)),
            waker: Mutex::new(RefCell::new(None)),
        }));
        critical_section::with(|cs| LINES.borrow_ref_mut(cs).push(line));
        Self { line }
    }

    /// Waits until the line has been raised since the last return of this method.
    ///
    /// The device may have been served in the meantime, so the caller checks its registers. A
    /// level-triggered line that is still asserted at the next call is raised again. A call whose
    /// future is dropped loses nothing.
    pub async fn wait(&mut self) {
        poll_fn(|context| self.line.poll(context)).await;
    }
}

impl Drop for InterruptLine {
    fn drop(&mut self) {
        self.line.want(false);
    }
}

impl core::fmt::Debug for Line {
    #[cold]
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.interrupt.fmt(f)
    }
}

impl Line {
    fn poll(&self, context: &Context<'_>) -> Poll<()> {
        let raised = critical_section::with(|cs| {
            let raised = self.raised.borrow(cs).take();
            *self.waker.borrow_ref_mut(cs) = (!raised).then(|| context.waker().clone());
            raised
        });
        if raised {
            return Poll::Ready(());
        }
        self.want(true);
        Poll::Pending
    }

    fn want(&self, wanted: bool) {
        let differs = critical_section::with(|cs| {
            self.wanted.borrow(cs).set(wanted);
            self.enabled.borrow(cs).get() != wanted
        });
        if differs {
            time::set_lines_soon(true);
        }
    }

    /// Records that the line was raised, and returns the task to wake.
    fn raise(&self) -> Option<Waker> {
        if self.interrupt.trigger.is_level() {
            self.want(false);
        }
        critical_section::with(|cs| {
            self.raised.borrow(cs).set(true);
            self.waker.borrow_ref_mut(cs).take()
        })
    }
}

/// Takes the interrupt `number`, if it belongs to a part; returns whether it does.
#[cold]
pub(crate) fn raised(number: u32) -> bool {
    let find = |lines: &Vec<&'static Line>| {
        let mut lines = lines.iter();
        lines.find(|line| line.interrupt.number == number).copied()
    };
    let Some(line) = critical_section::with(|cs| find(&LINES.borrow_ref(cs))) else {
        return false;
    };
    if let Some(waker) = line.raise() {
        waker.wake();
    }
    true
}

/// Calls `act` for each line that must be enabled or disabled.
#[cold]
pub(crate) fn set(mut act: impl FnMut(Interrupt, bool)) {
    time::set_lines_soon(false);
    critical_section::with(|cs| {
        for line in LINES.borrow_ref(cs).iter() {
            let wanted = line.wanted.borrow(cs).get();
            if line.enabled.borrow(cs).replace(wanted) != wanted {
                act(line.interrupt, wanted);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use core::pin::pin;
    use core::task::Waker;
    use std::vec;

    use super::*;

    /// Returns what the event loop would change at the controller now, for one line: tests share
    /// the lines.
    fn changes(number: u32) -> Vec<bool> {
        let mut changes = Vec::new();
        set(|line, enabled| {
            if line.number == number {
                changes.push(enabled);
            }
        });
        changes
    }

    fn poll(line: &mut InterruptLine) -> Poll<()> {
        pin!(line.wait()).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_level_triggered_line_is_enabled_only_while_a_task_waits() {
        let mut line = InterruptLine::new(Interrupt::level(1001));
        assert_eq!(changes(1001), []);
        assert_eq!(poll(&mut line), Poll::Pending);
        assert_eq!(changes(1001), [true]);
        assert!(raised(1001));
        assert_eq!(changes(1001), [false]);
        assert_eq!(poll(&mut line), Poll::Ready(()));
        assert_eq!(changes(1001), []);
        assert_eq!(poll(&mut line), Poll::Pending);
        assert_eq!(changes(1001), [true]);
    }

    #[test]
    fn a_line_that_is_waited_for_again_in_the_same_turn_stays_enabled() {
        let mut line = InterruptLine::new(Interrupt::level(1002));
        assert_eq!(poll(&mut line), Poll::Pending);
        assert_eq!(changes(1002), [true]);
        assert!(raised(1002));
        assert_eq!(poll(&mut line), Poll::Ready(()));
        assert_eq!(poll(&mut line), Poll::Pending);
        assert_eq!(changes(1002), []);
    }

    #[test]
    fn an_edge_that_comes_while_nobody_waits_is_kept() {
        let mut line = InterruptLine::new(Interrupt::edge(1003));
        assert_eq!(poll(&mut line), Poll::Pending);
        assert_eq!(changes(1003), [true]);
        assert!(raised(1003));
        assert!(raised(1003));
        assert_eq!(changes(1003), []);
        assert_eq!(poll(&mut line), Poll::Ready(()));
        assert_eq!(poll(&mut line), Poll::Pending);
    }

    #[test]
    fn a_dropped_line_is_disabled() {
        let mut line = InterruptLine::new(Interrupt::edge(1004));
        assert_eq!(poll(&mut line), Poll::Pending);
        assert_eq!(changes(1004), vec![true]);
        drop(line);
        assert_eq!(changes(1004), vec![false]);
    }

    #[test]
    fn an_interrupt_of_no_part_is_refused() {
        assert!(!raised(1005));
    }
}
