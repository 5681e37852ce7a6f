//! The platform-level interrupt controller (PLIC) of RISC-V machines.
//!
//! Registers and sequences: RISC-V Platform-Level Interrupt Controller Specification 1.0. It
//! delivers the interrupts of devices to harts. The timer's interrupt is local to the hart and
//! bypasses the PLIC; this driver handles both.

use crate::address::Range;
use crate::board::Driver;
use crate::interrupt::{Interrupt, InterruptController};
use crate::mmio::{Mmio, Registers};
use crate::riscv::{Local, LocalInterrupts, Mode, TIMER};

pub mod several;

/// The priority of source n, 4 bytes each; 0 disables it (chapter 4).
const PRIORITY: usize = 0x00_0000;
/// One bit per source: enabled for a context (chapter 6).
const ENABLE: usize = 0x00_2000;
/// The distance between the enable bits of contexts, in bytes.
const ENABLE_STRIDE: usize = 0x80;
/// Masks sources of this priority and lower for a context (chapter 7).
const THRESHOLD: usize = 0x20_0000;
/// Reading claims the pending source of highest priority; writing completes it (chapters 8 and 9).
const CLAIM: usize = 0x20_0004;
/// The distance between the threshold registers of contexts, in bytes.
const CONTEXT_STRIDE: usize = 0x1000;

/// The priority of every enabled source; all are equal.
const USUAL_PRIORITY: u32 = 1;

/// The largest number of sources, without source 0, which stands for none.
pub const MOST_SOURCES: u32 = 1023;

/// The registers of the PLIC, the wiring of its contexts, and its number of sources.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The registers of the PLIC.
    pub registers: Range,
    /// The number of sources, which are numbered from 1.
    pub sources: u32,
    /// The privilege modes of each hart that the PLIC delivers to. The last entry also applies to
    /// all further harts.
    pub contexts: &'static [Modes],
}

/// The privilege modes of a hart that a PLIC delivers to. Each mode is a context. Contexts are
/// numbered in the order of the harts, machine mode before supervisor mode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Modes {
    /// The PLIC delivers to machine mode.
    Machine,
    /// The PLIC delivers to supervisor mode.
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

    /// Returns the position of `mode` among the contexts of a hart; `None` if the hart has no
    /// context for it.
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

/// Returns the context number of a hart's mode, given the `contexts` of [`Config`]; `None` if it
/// has none.
#[must_use]
pub fn context(contexts: &[Modes], hart: usize, mode: Mode) -> Option<usize> {
    let last = contexts.len().checked_sub(1)?;
    let before: usize = contexts[..hart.min(last)].iter().map(|m| m.count()).sum();
    let rest = hart.saturating_sub(last) * contexts[last].count();
    Some(before + rest + contexts[hart.min(last)].place(mode)?)
}

/// The driver for one context of a PLIC.
pub struct Plic<R, P> {
    registers: R,
    hart: P,
    sources: u32,
    /// The hart's context; `None` means that the hart receives no device interrupts.
    context: Option<usize>,
}

impl<R: Registers, P: LocalInterrupts> Plic<R, P> {
    /// Creates the driver with these registers, for the current hart.
    pub fn with_registers(registers: R, hart: P, sources: u32, contexts: &[Modes]) -> Self {
        let context = context(contexts, hart.id(), hart.mode());
        Self {
            registers,
            hart,
            sources: sources.min(MOST_SOURCES),
            context,
        }
    }

    /// Returns the register and the bit that enable `source`.
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

    /// Disables all sources, and unmasks all priorities of `context`.
    fn reset_context(&mut self, context: usize) {
        for source in 1..=self.sources {
            self.registers.write32(PRIORITY + 4 * source as usize, 0);
        }
        for first in (0..=self.sources).step_by(32) {
            let (word, _) = Self::enable_bit(context, first);
            self.registers.write32(word, 0);
        }
        self.registers
            .write32(THRESHOLD + CONTEXT_STRIDE * context, 0);
    }

    /// Gives a source a priority, and enables it for the context.
    fn enable_for_context(&mut self, source: u32) {
        if self.is_source(source) {
            let priority = PRIORITY + 4 * source as usize;
            self.registers.write32(priority, USUAL_PRIORITY);
            self.let_through(source, true);
        }
    }

    /// Claims the pending source of highest priority, if there is one.
    #[inline]
    fn claim_for_context(&mut self, context: usize) -> Option<u32> {
        let source = self.registers.read32(Self::claim_register(context));
        (source != 0).then_some(source)
    }
}

impl<P: LocalInterrupts> Driver for Plic<Mmio, P> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        // SAFETY: the caller guarantees that the PLIC is present and not shared.
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
        self.reset_context(context);
        self.hart.enable(Local::External, true);
    }

    fn enable(&mut self, interrupt: Interrupt) {
        if interrupt.number == TIMER.number {
            self.hart.enable(Local::Timer, true);
        } else {
            self.enable_for_context(interrupt.number);
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
        self.claim_for_context(context)
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
