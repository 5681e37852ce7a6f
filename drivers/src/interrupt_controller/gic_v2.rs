//! Arm's Generic Interrupt Controller, version 2.
//!
//! Registers and sequences: Arm IHI 0048B. Every interrupt stays in its reset group. A processor in
//! the secure state (or without security states) takes group 0 as IRQ; one in the non-secure state
//! sees only group 1. Both use the same writes.

use crate::address::{PhysicalAddress, Range};
use crate::board::Driver;
use crate::interrupt::{Interrupt, InterruptController, Message};
use crate::mmio::{Mmio, Registers};

use super::gic::{self, FIRST_SHARED, FIRST_SPECIAL};
use super::gic_v2m::GicV2m;

/// `GICD_ITARGETSR`: one byte per line, one bit per processor.
const ITARGETSR: usize = 0x800;

/// `GICC_CTLR`: enables interrupts for the processor.
const CPU_CTLR: usize = 0x00;
/// `GICC_PMR`: masks interrupts of this priority and lower.
const CPU_PMR: usize = 0x04;
/// `GICC_BPR`: the part of a priority that decides about preemption.
const CPU_BPR: usize = 0x08;
/// `GICC_IAR`: reading takes the pending interrupt of highest priority.
const CPU_IAR: usize = 0x0c;
/// `GICC_EOIR`: writing ends an interrupt.
const CPU_EOIR: usize = 0x10;

/// The interrupt number in `GICC_IAR`; the bits above hold the sender of a software interrupt.
const NUMBER: u32 = 0x3ff;

/// The addresses of a GICv2's registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The distributor (GICD).
    pub distributor: Range,
    /// The CPU interface (GICC).
    pub cpu_interface: Range,
    /// The GICv2m frame that receives messages; `None` if there is none.
    pub v2m: Option<Range>,
}

/// A GICv2 with the interface of one processor.
pub struct GicV2<R> {
    distributor: R,
    cpu_interface: R,
    v2m: Option<(R, PhysicalAddress)>,
    messages: Option<GicV2m>,
    lines: u32,
    /// The bit of this processor in `GICD_ITARGETSR`.
    processor: u8,
    /// The value of `GICC_IAR` for the claimed interrupt, which `GICC_EOIR` needs.
    taken: u32,
}

impl<R: Registers> GicV2<R> {
    /// Creates the driver for these registers; `v2m` includes the frame's address. It must be
    /// initialized by [`InterruptController::initialize`] before use.
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

    /// Returns the bit of this processor, from the target registers of its private lines.
    fn find_processor(&self) -> u8 {
        (0..FIRST_SHARED as usize)
            .map(|line| self.distributor.read8(ITARGETSR + line))
            .find(|&targets| targets != 0)
            // A distributor for one processor has no target registers, and ignores writes to them.
            .unwrap_or(1)
    }
}

impl Driver for GicV2<Mmio> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        // SAFETY: the caller guarantees that the distributor is present and not shared.
        let distributor = unsafe { Mmio::new(config.distributor) };
        // SAFETY: the same applies to the CPU interface.
        let cpu_interface = unsafe { Mmio::new(config.cpu_interface) };
        let v2m = config.v2m.map(|range| {
            // SAFETY: the same applies to the frame.
            let registers = unsafe { Mmio::new(range) };
            (registers, range.base)
        });
        Self::with_registers(distributor, cpu_interface, v2m)
    }
}

impl<R: Registers> InterruptController for GicV2<R> {
    /// True: a level-triggered interrupt is pending only while its line is asserted.
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
        // The sender of a software interrupt must be written back.
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
