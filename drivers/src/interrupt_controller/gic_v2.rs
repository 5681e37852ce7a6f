//! Arm's Generic Interrupt Controller, version 2.
//!
//! Registers and sequences: Arm IHI 0048B. Every interrupt stays in the group that the reset gave
//! it: a processor in the secure state (or without one) takes group 0 as IRQ, one in the
//! non-secure state sees group 1 only, and both do so with the same writes.

use crate::address::{PhysicalAddress, Range};
use crate::board::Driver;
use crate::interrupt::{Interrupt, InterruptController, Message};
use crate::mmio::{Mmio, Registers};

use super::gic::{self, FIRST_SHARED, FIRST_SPECIAL};
use super::gic_v2m::GicV2m;

/// `GICD_ITARGETSR`: one byte a line, one bit a processor.
const ITARGETSR: usize = 0x800;

/// `GICC_CTLR`: whether the processor is signalled.
const CPU_CTLR: usize = 0x00;
/// `GICC_PMR`: interrupts of this priority and less urgent ones are held back.
const CPU_PMR: usize = 0x04;
/// `GICC_BPR`: how much of a priority decides about preemption.
const CPU_BPR: usize = 0x08;
/// `GICC_IAR`: reading takes the most urgent pending interrupt.
const CPU_IAR: usize = 0x0c;
/// `GICC_EOIR`: writing ends it.
const CPU_EOIR: usize = 0x10;

/// The number in what `GICC_IAR` reads; above it stands who sent a software interrupt.
const NUMBER: u32 = 0x3ff;

/// Where a GICv2 is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The distributor (GICD).
    pub distributor: Range,
    /// The processor's interface (GICC).
    pub cpu_interface: Range,
    /// The GICv2m frame that delivers messages, where there is one.
    pub v2m: Option<Range>,
}

/// A GICv2 with the interface of one processor.
pub struct GicV2<R> {
    distributor: R,
    cpu_interface: R,
    v2m: Option<(R, PhysicalAddress)>,
    messages: Option<GicV2m>,
    lines: u32,
    /// This processor in `GICD_ITARGETSR`.
    processor: u8,
    /// What was read when the interrupt now being served was taken, as `GICC_EOIR` wants it back.
    taken: u32,
}

impl<R: Registers> GicV2<R> {
    /// The controller behind these registers; `v2m` comes with its address. It is not used before
    /// [`InterruptController::initialize`].
    pub const fn with_registers(
        distributor: R,
        cpu_interface: R,
        v2m: Option<(R, PhysicalAddress)>,
    ) -> Self {
        Self {
            distributor,
            cpu_interface,
            v2m,
            messages: None,
            lines: 0,
            processor: 0,
            taken: NUMBER,
        }
    }

    /// The mask that stands for this processor: the registers of its own lines read as it.
    fn find_processor(&self) -> u8 {
        (0..FIRST_SHARED as usize)
            .map(|line| self.distributor.read8(ITARGETSR + line))
            .find(|&targets| targets != 0)
            // a distributor with one processor has no targets, and ignores what is written
            .unwrap_or(1)
    }
}

impl Driver for GicV2<Mmio> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        // SAFETY: the caller promises that the distributor is there and nobody else's.
        let distributor = unsafe { Mmio::new(config.distributor) };
        // SAFETY: and so for the processor's interface.
        let cpu_interface = unsafe { Mmio::new(config.cpu_interface) };
        let v2m = config.v2m.map(|range| {
            // SAFETY: and so for the frame.
            let registers = unsafe { Mmio::new(range) };
            (registers, range.base)
        });
        Self::with_registers(distributor, cpu_interface, v2m)
    }
}

impl<R: Registers> InterruptController for GicV2<R> {
    /// A level-sensitive interrupt is pending while its line is asserted.
    const PENDING_FOLLOWS_LINE: bool = true;

    fn initialize(&mut self) {
        self.cpu_interface.write32(CPU_CTLR, 0);
        self.distributor.write32(gic::CTLR, 0);
        self.lines = gic::lines(&self.distributor);
        for word in 0..self.lines.div_ceil(32) as usize {
            gic::quieten(&self.distributor, 0, word);
        }
        self.processor = self.find_processor();
        self.distributor.write32(gic::CTLR, 1);
        self.cpu_interface.write32(CPU_PMR, 0xff);
        self.cpu_interface.write32(CPU_BPR, 0);
        self.cpu_interface.write32(CPU_CTLR, 1);
        let lines = self.lines;
        self.messages = self
            .v2m
            .as_ref()
            .map(|(registers, base)| GicV2m::new(registers, *base, lines));
    }

    fn enable(&mut self, interrupt: Interrupt) {
        if interrupt.number >= self.lines {
            crate::warn!("the GIC has no interrupt {}", interrupt.number);
            return;
        }
        gic::configure(&self.distributor, 0, interrupt);
        if interrupt.number >= FIRST_SHARED {
            self.distributor
                .write8(ITARGETSR + interrupt.number as usize, self.processor);
        }
        gic::write_bit(&self.distributor, 0, gic::ISENABLER, interrupt.number);
    }

    fn disable(&mut self, number: u32) {
        if number < self.lines {
            gic::write_bit(&self.distributor, 0, gic::ICENABLER, number);
        }
    }

    #[inline]
    fn claim(&mut self) -> Option<u32> {
        let taken = self.cpu_interface.read32(CPU_IAR);
        let number = taken & NUMBER;
        if number >= FIRST_SPECIAL {
            return None;
        }
        self.taken = taken;
        Some(number)
    }

    #[inline]
    fn complete(&mut self, number: u32) {
        // the sender of a software interrupt has to be named again
        let ended = if self.taken & NUMBER == number {
            self.taken
        } else {
            number
        };
        self.cpu_interface.write32(CPU_EOIR, ended);
    }

    fn allocate_message(&mut self, _requester: u16, _vector: u16) -> Option<Message> {
        let (message, interrupt) = self.messages.as_mut()?.allocate()?;
        self.enable(interrupt);
        Some(message)
    }
}

#[cfg(test)]
mod tests;
