//! The redistributor of one processor: its own interrupts, and its LPIs (Arm IHI 0069H, section
//! 12.10 and 12.11).

use crate::address::PhysicalAddress;
use crate::interrupt::Interrupt;
use crate::mmio::Registers;

use super::super::{gic, its};
use super::{Redistributors, WAIT_LIMIT};

/// `GICR_CTLR`
const CTLR: usize = 0x0000;
/// `GICR_TYPER`, 64 bits: whose redistributor this is.
const TYPER: usize = 0x0008;
/// `GICR_WAKER`: whether it sleeps.
const WAKER: usize = 0x0014;
/// `GICR_PROPBASER`, 64 bits: where the configuration of LPIs is.
const PROPBASER: usize = 0x0070;
/// `GICR_PENDBASER`, 64 bits: where their pending bits are.
const PENDBASER: usize = 0x0078;
/// The SGI frame, with the registers of the processor's own interrupts.
const SGI_FRAME: usize = 0x1_0000;

/// `GICR_CTLR`: LPIs are delivered.
const CTLR_ENABLE_LPIS: u32 = 1;
/// `GICR_CTLR`: a write has not reached everybody yet.
const CTLR_WRITE_PENDING: u32 = 1 << 3;
/// `GICR_TYPER`: the last one in the row.
const TYPER_LAST: u64 = 1 << 4;
/// `GICR_WAKER`: the processor is, or pretends to be, asleep.
const WAKER_PROCESSOR_SLEEP: u32 = 1 << 1;
/// `GICR_WAKER`: the redistributor is.
const WAKER_CHILDREN_ASLEEP: u32 = 1 << 2;

/// The row of redistributors, and which of them is the processor's.
pub(crate) struct Redistributor<R> {
    registers: R,
    layout: Redistributors,
    frame: usize,
}

impl<R: Registers> Redistributor<R> {
    pub(crate) const fn new(registers: R, layout: Redistributors) -> Self {
        Self {
            registers,
            layout,
            frame: 0,
        }
    }

    /// Finds the redistributor of the processor with `affinity`, wakes it and quietens the
    /// processor's own interrupts.
    pub(super) fn initialize(&mut self, affinity: u32) {
        self.frame = self.find(affinity).unwrap_or_else(|| {
            crate::error!(
                "no GIC redistributor belongs to the processor with affinity {affinity:#010x}"
            );
            0
        });
        self.wake();
        let sgi = self.frame + SGI_FRAME;
        gic::quieten(&self.registers, sgi, 0);
        self.registers.write32(sgi + gic::IGROUPR, u32::MAX);
        self.wait_for_write();
    }

    fn find(&self, affinity: u32) -> Option<usize> {
        for index in 0..self.layout.count {
            let frame = index as usize * self.layout.stride as usize;
            let kind = self.registers.read64(frame + TYPER);
            if (kind >> 32) as u32 == affinity {
                return Some(frame);
            }
            if kind & TYPER_LAST != 0 {
                break;
            }
        }
        None
    }

    fn wake(&self) {
        let waker = self.registers.read32(self.frame + WAKER);
        self.registers
            .write32(self.frame + WAKER, waker & !WAKER_PROCESSOR_SLEEP);
        for _ in 0..WAIT_LIMIT {
            if self.registers.read32(self.frame + WAKER) & WAKER_CHILDREN_ASLEEP == 0 {
                return;
            }
        }
        crate::error!("the GIC redistributor does not wake");
    }

    fn wait_for_write(&self) {
        for _ in 0..WAIT_LIMIT {
            if self.registers.read32(self.frame + CTLR) & CTLR_WRITE_PENDING == 0 {
                return;
            }
        }
        crate::error!("the GIC redistributor does not finish a write to its registers");
    }

    pub(super) fn enable(&mut self, interrupt: Interrupt) {
        let sgi = self.frame + SGI_FRAME;
        gic::configure(&self.registers, sgi, interrupt);
        gic::write_bit(&self.registers, sgi, gic::ISENABLER, interrupt.number);
    }

    pub(super) fn disable(&mut self, number: u32) {
        let sgi = self.frame + SGI_FRAME;
        gic::write_bit(&self.registers, sgi, gic::ICENABLER, number);
        self.wait_for_write();
    }

    /// Hands over the LPI tables and switches LPIs on.
    pub(crate) fn enable_lpis(&self, configuration: u64, pending: u64) -> Result<(), its::Error> {
        let control = self.registers.read32(self.frame + CTLR) & !CTLR_ENABLE_LPIS;
        self.registers.write32(self.frame + CTLR, control);
        self.wait_for_write();
        // once on, they may be on for good
        if self.registers.read32(self.frame + CTLR) & CTLR_ENABLE_LPIS != 0 {
            return Err(its::Error::LpisTaken);
        }
        self.registers
            .write64(self.frame + PROPBASER, configuration);
        self.registers.write64(self.frame + PENDBASER, pending);
        its::coherent(self.registers.read64(self.frame + PROPBASER))?;
        self.registers
            .write32(self.frame + CTLR, control | CTLR_ENABLE_LPIS);
        Ok(())
    }

    /// The processor's number in `GICR_TYPER`, by which a translation service may name it.
    pub(crate) fn processor_number(&self) -> u64 {
        (self.registers.read64(self.frame + TYPER) >> 8) & 0xffff
    }

    /// The redistributor's address, by which it may name it instead.
    pub(crate) fn address(&self) -> PhysicalAddress {
        PhysicalAddress(self.layout.base.0.wrapping_add(self.frame as u64))
    }
}
