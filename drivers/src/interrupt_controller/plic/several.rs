//! Several PLICs, each of which delivers to the harts of one socket.
//!
//! The kernel runs on one hart, to which only one of the PLICs delivers. For every other PLIC, a
//! hart of its socket [relays](Relay) the external interrupt, and the kernel claims and completes
//! the sources through that hart's context: the registers of all contexts are accessible from every
//! hart (RISC-V PLIC Specification 1.0, chapter 1).
//!
//! Source s of the PLIC with index n has the number n × [`STRIDE`] + s.

use super::{Plic, context};
use crate::address::Range;
use crate::board::Driver;
use crate::interrupt::{Interrupt, InterruptController};
use crate::mmio::{Mmio, Registers};
use crate::riscv::{Local, Relay, TIMER};

/// The difference between the numbers of a source of one PLIC and of the same source of the next.
pub const STRIDE: u32 = 2048;

const _: () = assert!(TIMER.number > super::MOST_SOURCES && TIMER.number < STRIDE);

/// One of the PLICs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unit {
    /// The registers and contexts, which start with those of `first_hart`.
    pub plic: super::Config,
    /// The first hart that the PLIC delivers to. The PLIC with the next higher first hart delivers
    /// to the harts from there on.
    pub first_hart: usize,
}

/// All PLICs of a board, in the order of their numbers. The first hart of the first one is 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config<const N: usize> {
    /// The PLICs.
    pub units: &'static [Unit; N],
}

/// The way by which the interrupts of a PLIC reach the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Route {
    /// The PLIC delivers to the kernel's hart.
    Direct,
    /// This hart passes them on.
    Relayed(usize),
    /// They do not arrive.
    None,
}

/// The driver of `N` PLICs.
pub struct Plics<R, P, const N: usize> {
    plics: [Plic<R, P>; N],
    routes: [Route; N],
    hart: P,
}

impl<R: Registers, P: Relay, const N: usize> Plics<R, P, N> {
    /// Creates the driver of PLICs with these registers, for the current hart.
    pub fn with_registers(mut registers: impl FnMut(Range) -> R, units: &[Unit; N]) -> Self {
        let hart = P::default();
        let (id, mode) = (hart.id(), hart.mode());
        let below = |unit: &&Unit| unit.first_hart <= id;
        let own = units.iter().filter(below).map(|unit| unit.first_hart).max();
        let routes = units.each_ref().map(|unit| match own {
            Some(own) if own == unit.first_hart => Route::Direct,
            _ => Route::Relayed(unit.first_hart),
        });
        let plics = units.each_ref().map(|unit| {
            let receiver = match own {
                Some(own) if own == unit.first_hart => id - own,
                _ => 0,
            };
            Plic {
                registers: registers(unit.plic.registers),
                hart: P::default(),
                sources: unit.plic.sources.min(super::MOST_SOURCES),
                context: context(unit.plic.contexts, receiver, mode),
            }
        });
        Self {
            plics,
            routes,
            hart,
        }
    }

    /// Returns the PLIC and the source of an interrupt number.
    fn place(&mut self, number: u32) -> Option<(&mut Plic<R, P>, u32)> {
        let plic = self.plics.get_mut((number / STRIDE) as usize)?;
        Some((plic, number % STRIDE))
    }

    /// Claims a source of one of the PLICs of a kind.
    fn claim_from(&mut self, is_direct: bool) -> Option<u32> {
        let plics = self.plics.iter_mut().zip(&self.routes).zip(0_u32..);
        for ((plic, route), index) in plics {
            let is_one = match route {
                Route::Direct => is_direct,
                Route::Relayed(_) => !is_direct,
                Route::None => false,
            };
            if let (true, Some(context)) = (is_one, plic.context)
                && let Some(source) = plic.claim_source(context)
            {
                return Some(index * STRIDE + source);
            }
        }
        None
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

impl<R: Registers, P: Relay, const N: usize> InterruptController for Plics<R, P, N> {
    const CONTROLLER_STRIDE: u32 = STRIDE;

    fn initialize(&mut self) {
        self.hart.enable(Local::Timer, false);
        self.hart.enable(Local::External, false);
        self.hart.clear();
        for (plic, route) in self.plics.iter_mut().zip(&mut self.routes) {
            let Some(context) = plic.context else {
                *route = Route::None;
                continue;
            };
            if let Route::Relayed(hart) = *route
                && !self.hart.start(hart)
            {
                *route = Route::None;
            }
            plic.reset(context);
            match *route {
                Route::Direct => self.hart.enable(Local::External, true),
                Route::Relayed(hart) => self.hart.rearm(hart),
                Route::None => {}
            }
        }
    }

    fn has(&self, number: u32) -> bool {
        let index = (number / STRIDE) as usize;
        let plics = self.plics.get(index).zip(self.routes.get(index));
        let is_source = |(plic, route): (&Plic<R, P>, &Route)| {
            *route != Route::None && plic.is_source(number % STRIDE)
        };
        number == TIMER.number || plics.is_some_and(is_source)
    }

    fn is_relayed(&self) -> bool {
        self.hart.is_raised()
    }

    fn enable(&mut self, interrupt: Interrupt) {
        if interrupt.number == TIMER.number {
            self.hart.enable(Local::Timer, true);
        } else if let Some((plic, source)) = self.place(interrupt.number) {
            plic.enable_source(source);
        }
    }

    fn disable(&mut self, number: u32) {
        if number == TIMER.number {
            self.hart.enable(Local::Timer, false);
        } else if let Some((plic, source)) = self.place(number) {
            plic.let_through(source, false);
        }
    }

    fn claim(&mut self) -> Option<u32> {
        let pending = self.hart.pending();
        if pending.timer {
            return Some(TIMER.number);
        }
        if pending.external
            && let Some(number) = self.claim_from(true)
        {
            return Some(number);
        }
        if !self.hart.is_raised() {
            return None;
        }
        if let Some(number) = self.claim_from(false) {
            return Some(number);
        }
        // A source that becomes pending after the search above raises the software interrupt again,
        // because its relay checks after this.
        self.hart.clear();
        for route in &self.routes {
            if let Route::Relayed(hart) = *route {
                self.hart.rearm(hart);
            }
        }
        None
    }

    fn complete(&mut self, number: u32) {
        if number == TIMER.number {
            return;
        }
        if let Some((plic, source)) = self.place(number)
            && let Some(context) = plic.context
        {
            let register = Plic::<R, P>::claim_register(context);
            plic.registers.write32(register, source);
        }
    }
}

#[cfg(test)]
mod tests;
