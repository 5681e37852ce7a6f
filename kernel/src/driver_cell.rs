//! A driver that the event loop and tasks share.

use core::cell::{BorrowMutError, Cell, Ref, RefCell, RefMut};

/// A driver, and whether a task had it since the loop last served it: the loop passes by one that
/// nobody had and that has raised no interrupt.
pub(crate) struct DriverCell<D> {
    driver: RefCell<D>,
    touched: Cell<bool>,
    /// Whether that is so of any driver: all share this.
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

    /// The driver, to ask it something.
    #[inline]
    pub(crate) fn borrow(&self) -> Ref<'_, D> {
        self.driver.borrow()
    }

    /// The driver, to have it do something: the loop then tells the device.
    #[inline]
    pub(crate) fn borrow_mut(&self) -> RefMut<'_, D> {
        self.touch();
        self.driver.borrow_mut()
    }

    /// The same where nobody has the driver.
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

    /// Whether the loop is to serve the driver though its device has raised no interrupt.
    #[inline]
    pub(crate) fn is_touched(&self) -> bool {
        self.touched.get()
    }

    /// The driver, for the loop to serve it.
    #[inline]
    pub(crate) fn serve(&self) -> RefMut<'_, D> {
        self.driver.borrow_mut()
    }

    /// Notes that the loop has served the driver, and whether it is to come back though nobody asks.
    #[inline]
    pub(crate) fn served(&self, come_back: bool) {
        self.touched.set(come_back);
        if come_back {
            self.any.set(true);
        }
    }
}
