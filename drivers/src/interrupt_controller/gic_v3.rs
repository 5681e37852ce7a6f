//! Arm's Generic Interrupt Controller, version 3 (and 4, which contains it).
//!
//! Registers and sequences: Arm IHI 0069H. Every interrupt is put into group 1, because group 0
//! would arrive as FIQ; the processor's interface is reached through its system registers.

use crate::address::{PhysicalAddress, Range};
use crate::board::Driver;
use crate::interrupt::{Interrupt, InterruptController, Message};
use crate::mmio::{Mmio, Registers};

use super::gic::{self, FIRST_SHARED, FIRST_SPECIAL};
use super::its::{FIRST_LPI, Its};

mod redistributor;

pub(super) use redistributor::Redistributor;

/// `GICD_CTLR`: group 1 is forwarded.
const CTLR_GROUP_1: u32 = 1 << 1;
/// `GICD_CTLR`: interrupts are routed by affinity.
const CTLR_AFFINITY: u32 = 1 << 4;
/// `GICD_CTLR`: there is one security state. A processor in the non-secure one cannot set it.
const CTLR_ONE_SECURITY_STATE: u32 = 1 << 6;
/// `GICD_CTLR`: a write has not reached everybody yet.
const CTLR_WRITE_PENDING: u32 = 1 << 31;
/// `GICD_IROUTER`: 64 bits a line, the affinity of the processor it goes to.
const IROUTER: usize = 0x6000;

/// How often to look for the end of something that the controller does by itself.
pub(super) const WAIT_LIMIT: usize = 1_000_000;

/// The system registers of the processor's interface, and what else the controller needs of a
/// processor (Arm IHI 0069H, section 12.2).
pub trait CpuInterface: Default {
    /// The affinity in `MPIDR`, as the controller writes it: Aff3, Aff2, Aff1, Aff0 from the most
    /// significant byte down.
    fn affinity(&self) -> u32;
    /// Sets `ICC_SRE.SRE`, and waits until the other system registers are there.
    fn enable_system_registers(&mut self);
    /// `ICC_PMR`: interrupts of this priority and less urgent ones are held back.
    fn set_priority_mask(&mut self, priority: u8);
    /// `ICC_BPR1`: how much of a priority decides about preemption.
    fn set_binary_point(&mut self, point: u8);
    /// `ICC_CTLR`: 0 for one write to `ICC_EOIR1` that both drops the priority and deactivates.
    fn set_control(&mut self, control: u32);
    /// `ICC_IGRPEN1`: bit 0 lets group 1 through. Waits until it does.
    fn set_group_1_enable(&mut self, enable: u32);
    /// `ICC_IAR1`: takes the most urgent pending interrupt. No access to memory that follows is
    /// made before.
    fn acknowledge(&mut self) -> u32;
    /// `ICC_EOIR1`: ends it.
    fn end_of_interrupt(&mut self, number: u32);
    /// Makes all that was written to memory visible to the controller (`dsb`).
    fn complete_writes(&self);
}

/// The redistributors, one a processor, in a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Redistributors {
    /// The first one's first frame (GICR).
    pub base: PhysicalAddress,
    /// From one to the next, in bytes.
    pub stride: u64,
    /// How many there is room for.
    pub count: u32,
}

/// Where a GICv3 is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// The distributor (GICD).
    pub distributor: Range,
    /// The redistributors (GICR).
    pub redistributors: Redistributors,
    /// The interrupt translation service (GITS) that delivers messages, where there is one.
    pub its: Option<Range>,
}

/// A GICv3 with the interface of one processor.
pub struct GicV3<R, P> {
    distributor: R,
    redistributor: Redistributor<R>,
    its: Option<Its<R>>,
    processor: P,
    lines: u32,
}

impl<R: Registers, P: CpuInterface> GicV3<R, P> {
    /// The controller behind these registers; `redistributors` spans all of them, and `its` comes
    /// with its address. It is not used before [`InterruptController::initialize`].
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
            processor,
            lines: 0,
        }
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
        // SAFETY: the caller promises that the distributor is there and nobody else's.
        let distributor = unsafe { Mmio::new(config.distributor) };
        // SAFETY: and so for the redistributors.
        let redistributors = unsafe { Mmio::new(redistributors) };
        let its = config.its.map(|range| {
            // SAFETY: and so for the translation service.
            let registers = unsafe { Mmio::new(range) };
            (registers, range.base)
        });
        Self::with_registers(distributor, redistributors, layout, its, P::default())
    }
}

impl<R: Registers, P: CpuInterface> InterruptController for GicV3<R, P> {
    /// A level-sensitive interrupt is pending while its line is asserted.
    const PENDING_FOLLOWS_LINE: bool = true;

    fn initialize(&mut self) {
        // the groups must be off while the security states and the routing change
        self.write_control(0);
        self.write_control(CTLR_ONE_SECURITY_STATE);
        self.lines = gic::lines(&self.distributor);
        for word in 1..self.lines.div_ceil(32) as usize {
            gic::quieten(&self.distributor, 0, word);
            self.distributor.write32(gic::IGROUPR + 4 * word, u32::MAX);
        }
        self.write_control(CTLR_ONE_SECURITY_STATE | CTLR_AFFINITY | CTLR_GROUP_1);

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
            // Aff3 has a byte of its own above the other three
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
