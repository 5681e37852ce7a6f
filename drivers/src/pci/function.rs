//! A PCI function, as found by enumeration.

use super::bar::Bar;
use super::{Address, ConfigurationSpace, command, set_command};
use crate::address::Range;
use crate::interrupt::Interrupt;

/// A function that exists.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its address.
    pub address: Address,
    /// The requester ID of its messages: its own, or the one that a bridge to conventional PCI above it
    /// puts in its place.
    pub requester: u16,
    /// Its vendor ID.
    pub vendor: u16,
    /// Its device ID.
    pub device: u16,
    /// The subsystem vendor ID and subsystem ID; 0 for a bridge.
    pub subsystem: (u16, u16),
    /// Class, subclass and programming interface, in the lower 24 bits.
    pub class: u32,
    /// Its revision.
    pub revision: u8,
    /// Its memory BARs. The entry after a 64-bit BAR is empty.
    pub bars: [Option<Bar>; 6],
    /// Its interrupt line, if it has a pin.
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
