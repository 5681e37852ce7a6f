//! A cell for a driver that the event loop and tasks share.

use core::cell::Cell;

use crate::exclusive::{Borrowed, Exclusive};

/// The number of flags. The last one is shared by all drivers that have no flag of their own.
const FLAGS: usize = 16;

/// The drivers that the event loop must serve, a flag for each: publish their requests, and enable
/// their interrupts.
#[derive(Default)]
pub(crate) struct Calls {
    flags: Cell<[bool; FLAGS]>,
    /// The number of flags in use.
    used: Cell<usize>,
    /// The flag shared by all drivers that are served whenever one of them has to be.
    always: Cell<bool>,
    /// A flag that nobody reads.
    ignored: Cell<bool>,
}

impl Calls {
    /// Returns whether the loop must serve any driver.
    #[inline]
    pub(crate) fn any(&self) -> bool {
        self.flags.get() != [false; FLAGS]
    }

    /// Makes the loop go through the drivers once.
    pub(crate) fn call(&self) {
        self.flag(FLAGS - 1).set(true);
    }

    /// Clears the shared flag, before the loop goes through the drivers.
    #[inline]
    pub(crate) fn answer(&self) {
        self.flag(FLAGS - 1).set(false);
    }

    #[inline]
    fn flag(&self, number: usize) -> &Cell<bool> {
        let flags: &Cell<[bool]> = &self.flags;
        &flags.as_slice_of_cells()[number]
    }
}

/// A driver, and a flag that the event loop must serve it: a task has borrowed it, or its device has
/// raised an interrupt. The loop skips drivers without this flag.
pub(crate) struct DriverCell<D> {
    driver: Exclusive<D>,
    called: &'static Cell<bool>,
    /// The same flag; a flag that stays set, if other drivers have the same one: those are served
    /// whenever any driver is.
    own: &'static Cell<bool>,
    /// The flag to be cleared once the driver was served: `own`, unless it stays set.
    served: &'static Cell<bool>,
}

impl<D> DriverCell<D> {
    /// Creates the cell with the next flag of `calls`, which is set.
    pub(crate) fn new(driver: D, calls: &'static Calls) -> Self {
        let number = calls.used.get().min(FLAGS - 1);
        calls.used.set(number + 1);
        let shares = number == FLAGS - 1;
        let called = calls.flag(number);
        called.set(true);
        calls.always.set(true);
        let (own, served) = if shares {
            (&calls.always, &calls.ignored)
        } else {
            (called, called)
        };
        Self {
            driver: Exclusive::new(driver),
            called,
            own,
            served,
        }
    }

    /// Borrows the driver for a query, or for the event loop.
    ///
    /// # Panics
    ///
    /// If it is borrowed already.
    #[inline]
    pub(crate) fn borrow(&self) -> Borrowed<'_, D> {
        self.driver.borrow()
    }

    /// Borrows the driver for an operation; the event loop then serves it and notifies the device.
    ///
    /// # Panics
    ///
    /// If it is borrowed already.
    #[inline]
    pub(crate) fn borrow_mut(&self) -> Borrowed<'_, D> {
        self.call();
        self.borrow()
    }

    /// Like [`borrow_mut`](Self::borrow_mut), but returns `None` if the driver is borrowed already.
    #[inline]
    pub(crate) fn try_borrow_mut(&self) -> Option<Borrowed<'_, D>> {
        self.call();
        self.driver.try_borrow()
    }

    /// Makes the event loop serve the driver in this turn, or in the next one if it has done so.
    #[inline]
    pub(crate) fn call(&self) {
        self.called.set(true);
    }

    /// Returns whether the event loop must serve the driver.
    #[inline]
    pub(crate) fn is_called(&self) -> bool {
        self.own.get()
    }

    /// Clears the flag after the driver was served, by the loop or by the task that has borrowed it.
    #[inline]
    pub(crate) fn served(&self) {
        self.served.set(false);
    }
}

#[cfg(test)]
mod tests {
    use alloc::boxed::Box;
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn a_driver_with_its_own_flag_is_served_when_it_was_borrowed() {
        let calls: &'static Calls = Box::leak(Box::default());
        assert!(!calls.any());
        let cells: Vec<_> = (0..2).map(|n| DriverCell::new(n, calls)).collect();
        cells.iter().for_each(DriverCell::served);
        assert!(!calls.any());
        drop(cells[1].borrow());
        assert!(!calls.any());
        drop(cells[1].borrow_mut());
        assert!(calls.any() && cells[1].is_called() && !cells[0].is_called());
        cells[1].served();
        assert!(!calls.any());
    }

    #[test]
    fn no_driver_with_a_shared_flag_loses_a_call_to_another() {
        let calls: &'static Calls = Box::leak(Box::default());
        let cells: Vec<_> = (0..FLAGS + 3).map(|n| DriverCell::new(n, calls)).collect();
        let pass = || {
            calls.answer();
            cells
                .iter()
                .filter(|cell| cell.is_called())
                .inspect(|cell| cell.served())
                .count()
        };
        assert_eq!(pass(), cells.len());
        assert!(!calls.any());
        for cell in &cells {
            drop(cell.borrow_mut());
            for other in cells.iter().filter(|other| !core::ptr::eq(*other, cell)) {
                other.served();
            }
            assert!(calls.any() && cell.is_called());
            pass();
            assert!(!calls.any());
        }
        calls.call();
        assert!(calls.any());
    }
}
