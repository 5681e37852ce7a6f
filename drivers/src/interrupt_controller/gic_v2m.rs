//! GICv2m: a frame beside a GICv2 that turns written messages into SPIs.
//!
//! Registers: Arm DEN0029, Server Base System Architecture, appendix E (GICv2m).

use crate::address::PhysicalAddress;
use crate::interrupt::{Interrupt, Message, Trigger};
use crate::mmio::Registers;

use super::gic::{FIRST_SHARED, FIRST_SPECIAL};

/// `MSI_TYPER`: which SPIs belong to the frame.
const TYPER: usize = 0x008;
/// `MSI_SETSPI_NS`: where a message is written, its data the number of the interrupt.
const SETSPI: u64 = 0x040;

/// A GICv2m frame.
pub struct GicV2m {
    doorbell: PhysicalAddress,
    next: u32,
    end: u32,
}

impl GicV2m {
    /// The frame whose registers are `registers`, at `base`; `lines` is how many lines the
    /// distributor has.
    pub fn new(registers: &impl Registers, base: PhysicalAddress, lines: u32) -> Self {
        let kind = registers.read32(TYPER);
        let first = (kind >> 16) & 0x3ff;
        let end = (first + (kind & 0x3ff)).min(lines).min(FIRST_SPECIAL);
        Self {
            doorbell: PhysicalAddress(base.0.wrapping_add(SETSPI)),
            next: first.max(FIRST_SHARED),
            end,
        }
    }

    /// Sets the next message aside, or `None` where all are taken.
    pub fn allocate(&mut self) -> Option<(Message, Interrupt)> {
        let number = self.next;
        if number >= self.end {
            return None;
        }
        self.next += 1;
        let message = Message {
            address: self.doorbell,
            data: number,
            number,
        };
        // a message is a pulse: as a level it would be gone before the distributor looks
        let interrupt = Interrupt {
            number,
            trigger: Trigger::Edge,
        };
        Some((message, interrupt))
    }
}
