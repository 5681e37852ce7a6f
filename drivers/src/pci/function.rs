//! A PCI function, as found by enumeration.

use super::bar::Bar;
use super::{Address, ConfigurationSpace, command, set_command};
use crate::address::Range;
use crate::interrupt::Interrupt;

/// A PCI function that enumeration found.
#[derive(Clone, Debug)]
pub struct Function {
    /// The function's address.
    pub address: Address,
    /// The requester ID of the function's messages: its own, or the one that a bridge to
    /// conventional PCI substitutes.
    pub requester: u16,
    /// The vendor ID.
    pub vendor: u16,
    /// The device ID.
    pub device: u16,
    /// The subsystem vendor ID and subsystem ID; 0 for a bridge.
    pub subsystem: (u16, u16),
    /// Class, subclass and programming interface, in the lower 24 bits.
    pub class: u32,
    /// The revision ID.
    pub revision: u8,
    /// The memory BARs. The entry after a 64-bit BAR is empty.
    pub bars: [Option<Bar>; 6],
    /// The interrupt line of the function's pin; `None` if it has no pin.
    pub line: Option<Interrupt>,
}

impl Function {
    /// Returns the address range of BAR `index`, if it has one.
    #[must_use]
    pub fn bar_range(&self, index: u8) -> Option<Range> {
        self.bars
            .get(usize::from(index))
            .copied()
            .flatten()?
            .range
            .ok()
    }

    /// Enables memory space and memory writes of the function.
    pub fn enable(&self, space: &mut impl ConfigurationSpace) {
        let on = command::MEMORY | command::BUS_MASTER;
        set_command(space, self.address, on, command::INTX_DISABLE);
    }
}
