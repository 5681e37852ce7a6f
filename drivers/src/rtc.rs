//! Real-time clocks.

pub mod goldfish;
pub mod mc146818;
pub mod pl031;

use core::time::Duration;

/// A clock that keeps running while the machine is off.
pub trait Clock {
    /// Returns the time since 1970-01-01 00:00 UTC, in the clock's resolution. `None` if the clock
    /// is not set, lost power, or does not respond.
    fn since_1970(&self) -> Option<Duration>;
}

#[cfg(test)]
mod tests {
    //! Simulated registers: two words that record which offsets were read.

    use core::cell::RefCell;
    use std::vec::Vec;

    use crate::mmio::words::WordRegisters;

    pub(super) struct Words {
        words: [u32; 2],
        read: RefCell<Vec<usize>>,
    }

    impl Words {
        pub(super) fn new(words: [u32; 2]) -> Self {
            Self {
                words,
                read: RefCell::default(),
            }
        }

        /// The offsets that were read, in order.
        pub(super) fn read(&self) -> Vec<usize> {
            self.read.borrow().clone()
        }
    }

    impl WordRegisters for &Words {
        fn read(&self, offset: usize) -> u32 {
            self.read.borrow_mut().push(offset);
            self.words[offset / 4]
        }

        fn write(&self, offset: usize, _value: u32) {
            panic!("{offset:#x} is written")
        }
    }
}
