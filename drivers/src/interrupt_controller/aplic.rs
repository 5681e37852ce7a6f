//! The advanced platform-level interrupt controller (APLIC) of RISC-V machines, with direct
//! delivery.
//!
//! Registers and sequences: The RISC-V Advanced Interrupt Architecture 1.0, chapter 4. An APLIC
//! consists of domains, each with registers of its own: one for M mode, and usually one below it
//! for S mode. The driver uses the domain of the kernel's privilege mode. The timer's interrupt is
//! local to the hart and bypasses the APLIC; this driver handles both.

use crate::address::{PhysicalAddress, Range};
use crate::board::Driver;
use crate::interrupt::{Interrupt, InterruptController, Trigger};
use crate::mmio::{Mmio, Registers};
use crate::riscv::{Local, LocalInterrupts, Mode, TIMER};

pub mod several;

/// The domain's mode of delivery (4.5.1).
const DOMAINCFG: usize = 0x0000;
/// In `domaincfg`: the domain delivers interrupts.
const ENABLED: u32 = 1 << 8;
/// In `domaincfg`: the domain delivers interrupts as messages. Not every domain can be switched.
const MESSAGES: u32 = 1 << 2;
/// How source n signals an interrupt, 4 bytes each, from source 1 on (4.5.2).
const SOURCECFG: usize = 0x0004;
/// In the domain for M mode: where the interrupt files of this mode are, in pages of 4 KiB, and how
/// the number of a hart becomes a part of the address (4.5.3).
const MMSIADDRCFG: usize = 0x1bc0;
const MMSIADDRCFGH: usize = 0x1bc4;
/// Clears the pending bit of sources, a bit each; reads as the state of their lines (4.5.7).
const CLRIP: usize = 0x1d00;
/// Enables the source with the written number (4.5.10).
const SETIENUM: usize = 0x1edc;
/// Disables sources, a bit each (4.5.11).
const CLRIE: usize = 0x1f00;
/// Disables the source with the written number (4.5.12).
const CLRIENUM: usize = 0x1fdc;
/// Sets the pending bit of the source with the written number (4.5.13).
const SETIPNUM_LE: usize = 0x2000;
/// Where source n is delivered, 4 bytes each, from source 1 on (4.5.16).
const TARGET: usize = 0x3004;
/// The position of the hart's index in a target.
const HART: u32 = 18;
/// The registers of the direct delivery to a hart (4.8.1), and their size for each hart.
const DELIVERY: usize = 0x4000;
const DELIVERY_SIZE: usize = 0x20;
/// Direct delivery: whether interrupts are delivered to the hart.
const IDELIVERY: usize = 0x00;
/// Direct delivery: forces a spurious interrupt, for tests.
const IFORCE: usize = 0x04;
/// Direct delivery: the priority from which on interrupts are masked; 0 masks none.
const ITHRESHOLD: usize = 0x08;
/// Direct delivery: the source that would be claimed, in the form of [`CLAIMI`].
const TOPI: usize = 0x18;
/// Direct delivery: reading claims the pending source of highest priority; its number is in the
/// bits from 16 on.
const CLAIMI: usize = 0x1c;

/// The priority of every source; all are equal. 1 is the highest.
const USUAL_PRIORITY: u32 = 1;

/// The largest number of sources.
pub const MOST_SOURCES: u32 = 1023;

/// The domains of an APLIC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The registers of the domain for M mode, if the kernel may run in it.
    pub machine: Option<Range>,
    /// The registers of the domain for S mode, if the kernel may run in it.
    pub supervisor: Option<Range>,
    /// The number of sources, which are numbered from 1.
    pub sources: u32,
}

impl Config {
    /// Returns the registers of the domain for a mode, if they contain those of the delivery to
    /// `hart`.
    #[must_use]
    pub const fn domain(&self, mode: Mode, hart: usize) -> Option<Range> {
        let domain = match mode {
            Mode::Machine => self.machine,
            Mode::Supervisor => self.supervisor,
        };
        match domain {
            Some(range) if delivery(hart.saturating_add(1)) as u64 <= range.size => Some(range),
            _ => None,
        }
    }
}

/// Returns where the registers of the delivery to a hart are.
const fn delivery(hart: usize) -> usize {
    hart.saturating_mul(DELIVERY_SIZE).saturating_add(DELIVERY)
}

/// A domain of an APLIC.
pub(super) struct Domain<R> {
    registers: R,
    sources: u32,
}

impl<R: Registers> Domain<R> {
    /// Creates the domain with these registers.
    pub(super) fn new(registers: R, sources: u32) -> Self {
        let sources = sources.min(MOST_SOURCES);
        Self { registers, sources }
    }

    /// Returns whether `number` is one of the sources.
    pub(super) fn is_source(&self, number: u32) -> bool {
        (1..=self.sources).contains(&number)
    }

    /// Stops all deliveries, and makes all sources inactive. This takes them back from any domain
    /// below.
    pub(super) fn quieten(&self) {
        self.registers.write32(DOMAINCFG, 0);
        for word in 0..=(self.sources / 32) as usize {
            self.registers.write32(CLRIE + 4 * word, u32::MAX);
            self.registers.write32(CLRIP + 4 * word, u32::MAX);
        }
        for source in 0..self.sources as usize {
            self.registers.write32(SOURCECFG + 4 * source, 0);
        }
    }

    /// Starts to deliver, as messages or directly. Returns whether the domain can do that.
    pub(super) fn deliver(&self, messages: bool) -> bool {
        let mode = if messages { MESSAGES } else { 0 };
        self.registers.write32(DOMAINCFG, ENABLED | mode);
        self.registers.read32(DOMAINCFG) & (ENABLED | MESSAGES) == ENABLED | mode
    }

    /// Sets the addresses to which messages for M mode are sent: the file of hart 0 is at `first`,
    /// and those of the other harts follow at a distance of `stride` bytes. `hart` is the largest
    /// number of a hart.
    pub(super) fn address(&self, first: PhysicalAddress, stride: u64, hart: usize) {
        let page = first.0 >> 12;
        let width = usize::BITS - hart.leading_zeros();
        let shift = stride.trailing_zeros().saturating_sub(12);
        let high = (page >> 32) as u32 & 0xfff | width << 12 | shift << 20;
        self.registers.write32(MMSIADDRCFG, page as u32);
        self.registers.write32(MMSIADDRCFGH, high);
    }

    /// Makes a level-triggered source send another message if its line is still asserted. QEMU
    /// before 10 sends one in any case if asked to, so the line is read first.
    pub(super) fn send_again(&self, number: u32) {
        let lines = self.registers.read32(CLRIP + 4 * (number / 32) as usize);
        if lines & 1 << (number % 32) != 0 {
            self.registers.write32(SETIPNUM_LE, number);
        }
    }

    /// Enables the delivery of a source to the hart with the index `hart`. The rest of `target`
    /// depends on the mode of delivery.
    pub(super) fn enable(&self, interrupt: Interrupt, hart: usize, target: u32) {
        let mode = match interrupt.trigger {
            Trigger::Edge => 4,
            Trigger::EdgeFalling => 5,
            Trigger::Level => 6,
            Trigger::LevelLow => 7,
        };
        let place = 4 * (interrupt.number - 1) as usize;
        self.registers.write32(SOURCECFG + place, mode);
        if self.registers.read32(SOURCECFG + place) != mode {
            crate::warn!("the APLIC's domain has no source {}", interrupt.number);
        }
        // An inactive source has no target, and loses the one that it had.
        let target = (hart as u32) << HART | target;
        self.registers.write32(TARGET + place, target);
        self.registers.write32(SETIENUM, interrupt.number);
    }

    /// Disables a source.
    pub(super) fn disable(&self, number: u32) {
        self.registers.write32(CLRIENUM, number);
    }
}

/// An APLIC that delivers directly to one hart.
pub struct Aplic<R, P> {
    /// The domain of the hart's mode; `None` means that the hart receives no device interrupts.
    domain: Option<Domain<R>>,
    hart: P,
    /// The index of the hart in the domain: its number, if the domain delivers to all harts.
    index: usize,
    /// The registers of the delivery to the hart.
    delivery: usize,
    /// Whether a source is edge-triggered. Such a source must be claimed before its device is
    /// served, because the claim clears its pending bit.
    has_edges: bool,
}

impl<R: Registers, P: LocalInterrupts> Aplic<R, P> {
    /// Creates the driver for the current hart, with the registers of the domain of its mode.
    pub fn with_registers(registers: Option<R>, hart: P, sources: u32) -> Self {
        let index = hart.id();
        Self::for_index(registers, hart, index, sources)
    }

    /// Creates the driver for the hart with this index in the domain.
    fn for_index(registers: Option<R>, hart: P, index: usize, sources: u32) -> Self {
        Self {
            domain: registers.map(|registers| Domain::new(registers, sources)),
            hart,
            index,
            delivery: delivery(index),
            has_edges: false,
        }
    }

    /// Makes all sources inactive, and starts the delivery to the hart.
    fn reset(&self) {
        let Some(domain) = &self.domain else {
            return;
        };
        domain.quieten();
        let registers = &domain.registers;
        registers.write32(self.delivery + IFORCE, 0);
        registers.write32(self.delivery + ITHRESHOLD, 0);
        registers.write32(self.delivery + IDELIVERY, 1);
        if !domain.deliver(false) {
            crate::warn!("the APLIC delivers only messages: the board needs the driver `imsic`");
        }
    }

    /// Returns the domain, if `number` is one of its sources.
    fn source(&self, number: u32) -> Option<&Domain<R>> {
        self.domain.as_ref().filter(|one| one.is_source(number))
    }

    /// Enables a source.
    fn activate(&mut self, interrupt: Interrupt) {
        if let Some(domain) = self.source(interrupt.number) {
            domain.enable(interrupt, self.index, USUAL_PRIORITY);
            self.has_edges |= matches!(interrupt.trigger, Trigger::Edge | Trigger::EdgeFalling);
        }
    }

    /// Disables a source.
    fn deactivate(&self, number: u32) {
        if let Some(domain) = self.source(number) {
            domain.disable(number);
        }
    }

    /// Returns the pending source of highest priority. It is claimed by [`conclude`](Self::conclude)
    /// unless there are edge-triggered sources.
    #[inline]
    fn next(&self) -> Option<u32> {
        let domain = self.domain.as_ref()?;
        let register = if self.has_edges { CLAIMI } else { TOPI };
        let number = domain.registers.read32(self.delivery + register) >> 16;
        domain.is_source(number).then_some(number)
    }

    /// Claims a source whose device was served, unless [`next`](Self::next) has claimed it. If another
    /// source is claimed here, its line is still asserted, so it stays pending.
    #[inline]
    fn conclude(&self) {
        if let Some(domain) = &self.domain
            && !self.has_edges
        {
            domain.registers.read32(self.delivery + CLAIMI);
        }
    }
}

impl<P: LocalInterrupts> Driver for Aplic<Mmio, P> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        let hart = P::default();
        // SAFETY: the caller guarantees that the APLIC is present and not shared.
        let open = |range| unsafe { Mmio::new(range) };
        let registers = config.domain(hart.mode(), hart.id()).map(open);
        Self::with_registers(registers, hart, config.sources)
    }
}

impl<R: Registers, P: LocalInterrupts> InterruptController for Aplic<R, P> {
    fn initialize(&mut self) {
        self.hart.enable(Local::Timer, false);
        self.hart.enable(Local::External, false);
        if self.domain.is_none() {
            return;
        }
        self.reset();
        self.hart.enable(Local::External, true);
    }

    fn has(&self, number: u32) -> bool {
        let mut domain = self.domain.iter();
        number == TIMER.number || domain.any(|domain| domain.is_source(number))
    }

    fn enable(&mut self, interrupt: Interrupt) {
        if interrupt.number == TIMER.number {
            self.hart.enable(Local::Timer, true);
        } else {
            self.activate(interrupt);
        }
    }

    fn disable(&mut self, number: u32) {
        if number == TIMER.number {
            self.hart.enable(Local::Timer, false);
        } else {
            self.deactivate(number);
        }
    }

    /// A level-triggered source is claimed by [`complete`](InterruptController::complete), after its
    /// device was served. QEMU before 11 sets the pending bit again if the line is still asserted
    /// when the source is claimed, and does not clear it when the line is deasserted, so an earlier
    /// claim would be followed by a second interrupt without a cause.
    #[inline]
    fn claim(&mut self) -> Option<u32> {
        let pending = self.hart.pending();
        if pending.timer {
            return Some(TIMER.number);
        }
        if !pending.external {
            return None;
        }
        self.next()
    }

    #[inline]
    fn complete(&mut self, number: u32) {
        if number != TIMER.number {
            self.conclude();
        }
    }
}

#[cfg(test)]
mod tests;
