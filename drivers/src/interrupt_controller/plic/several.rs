//! The PLICs of several [sockets](crate::interrupt_controller::sockets).

use super::{Plic, context};
use crate::address::Range;
use crate::board::Driver;
use crate::interrupt::Interrupt;
use crate::interrupt_controller::sockets::{Controller, Sockets};
use crate::mmio::{Mmio, Registers};
use crate::riscv::{LocalInterrupts, Relay};

/// One of the PLICs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unit {
    /// The registers and contexts, which start with those of `first_hart`.
    pub plic: super::Config,
    /// The first hart that the PLIC delivers to. The PLIC with the next higher first hart delivers
    /// to the harts from there on.
    pub first_hart: usize,
    /// The software interrupts of the socket's harts, from `first_hart` on, if the kernel may run in M
    /// mode: the registers `msip` of a CLINT or an ACLINT.
    pub msip: Option<Range>,
}

/// All PLICs of a board, in the order of their numbers. The first hart of the first one is 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config<const N: usize> {
    /// The PLICs.
    pub units: &'static [Unit; N],
}

/// The driver of `N` PLICs.
pub type Plics<R, P, const N: usize> = Sockets<Plic<R, P>, R, P, N>;

impl<R: Registers, P: Relay, const N: usize> Plics<R, P, N> {
    /// Creates the driver of PLICs with these registers, for the current hart.
    pub fn with_registers(mut registers: impl FnMut(Range) -> R, units: &[Unit; N]) -> Self {
        let first_harts = units.each_ref().map(|unit| unit.first_hart);
        let msip = units.each_ref().map(|unit| unit.msip.map(&mut registers));
        Self::of(first_harts, msip, |socket, position, mode| {
            let super::Config {
                registers: range,
                sources,
                contexts,
            } = units[socket].plic;
            Plic {
                registers: registers(range),
                hart: P::default(),
                sources: sources.min(super::MOST_SOURCES),
                context: context(contexts, position, mode),
            }
        })
    }
}

impl<P: Relay, const N: usize> Driver for Plics<Mmio, P, N> {
    type Config = Config<N>;

    unsafe fn new(config: &Config<N>) -> Self {
        Self::with_registers(
            // SAFETY: the caller guarantees that the PLICs are present and not shared.
            |range| unsafe { Mmio::new(range) },
            config.units,
        )
    }
}

impl<R: Registers, P: LocalInterrupts> Controller for Plic<R, P> {
    fn delivers(&self) -> bool {
        self.context.is_some()
    }

    fn reset(&mut self) {
        if let Some(context) = self.context {
            self.reset_context(context);
        }
    }

    fn has_source(&self, source: u32) -> bool {
        self.is_source(source)
    }

    fn enable_source(&mut self, interrupt: Interrupt) {
        self.enable_for_context(interrupt.number);
    }

    fn disable_source(&mut self, source: u32) {
        self.let_through(source, false);
    }

    fn claim_source(&mut self) -> Option<u32> {
        self.claim_for_context(self.context?)
    }

    fn complete_source(&mut self, source: u32) {
        if let Some(context) = self.context {
            let register = Self::claim_register(context);
            self.registers.write32(register, source);
        }
    }
}

#[cfg(test)]
mod tests;
