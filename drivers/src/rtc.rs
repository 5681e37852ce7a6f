//! Real-time clocks: what time of day it is.

pub mod goldfish;
pub mod mc146818;
pub mod pl031;

use core::time::Duration;

/// A clock that goes on while the machine is off.
pub trait Clock {
    /// The time since the beginning of 1970 in UTC, as fine as the clock is. `None` where the clock
    /// does not know: it was without power, it was never set, or nothing answers.
    fn since_1970(&self) -> Option<Duration>;
}

#[cfg(test)]
mod tests {
    //! Registers that hold two words and remember what was read.

    use core::cell::RefCell;
    use std::vec::Vec;

    use crate::mmio::Registers;

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

    impl Registers for &Words {
        fn read32(&self, offset: usize) -> u32 {
            self.read.borrow_mut().push(offset);
            self.words[offset / 4]
        }

        fn read8(&self, offset: usize) -> u8 {
            panic!("{offset:#x} is read as a byte")
        }

        fn read16(&self, offset: usize) -> u16 {
            panic!("{offset:#x} is read as two bytes")
        }

        fn read64(&self, offset: usize) -> u64 {
            panic!("{offset:#x} is read as eight bytes")
        }

        fn write8(&self, offset: usize, _value: u8) {
            panic!("{offset:#x} is written")
        }

        fn write16(&self, offset: usize, _value: u16) {
            panic!("{offset:#x} is written")
        }

        fn write32(&self, offset: usize, _value: u32) {
            panic!("{offset:#x} is written")
        }

        fn write64(&self, offset: usize, _value: u64) {
            panic!("{offset:#x} is written")
        }
    }
}
