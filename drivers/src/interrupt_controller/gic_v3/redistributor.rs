//! The redistributor of one processor: its private interrupts and its LPIs (Arm IHI 0069H, sections
//! 12.10 and 12.11).

use crate::address::PhysicalAddress;
use crate::interrupt::Interrupt;
use crate::mmio::Registers;

use super::super::{gic, its};
use super::{Redistributors, WAIT_LIMIT};

/// `GICR_CTLR`: the control register.
const CTLR: usize = 0x0000;
/// `GICR_TYPER`, 64 bits: the processor of this redistributor.
const TYPER: usize = 0x0008;
/// `GICR_WAKER`: the sleep state.
const WAKER: usize = 0x0014;
/// `GICR_PROPBASER`, 64 bits: the address of the LPI configuration table.
const PROPBASER: usize = 0x0070;
/// `GICR_PENDBASER`, 64 bits: the address of the LPI pending table.
const PENDBASER: usize = 0x0078;
/// The offset of the SGI frame, with the registers of the private interrupts.
const SGI_FRAME: usize = 0x1_0000;

/// `GICR_CTLR`: enables LPIs.
const CTLR_ENABLE_LPIS: u32 = 1;
/// `GICR_CTLR`: a register write is still pending.
const CTLR_WRITE_PENDING: u32 = 1 << 3;
/// `GICR_TYPER`: this is the last redistributor.
const TYPER_LAST: u64 = 1 << 4;
/// `GICR_WAKER`: the processor is marked as asleep.
const WAKER_PROCESSOR_SLEEP: u32 = 1 << 1;
/// `GICR_WAKER`: the redistributor is asleep.
const WAKER_CHILDREN_ASLEEP: u32 = 1 << 2;

/// All redistributors, and the index of the one that belongs to this processor.
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

    /// Finds the redistributor of the processor with `affinity`, wakes it, and disables the
    /// processor's private interrupts.
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

    /// Sets the addresses of the LPI tables and enables LPIs.
    pub(crate) fn enable_lpis(&self, configuration: u64, pending: u64) -> Result<(), its::Error> {
        let control = self.registers.read32(self.frame + CTLR) & !CTLR_ENABLE_LPIS;
        self.registers.write32(self.frame + CTLR, control);
        self.wait_for_write();
        // Once enabled, LPIs may stay enabled until reset.
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

    /// Returns the processor number in `GICR_TYPER`, by which an ITS may address the redistributor.
    pub(crate) fn processor_number(&self) -> u64 {
        (self.registers.read64(self.frame + TYPER) >> 8) & 0xffff
    }

    /// Returns the redistributor's address, by which an ITS may address it instead.
    pub(crate) fn address(&self) -> PhysicalAddress {
        PhysicalAddress(self.layout.base.0.wrapping_add(self.frame as u64))
    }
}
