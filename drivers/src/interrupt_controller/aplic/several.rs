//! The APLICs of several [sockets](crate::interrupt_controller::sockets), with direct delivery.

use super::{Aplic, Config as Domains};
use crate::address::Range;
use crate::board::Driver;
use crate::interrupt::Interrupt;
use crate::interrupt_controller::sockets::{Controller, Sockets};
use crate::mmio::{Mmio, Registers};
use crate::riscv::{LocalInterrupts, Relay};

/// One of the APLICs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unit {
    /// The domains of the APLIC. The index of `first_hart` in each of them is 0.
    pub aplic: Domains,
    /// The first hart that the APLIC delivers to. The APLIC with the next higher first hart delivers
    /// to the harts from there on.
    pub first_hart: usize,
    /// The software interrupts of the socket's harts, from `first_hart` on, if the kernel may run in M
    /// mode: the registers `msip` of a CLINT or an ACLINT.
    pub msip: Option<Range>,
}

/// All APLICs of a board, in the order of their numbers. The first hart of the first one is 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config<const N: usize> {
    /// The APLICs.
    pub units: &'static [Unit; N],
}

/// The driver of `N` APLICs.
pub type Aplics<R, P, const N: usize> = Sockets<Aplic<R, P>, R, P, N>;

impl<R: Registers, P: Relay, const N: usize> Aplics<R, P, N> {
    /// Creates the driver of APLICs with these registers, for the current hart.
    pub fn with_registers(mut registers: impl FnMut(Range) -> R, units: &[Unit; N]) -> Self {
        let first_harts = units.each_ref().map(|unit| unit.first_hart);
        let msip = units.each_ref().map(|unit| unit.msip.map(&mut registers));
        Self::of(first_harts, msip, |socket, position, mode| {
            let domains = &units[socket].aplic;
            let domain = domains.domain(mode, position).map(&mut registers);
            Aplic::for_index(domain, P::default(), position, domains.sources)
        })
    }
}

impl<P: Relay, const N: usize> Driver for Aplics<Mmio, P, N> {
    type Config = Config<N>;

    unsafe fn new(config: &Config<N>) -> Self {
        Self::with_registers(
            // SAFETY: the caller guarantees that the APLICs are present and not shared.
            |range| unsafe { Mmio::new(range) },
            config.units,
        )
    }
}

impl<R: Registers, P: LocalInterrupts> Controller for Aplic<R, P> {
    fn delivers(&self) -> bool {
        self.domain.is_some()
    }

    fn reset(&mut self) {
        Self::reset(self);
    }

    fn has_source(&self, source: u32) -> bool {
        self.source(source).is_some()
    }

    fn enable_source(&mut self, interrupt: Interrupt) {
        self.activate(interrupt);
    }

    fn disable_source(&mut self, source: u32) {
        self.deactivate(source);
    }

    fn claim_source(&mut self) -> Option<u32> {
        self.next()
    }

    fn complete_source(&mut self, _source: u32) {
        self.conclude();
    }
}

#[cfg(test)]
mod tests;
