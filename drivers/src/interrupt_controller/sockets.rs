//! Interrupt controllers of several sockets, each of which delivers to the harts of its own socket.
//!
//! The kernel runs on one hart, to which only one of the controllers delivers. For every other one, a
//! hart of its socket [relays](Relay) the external interrupt, and the kernel claims and completes the
//! sources through that hart's registers: those of all harts are accessible from every hart (RISC-V
//! PLIC Specification 1.0, chapter 1; RISC-V Advanced Interrupt Architecture 1.0, 4.5). In S mode,
//! firmware starts these harts; in M mode, the entry code has sent them to where they wait for a
//! software interrupt.
//!
//! Source s of the controller with index n has the number n × [`STRIDE`] + s.

use crate::interrupt::{Interrupt, InterruptController};
use crate::mmio::Registers;
use crate::riscv::{Local, Mode, Relay, TIMER};

mod software;

use software::SoftwareInterrupts;

/// The difference between the numbers of a source of one controller and of the same source of the
/// next.
pub const STRIDE: u32 = 2048;

const _: () = assert!(TIMER.number > super::plic::MOST_SOURCES && TIMER.number < STRIDE);
const _: () = assert!(TIMER.number > super::aplic::MOST_SOURCES);

/// The controller of a socket, which delivers to one of its harts.
pub trait Controller {
    /// Returns whether the controller has registers for the hart.
    fn delivers(&self) -> bool;

    /// Disables all sources, and starts the delivery to the hart.
    fn reset(&mut self);

    /// Returns whether the controller has a source with this number.
    fn has_source(&self, source: u32) -> bool;

    /// Enables a source; the number in `interrupt` is that of the source.
    fn enable_source(&mut self, interrupt: Interrupt);

    /// Disables a source.
    fn disable_source(&mut self, source: u32);

    /// Claims the pending source of highest priority, if there is one.
    fn claim_source(&mut self) -> Option<u32>;

    /// Completes a claimed source, after its device was served.
    fn complete_source(&mut self, source: u32);
}

/// The way by which the interrupts of a controller reach the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Route {
    /// The controller delivers to the kernel's hart.
    Direct,
    /// This hart passes them on.
    Relayed(usize),
    /// They do not arrive.
    None,
}

/// The driver of the controllers of `N` sockets.
pub struct Sockets<C, R, P, const N: usize> {
    controllers: [C; N],
    routes: [Route; N],
    software: SoftwareInterrupts<R, P, N>,
    hart: P,
}

/// Returns the index of the socket that a hart belongs to; each socket has the harts from its first
/// one on.
pub(super) fn socket_of<const N: usize>(first_harts: [usize; N], hart: usize) -> usize {
    let below = (0..N).filter(|&socket| first_harts[socket] <= hart);
    below
        .max_by_key(|&socket| first_harts[socket])
        .unwrap_or_default()
}

impl<C: Controller, R: Registers, P: Relay, const N: usize> Sockets<C, R, P, N> {
    /// Creates the driver for the current hart. `msip` are the registers of the software interrupts of
    /// each socket's harts, for M mode. `open` creates the controller of the socket with an index, which
    /// must deliver to the hart with a position among those of the socket, in a mode.
    pub(super) fn of(
        first_harts: [usize; N],
        msip: [Option<R>; N],
        mut open: impl FnMut(usize, usize, Mode) -> C,
    ) -> Self {
        let hart = P::default();
        let (id, mode) = (hart.id(), hart.mode());
        let own = socket_of(first_harts, id);
        let routes = core::array::from_fn(|socket| match socket == own {
            true => Route::Direct,
            false => Route::Relayed(first_harts[socket]),
        });
        let position = id.saturating_sub(first_harts[own]);
        let controllers = core::array::from_fn(|socket| {
            open(socket, if socket == own { position } else { 0 }, mode)
        });
        Self {
            controllers,
            routes,
            software: SoftwareInterrupts::new(msip, (own, position)),
            hart,
        }
    }

    /// Returns the controller and the source of an interrupt number.
    fn place(&mut self, number: u32) -> Option<(&mut C, u32)> {
        let controller = self.controllers.get_mut((number / STRIDE) as usize)?;
        Some((controller, number % STRIDE))
    }

    /// Claims a source of one of the controllers that deliver to the kernel's hart, or of those that
    /// do not.
    fn claim_from(&mut self, is_direct: bool) -> Option<u32> {
        let controllers = self.controllers.iter_mut().zip(&self.routes).zip(0_u32..);
        for ((controller, route), index) in controllers {
            let is_one = match route {
                Route::Direct => is_direct,
                Route::Relayed(_) => !is_direct,
                Route::None => false,
            };
            if is_one && let Some(source) = controller.claim_source() {
                return Some(index * STRIDE + source);
            }
        }
        None
    }
}

impl<C: Controller, R: Registers, P: Relay, const N: usize> InterruptController
    for Sockets<C, R, P, N>
{
    const CONTROLLER_STRIDE: u32 = STRIDE;

    fn initialize(&mut self) {
        self.hart.enable(Local::Timer, false);
        self.hart.enable(Local::External, false);
        self.software.clear();
        let sockets = self.controllers.iter_mut().zip(&mut self.routes);
        for (socket, (controller, route)) in sockets.enumerate() {
            if !controller.delivers() {
                *route = Route::None;
                continue;
            }
            if let Route::Relayed(hart) = *route
                && !self.software.start(socket, hart)
            {
                *route = Route::None;
            }
            controller.reset();
            match *route {
                Route::Direct => self.hart.enable(Local::External, true),
                Route::Relayed(hart) => self.software.raise(socket, hart),
                Route::None => {}
            }
        }
    }

    fn has(&self, number: u32) -> bool {
        let index = (number / STRIDE) as usize;
        let controllers = self.controllers.get(index).zip(self.routes.get(index));
        let is_source = |(controller, route): (&C, &Route)| {
            *route != Route::None && controller.has_source(number % STRIDE)
        };
        number == TIMER.number || controllers.is_some_and(is_source)
    }

    fn is_relayed(&self) -> bool {
        self.software.is_raised()
    }

    fn enable(&mut self, interrupt: Interrupt) {
        if interrupt.number == TIMER.number {
            self.hart.enable(Local::Timer, true);
        } else if let Some((controller, number)) = self.place(interrupt.number) {
            controller.enable_source(Interrupt {
                number,
                ..interrupt
            });
        }
    }

    fn disable(&mut self, number: u32) {
        if number == TIMER.number {
            self.hart.enable(Local::Timer, false);
        } else if let Some((controller, source)) = self.place(number) {
            controller.disable_source(source);
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
        if !self.software.is_raised() {
            return None;
        }
        if let Some(number) = self.claim_from(false) {
            return Some(number);
        }
        // A source that becomes pending after the search above raises the software interrupt again,
        // because its relay checks after this.
        self.software.clear();
        for (socket, route) in self.routes.iter().enumerate() {
            if let Route::Relayed(hart) = *route {
                self.software.raise(socket, hart);
            }
        }
        None
    }

    fn complete(&mut self, number: u32) {
        if number == TIMER.number {
            return;
        }
        if let Some((controller, source)) = self.place(number) {
            controller.complete_source(source);
        }
    }
}

#[cfg(test)]
pub(super) mod harts;
