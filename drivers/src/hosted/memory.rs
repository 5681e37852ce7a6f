//! Whose memory is allocated: the devices of a machine have memory of their own, which is not part of
//! the memory that its kernel manages.

use core::cell::Cell;

std::thread_local! {
    /// How many calls of [`as_device`] this thread is in.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Calls `act` as a part of a device. What it allocates must be freed by a part of a device, too.
pub fn as_device<R>(act: impl FnOnce() -> R) -> R {
    struct Inside;
    impl Drop for Inside {
        fn drop(&mut self) {
            DEPTH.set(DEPTH.get() - 1);
        }
    }
    DEPTH.set(DEPTH.get() + 1);
    let _inside = Inside;
    act()
}

/// Returns whether this thread does the work of a device, for the allocator of the process.
#[must_use]
pub fn is_device() -> bool {
    DEPTH.get() > 0
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    #[test]
    fn the_innermost_end_is_not_the_outermost_one() {
        assert!(!is_device());
        as_device(|| {
            as_device(|| assert!(is_device()));
            assert!(is_device());
        });
        assert!(!is_device());
    }

    #[test]
    fn a_panic_ends_the_part_of_a_device() {
        assert!(catch_unwind(|| as_device(|| panic!("on purpose"))).is_err());
        assert!(!is_device());
    }
}
