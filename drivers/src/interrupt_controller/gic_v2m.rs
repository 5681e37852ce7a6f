//! GICv2m: a register frame next to a GICv2 that converts messages to SPIs.
//!
//! Registers: Arm DEN0029, Server Base System Architecture, appendix E (GICv2m).

use crate::address::PhysicalAddress;
use crate::interrupt::{Interrupt, Message, Trigger};
use crate::mmio::Registers;

use super::gic::{FIRST_SHARED, FIRST_SPECIAL};

/// `MSI_TYPER`: the SPIs of the frame.
const TYPER: usize = 0x008;
/// `MSI_SETSPI_NS`: the address for messages; the data is the interrupt number.
const SETSPI: u64 = 0x040;

/// A GICv2m frame.
pub struct GicV2m {
    doorbell: PhysicalAddress,
    next: u32,
    end: u32,
}

impl GicV2m {
    /// Creates the driver of the frame at `base` with these registers; `lines` is the number of
    /// lines of the distributor.
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

    /// Allocates a message, or returns `None` if all are in use.
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
        // A message must be an edge: a level would end before the distributor samples it.
        let interrupt = Interrupt {
            number,
            trigger: Trigger::Edge,
        };
        Some((message, interrupt))
    }
}
