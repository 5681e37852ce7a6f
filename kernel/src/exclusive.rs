//! A cell with at most one borrow at a time.

use core::cell::{Cell, UnsafeCell};
use core::ops::{Deref, DerefMut};

/// A value that is borrowed by one user at a time. Checking that is faster than checking what a
/// `RefCell` allows.
pub(crate) struct Exclusive<T> {
    value: UnsafeCell<T>,
    /// 0 while nobody borrows the value. A number needs one instruction less than a `bool` to check.
    borrowed: Cell<u8>,
}

impl<T> Exclusive<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self {
            value: UnsafeCell::new(value),
            borrowed: Cell::new(0),
        }
    }

    /// Borrows the value.
    ///
    /// # Panics
    ///
    /// If it is borrowed already.
    #[inline]
    pub(crate) fn borrow(&self) -> Borrowed<'_, T> {
        match self.try_borrow() {
            Some(borrowed) => borrowed,
            None => is_borrowed(),
        }
    }

    /// Borrows the value; returns `None` if it is borrowed already.
    #[inline]
    pub(crate) fn try_borrow(&self) -> Option<Borrowed<'_, T>> {
        if self.borrowed.get() != 0 {
            return None;
        }
        self.borrowed.set(1);
        Some(Borrowed { cell: self })
    }
}

/// The only borrow of a value.
pub(crate) struct Borrowed<'a, T> {
    cell: &'a Exclusive<T>,
}

impl<T> Deref for Borrowed<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: no other borrow exists until this one is dropped. The cell stays on one processor,
        // since it is not `Sync`.
        unsafe { &*self.cell.value.get() }
    }
}

impl<T> DerefMut for Borrowed<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above.
        unsafe { &mut *self.cell.value.get() }
    }
}

impl<T> Drop for Borrowed<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.cell.borrowed.set(0);
    }
}

#[cold]
#[inline(never)]
fn is_borrowed() -> ! {
    panic!("in use");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_can_be_borrowed_again_after_the_borrow_has_ended() {
        let cell = Exclusive::new(7);
        *cell.borrow() += 1;
        assert_eq!(*cell.borrow(), 8);
        let first = cell.borrow();
        assert!(cell.try_borrow().is_none());
        assert!(cell.try_borrow().is_none());
        drop(first);
        assert!(cell.try_borrow().is_some());
    }

    #[test]
    #[should_panic(expected = "in use")]
    fn only_one_borrow_exists() {
        let cell = Exclusive::new(7);
        let first = cell.borrow();
        assert_eq!(*first, 7);
        drop(cell.borrow());
    }
}
