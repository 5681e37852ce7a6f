//! The timer of an image that starts in machine mode or in supervisor mode, as the machine has it.

use crate::board::Driver;
use crate::riscv::{Hart, Mode};

use super::Timer;

/// `M` in machine mode, `S` in supervisor mode; the hart is asked once.
pub enum ByMode<M, S, P> {
    /// Machine mode.
    Machine(M),
    /// Supervisor mode, which the hart `P` told.
    Supervisor(S, core::marker::PhantomData<P>),
}

impl<M: Driver, S: Driver, P: Hart> Driver for ByMode<M, S, P> {
    type Config = (M::Config, S::Config);

    unsafe fn new(config: &Self::Config) -> Self {
        match P::default().mode() {
            // SAFETY: the caller promises what this asks for of the timer that the mode has.
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
}
