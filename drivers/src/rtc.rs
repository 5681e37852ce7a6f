//! Real-time clocks: what time of day it is.

pub mod goldfish;
pub mod pl031;

use core::time::Duration;

use crate::address::Range;
use crate::mmio::Mmio;

use goldfish::Goldfish;
use pl031::Pl031;

/// A clock that goes on while the machine is off.
pub trait Clock {
    /// The time since the beginning of 1970 in UTC, as fine as the clock is.
    fn since_1970(&self) -> Duration;
}

/// The clock that a board's description names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rtc {
    /// An Arm PrimeCell PL031 with these registers.
    Pl031(Range),
    /// A goldfish RTC with these registers.
    Goldfish(Range),
}

impl Rtc {
    /// What the clock says; see [`Clock::since_1970`].
    ///
    /// # Safety
    ///
    /// The description must be right: the clock is there, and nothing else reads it at the same time.
    #[must_use]
    pub unsafe fn since_1970(self) -> Duration {
        match self {
            Self::Pl031(registers) => {
                // SAFETY: the caller promises that the registers are there.
                let registers = unsafe { Mmio::new(registers) };
                Pl031::new(registers).since_1970()
            }
            Self::Goldfish(registers) => {
                // SAFETY: the caller promises that the registers are there.
                let registers = unsafe { Mmio::new(registers) };
                Goldfish::new(registers).since_1970()
            }
        }
    }
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
