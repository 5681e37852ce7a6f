//! Arm's Generic Interrupt Controller, version 3 (and version 4, which includes it).
//!
//! Registers and sequences: Arm IHI 0069H. Every interrupt is in group 1, because group 0 is
//! delivered as FIQ. The CPU interface is accessed through system registers.

use crate::address::{PhysicalAddress, Range};
use crate::board::Driver;
use crate::interrupt::{Interrupt, InterruptController, Message};
use crate::mmio::{Mmio, Registers};

use super::gic::{self, FIRST_SHARED, FIRST_SPECIAL};
use super::gic_v2m::GicV2m;
use super::its::{FIRST_LPI, Its};

mod redistributor;

pub(super) use redistributor::Redistributor;

/// `GICD_CTLR`: forwards group 1.
const CTLR_GROUP_1: u32 = 1 << 1;
/// `GICD_CTLR`: enables affinity routing.
const CTLR_AFFINITY: u32 = 1 << 4;
/// `GICD_CTLR`: disables security, so that there is one security state. It is read-only in the
/// non-secure state.
const CTLR_ONE_SECURITY_STATE: u32 = 1 << 6;
/// `GICD_CTLR`: a register write is still pending.
const CTLR_WRITE_PENDING: u32 = 1 << 31;
/// `GICD_IROUTER`: 64 bits per line, the affinity of the target processor.
const IROUTER: usize = 0x6000;

/// The number of polls after which an operation of the controller counts as failed.
pub(super) const WAIT_LIMIT: usize = 1_000_000;

/// The system registers of the CPU interface, and the other processor operations that the
/// controller needs (Arm IHI 0069H, section 12.2).
pub trait CpuInterface: Default {
    /// Returns the affinity in `MPIDR`, in the controller's format: Aff3, Aff2, Aff1, Aff0 from the
    /// most significant byte down.
    fn affinity(&self) -> u32;
    /// Sets `ICC_SRE.SRE`, and waits until the other system registers are accessible.
    fn enable_system_registers(&mut self);
    /// Writes `ICC_PMR`: masks interrupts of this priority and lower.
    fn set_priority_mask(&mut self, priority: u8);
    /// Writes `ICC_BPR1`: the part of a priority that decides about preemption.
    fn set_binary_point(&mut self, point: u8);
    /// Writes `ICC_CTLR`: with 0, a write to `ICC_EOIR1` both drops the priority and deactivates.
    fn set_control(&mut self, control: u32);
    /// Writes `ICC_IGRPEN1`: bit 0 enables group 1. Waits until this takes effect.
    fn set_group_1_enable(&mut self, enable: u32);
    /// Reads `ICC_IAR1`: takes the pending interrupt of highest priority. Later memory accesses are
    /// ordered after it.
    fn acknowledge(&mut self) -> u32;
    /// Writes `ICC_EOIR1`: ends an interrupt.
    fn end_of_interrupt(&mut self, number: u32);
    /// Makes all earlier memory writes visible to the controller (`dsb`).
    fn complete_writes(&self);
}

/// The redistributors, consecutive in memory, one per processor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Redistributors {
    /// The address of the first frame (GICR) of the first redistributor.
    pub base: PhysicalAddress,
    /// The distance between redistributors, in bytes.
    pub stride: u64,
    /// The largest number of redistributors.
    pub count: u32,
}

/// The addresses of a GICv3's registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The distributor (GICD).
    pub distributor: Range,
    /// The redistributors (GICR).
    pub redistributors: Redistributors,
    /// The interrupt translation service (GITS) that receives messages; `None` if there is none.
    pub its: Option<Range>,
    /// The GICv2m frame that receives messages instead; `None` if there is none.
    pub v2m: Option<Range>,
}

/// A GICv3 with the interface of one processor.
pub struct GicV3<R, P> {
    distributor: R,
    redistributor: Redistributor<R>,
    its: Option<Its<R>>,
    frame: Option<(R, PhysicalAddress)>,
    messages: Option<GicV2m>,
    processor: P,
    lines: u32,
}

impl<R: Registers, P: CpuInterface> GicV3<R, P> {
    /// Creates the driver for these registers. `redistributors` covers all of them, and `its`
    /// includes its address. It must be initialized by [`InterruptController::initialize`] before
    /// use.
    pub fn with_registers(
        distributor: R,
        redistributors: R,
        layout: Redistributors,
        its: Option<(R, PhysicalAddress)>,
        processor: P,
    ) -> Self {
        Self {
            distributor,
            redistributor: Redistributor::new(redistributors, layout),
            its: its.map(|(registers, base)| Its::new(registers, base)),
            frame: None,
            messages: None,
            processor,
            lines: 0,
        }
    }

    /// Makes a GICv2m frame with these registers at this address receive messages, if there is one.
    #[must_use]
    pub fn with_frame(self, frame: Option<(R, PhysicalAddress)>) -> Self {
        Self { frame, ..self }
    }

    fn write_control(&self, control: u32) {
        self.distributor.write32(gic::CTLR, control);
        self.wait_for_distributor();
    }

    fn wait_for_distributor(&self) {
        for _ in 0..WAIT_LIMIT {
            if self.distributor.read32(gic::CTLR) & CTLR_WRITE_PENDING == 0 {
                return;
            }
        }
        crate::error!("the GIC distributor does not finish a write to its registers");
    }
}

impl<P: CpuInterface> Driver for GicV3<Mmio, P> {
    type Config = Config;

    unsafe fn new(config: &Config) -> Self {
        let layout = config.redistributors;
        let redistributors = Range {
            base: layout.base,
            size: layout.stride.saturating_mul(layout.count.into()),
        };
        // SAFETY: the caller guarantees that the distributor is present and not shared.
        let distributor = unsafe { Mmio::new(config.distributor) };
        // SAFETY: the same applies to the redistributors.
        let redistributors = unsafe { Mmio::new(redistributors) };
        let receiver = |range: Range| {
            // SAFETY: the same applies to the translation service, and to the frame.
            let registers = unsafe { Mmio::new(range) };
            (registers, range.base)
        };
        let its = config.its.map(receiver);
        Self::with_registers(distributor, redistributors, layout, its, P::default())
            .with_frame(config.v2m.map(receiver))
    }
}

impl<R: Registers, P: CpuInterface> InterruptController for GicV3<R, P> {
    /// True: a level-triggered interrupt is pending only while its line is asserted.
    const PENDING_FOLLOWS_LINE: bool = true;

    fn initialize(&mut self) {
        // The groups must be disabled while the security states and the routing change.
        self.write_control(0);
        self.write_control(CTLR_ONE_SECURITY_STATE);
        self.lines = gic::lines(&self.distributor);
        for word in 1..self.lines.div_ceil(32) as usize {
            gic::quieten(&self.distributor, 0, word);
            self.distributor.write32(gic::IGROUPR + 4 * word, u32::MAX);
        }
        self.write_control(CTLR_ONE_SECURITY_STATE | CTLR_AFFINITY | CTLR_GROUP_1);

        let (frame, lines) = (self.frame.as_ref(), self.lines);
        self.messages = frame.map(|(registers, base)| GicV2m::new(registers, *base, lines));

        self.processor.enable_system_registers();
        self.redistributor.initialize(self.processor.affinity());
        self.processor.set_priority_mask(0xff);
        self.processor.set_binary_point(0);
        self.processor.set_control(0);
        self.processor.set_group_1_enable(1);
    }

    fn enable(&mut self, interrupt: Interrupt) {
        let number = interrupt.number;
        if number < FIRST_SHARED {
            self.redistributor.enable(interrupt);
        } else if number < self.lines {
            gic::configure(&self.distributor, 0, interrupt);
            let affinity = u64::from(self.processor.affinity());
            // Aff3 is at bit 32, separate from the other three.
            let route = (affinity & 0xff00_0000) << 8 | affinity & 0x00ff_ffff;
            self.distributor
                .write64(IROUTER + 8 * number as usize, route);
            gic::write_bit(&self.distributor, 0, gic::ISENABLER, number);
        } else if number >= FIRST_LPI
            && let Some(its) = &mut self.its
        {
            its.set_enabled(&self.processor, number, true);
        } else {
            crate::warn!("the GIC has no interrupt {number}");
        }
    }

    fn disable(&mut self, number: u32) {
        if number < FIRST_SHARED {
            self.redistributor.disable(number);
        } else if number < self.lines {
            gic::write_bit(&self.distributor, 0, gic::ICENABLER, number);
            self.wait_for_distributor();
        } else if let Some(its) = &mut self.its {
            its.set_enabled(&self.processor, number, false);
        }
    }

    #[inline]
    fn claim(&mut self) -> Option<u32> {
        let number = self.processor.acknowledge() & 0x00ff_ffff;
        (!(FIRST_SPECIAL..FIRST_LPI).contains(&number)).then_some(number)
    }

    #[inline]
    fn complete(&mut self, number: u32) {
        self.processor.end_of_interrupt(number);
    }

    fn allocate_message(&mut self, requester: u16, vector: u16) -> Option<Message> {
        if let Some(frame) = &mut self.messages {
            let (message, interrupt) = frame.allocate()?;
            self.enable(interrupt);
            return Some(message);
        }
        let its = self.its.as_mut()?;
        match its.allocate(
            &self.distributor,
            &self.redistributor,
            &self.processor,
            requester,
            vector,
        ) {
            Ok(message) => Some(message),
            Err(error) => {
                crate::warn!(
                    "no message for vector {vector} of PCI requester {requester:#06x}: {error}"
                );
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
