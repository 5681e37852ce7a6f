//! The platform-level interrupt controller of RISC-V machines.
//!
//! Registers and sequences: RISC-V Platform-Level Interrupt Controller Specification 1.0. It brings
//! the interrupts of devices to the harts; a timer's interrupt is the hart's own and comes beside
//! it, so this driver takes both.

use crate::address::Range;
use crate::board::Driver;
use crate::interrupt::{Interrupt, InterruptController, Trigger};
use crate::mmio::{Mmio, Registers};
use crate::riscv::{Hart, Mode};

/// The priority of source n, 4 bytes each; 0 is never delivered (chapter 4).
const PRIORITY: usize = 0x00_0000;
/// One bit a source, whether it is delivered to a context (chapter 6).
const ENABLE: usize = 0x00_2000;
/// From one context's bits to the next one's.
const ENABLE_STRIDE: usize = 0x80;
/// Sources of this priority and less urgent ones are held back from a context (chapter 7).
const THRESHOLD: usize = 0x20_0000;
/// Reading takes the most urgent pending source, writing ends it (chapters 8 and 9).
const CLAIM: usize = 0x20_0004;
/// From one context's threshold to the next one's.
const CONTEXT_STRIDE: usize = 0x1000;

/// The most urgent there is no need for: all are equal.
const USUAL_PRIORITY: u32 = 1;

/// The most sources a PLIC can have, source 0 not counted, which stands for none.
pub const MOST_SOURCES: u32 = 1023;

/// What the hart's own timer raises. The PLIC has no such source.
pub const TIMER: Interrupt = Interrupt {
    number: MOST_SOURCES + 1,
    trigger: Trigger::Level,
};

/// The hart's own interrupts, of the mode that the kernel runs in (`mie` and `mip`, or `sie` and
/// `sip`; privileged architecture, 3.1.9 and 10.1.3).
pub trait LocalInterrupts: Hart {
    /// Lets an interrupt through to the hart, or holds it back.
    fn enable(&mut self, interrupt: Local, on: bool);

    /// Those that are pending and let through.
    fn pending(&self) -> Pending;
}

/// An interrupt of a hart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Local {
    /// The timer's.
    Timer,
    /// That of the interrupt controller, for all of its sources.
    External,
}

/// Which of a hart's interrupts are pending.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Pending {
    /// The timer's.
    pub timer: bool,
    /// That of the interrupt controller.
    pub external: bool,
}

/// Where a PLIC is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// Its registers.
    pub registers: Range,
    /// How many sources it has; they are numbered from 1 on.
    pub sources: u32,
    /// Which modes of each hart it delivers to; the last stands for the harts after it as well.
    pub contexts: &'static [Modes],
}

/// The modes of a hart that a PLIC delivers to. Each is a context; the contexts are numbered in the
/// order of the harts, a hart's machine mode before its supervisor mode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Modes {
    /// Machine mode.
    Machine,
    /// Supervisor mode.
    Supervisor,
    /// Machine mode, then supervisor mode.
    Both,
}

impl Modes {
    const fn count(self) -> usize {
        match self {
            Self::Machine | Self::Supervisor => 1,
            Self::Both => 2,
        }
    }

    /// The place of `mode` among them.
    const fn place(self, mode: Mode) -> Option<usize> {
        match (self, mode) {
            (Self::Machine | Self::Both, Mode::Machine) | (Self::Supervisor, Mode::Supervisor) => {
                Some(0)
            }
            (Self::Both, Mode::Supervisor) => Some(1),
            _ => None,
        }
    }
}

/// The context of a mode of a hart, by the `contexts` of [`Config`]; `None` where there is none.
#[must_use]
pub fn context(contexts: &[Modes], hart: usize, mode: Mode) -> Option<usize> {
    let last = contexts.len().checked_sub(1)?;
    let before: usize = contexts[..hart.min(last)].iter().map(|m| m.count()).sum();
    let rest = hart.saturating_sub(last) * contexts[last].count();
    Some(before + rest + contexts[hart.min(last)].place(mode)?)
}

/// A PLIC, as one mode of one hart sees it.
pub struct Plic<R, P> {
    registers: R,
    hart: P,
    sources: u32,
    /// The hart's context; without one no device's interrupt comes.
    context: Option<usize>,
}

impl<R: Registers, P: LocalInterrupts> Plic<R, P> {
    /// The PLIC behind these registers, for the hart that this runs on.
    pub fn with_registers(registers: R, hart: P, sources: u32, contexts: &[Modes]) -> Self {
        let context = context(contexts, hart.id(), hart.mode());
        Self {
            registers,
            hart,
            sources: sources.min(MOST_SOURCES),
            context,
        }
    }

    /// The register and the bit that let `source` through.
    fn enable_bit(context: usize, source: u32) -> (usize, u32) {
        let word = ENABLE + ENABLE_STRIDE * context + 4 * (source / 32) as usize;
        (word, 1 << (source % 32))
    }

    fn is_source(&self, number: u32) -> bool {
        (1..=self.sources).contains(&number)
    }

    fn let_through(&self, number: u32, on: bool) {
        if let Some(context) = self.context.filter(|_| self.is_source(number)) {
            let (word, bit) = Self::enable_bit(context, number);
            let before = self.registers.read32(word);
            let after = if on { before | bit } else { before & !bit };
            self.registers.write32(word, after);
        }
    }

    fn claim_register(context: usize) -> usize {
        CLAIM + CONTEXT_STRIDE * context
    }
}

impl<P: LocalInterrupts> Driver for Plic<Mmio, P> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        // SAFETY: the caller promises that the PLIC is there and nobody else's.
        let registers = unsafe { Mmio::new(config.registers) };
        Self::with_registers(registers, P::default(), config.sources, config.contexts)
    }
}

impl<R: Registers, P: LocalInterrupts> InterruptController for Plic<R, P> {
    fn initialize(&mut self) {
        self.hart.enable(Local::Timer, false);
        self.hart.enable(Local::External, false);
        let Some(context) = self.context else {
            return;
        };
        for source in 1..=self.sources {
            self.registers.write32(PRIORITY + 4 * source as usize, 0);
        }
        for first in (0..=self.sources).step_by(32) {
            let (word, _) = Self::enable_bit(context, first);
            self.registers.write32(word, 0);
        }
        self.registers
            .write32(THRESHOLD + CONTEXT_STRIDE * context, 0);
        self.hart.enable(Local::External, true);
    }

    fn enable(&mut self, interrupt: Interrupt) {
        if interrupt.number == TIMER.number {
            self.hart.enable(Local::Timer, true);
        } else if self.is_source(interrupt.number) {
            let priority = PRIORITY + 4 * interrupt.number as usize;
            self.registers.write32(priority, USUAL_PRIORITY);
            self.let_through(interrupt.number, true);
        }
    }

    fn disable(&mut self, number: u32) {
        if number == TIMER.number {
            self.hart.enable(Local::Timer, false);
        } else {
            self.let_through(number, false);
        }
    }

    #[inline]
    fn claim(&mut self) -> Option<u32> {
        let pending = self.hart.pending();
        if pending.timer {
            return Some(TIMER.number);
        }
        let context = self.context.filter(|_| pending.external)?;
        let source = self.registers.read32(Self::claim_register(context));
        (source != 0).then_some(source)
    }

    #[inline]
    fn complete(&mut self, number: u32) {
        if let Some(context) = self.context.filter(|_| number != TIMER.number) {
            self.registers
                .write32(Self::claim_register(context), number);
        }
    }
}

#[cfg(test)]
mod tests;
