//! Selects the timer of an image that can start in machine mode or in supervisor mode.

use crate::board::Driver;
use crate::riscv::{Hart, Mode};

use super::Timer;

/// `M` in machine mode, `S` in supervisor mode. The mode is read once, at start.
pub enum ByMode<M, S, P> {
    /// The timer of machine mode.
    Machine(M),
    /// The timer of supervisor mode, as read from the hart `P`.
    Supervisor(S, core::marker::PhantomData<P>),
}

impl<M: Driver, S: Driver, P: Hart> Driver for ByMode<M, S, P> {
    type Config = (M::Config, S::Config);

    unsafe fn new(config: &Self::Config) -> Self {
        match P::default().mode() {
            // SAFETY: the caller guarantees what the timer of this mode requires.
            Mode::Machine => Self::Machine(unsafe { M::new(&config.0) }),
            Mode::Supervisor => {
                // SAFETY: as above.
                let timer = unsafe { S::new(&config.1) };
                Self::Supervisor(timer, core::marker::PhantomData)
            }
        }
    }
}

impl<M: Timer, S: Timer, P> Timer for ByMode<M, S, P> {
    #[inline]
    fn now(&self) -> u64 {
        match self {
            Self::Machine(timer) => timer.now(),
            Self::Supervisor(timer, _) => timer.now(),
        }
    }

    #[inline]
    fn set_deadline(&mut self, deadline: Option<u64>) {
        match self {
            Self::Machine(timer) => timer.set_deadline(deadline),
            Self::Supervisor(timer, _) => timer.set_deadline(deadline),
        }
    }

    fn frequency(&self) -> u64 {
        match self {
            Self::Machine(timer) => timer.frequency(),
            Self::Supervisor(timer, _) => timer.frequency(),
        }
    }

    fn missing(&self) -> Option<&'static str> {
        match self {
            Self::Machine(timer) => timer.missing(),
            Self::Supervisor(timer, _) => timer.missing(),
        }
    }
}
