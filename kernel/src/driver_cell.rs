//! A cell for a driver that the event loop and tasks share.

use core::cell::{BorrowMutError, Cell, Ref, RefCell, RefMut};

/// A driver, and a flag that a task has borrowed it since the event loop last served it. The loop
/// skips drivers without this flag and without an interrupt.
pub(crate) struct DriverCell<D> {
    driver: RefCell<D>,
    touched: Cell<bool>,
    /// A flag, shared by all drivers, that is set if the flag of any driver is set.
    any: &'static Cell<bool>,
}

impl<D> DriverCell<D> {
    pub(crate) const fn new(driver: D, any: &'static Cell<bool>) -> Self {
        Self {
            driver: RefCell::new(driver),
            touched: Cell::new(true),
            any,
        }
    }

    /// Borrows the driver for a query.
    #[inline]
    pub(crate) fn borrow(&self) -> Ref<'_, D> {
        self.driver.borrow()
    }

    /// Borrows the driver for an operation; the event loop then serves it and notifies the device.
    #[inline]
    pub(crate) fn borrow_mut(&self) -> RefMut<'_, D> {
        self.touch();
        self.driver.borrow_mut()
    }

    /// Like [`borrow_mut`](Self::borrow_mut), but returns an error if the driver is borrowed
    /// already.
    #[inline]
    pub(crate) fn try_borrow_mut(&self) -> Result<RefMut<'_, D>, BorrowMutError> {
        self.touch();
        self.driver.try_borrow_mut()
    }

    #[inline]
    fn touch(&self) {
        self.touched.set(true);
        self.any.set(true);
    }

    /// Returns whether the event loop must serve the driver without an interrupt.
    #[inline]
    pub(crate) fn is_touched(&self) -> bool {
        self.touched.get()
    }

    /// Borrows the driver, for the event loop.
    #[inline]
    pub(crate) fn serve(&self) -> RefMut<'_, D> {
        self.driver.borrow_mut()
    }

    /// Clears the flag after the loop has served the driver; `come_back` requests another turn.
    #[inline]
    pub(crate) fn served(&self, come_back: bool) {
        self.touched.set(come_back);
        if come_back {
            self.any.set(true);
        }
    }
}
