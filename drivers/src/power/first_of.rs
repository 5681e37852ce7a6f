//! Combines two ways to power off, in order of preference.

use crate::board::Driver;

use super::Power;

/// Tries `A`, then `B` if `A` returns.
pub struct FirstOf<A, B> {
    first: A,
    second: B,
}

impl<A, B> FirstOf<A, B> {
    /// Combines `first` and `second`.
    pub const fn new(first: A, second: B) -> Self {
        Self { first, second }
    }
}

impl<A: Driver, B: Driver> Driver for FirstOf<A, B> {
    type Config = (A::Config, B::Config);

    unsafe fn new(config: &Self::Config) -> Self {
        // SAFETY: the caller guarantees what each of the two requires.
        let first = unsafe { A::new(&config.0) };
        // SAFETY: as above.
        let second = unsafe { B::new(&config.1) };
        Self { first, second }
    }
}

impl<A: Power, B: Power> Power for FirstOf<A, B> {
    fn off(&mut self, status: u8) {
        self.first.off(status);
        self.second.off(status);
    }

    fn reset(&mut self) {
        self.first.reset();
        self.second.reset();
    }
}
