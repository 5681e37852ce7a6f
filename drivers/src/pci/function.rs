//! One function, as it was found and placed.

use super::bar::Bar;
use super::{Address, ConfigurationSpace, command, set_command};
use crate::address::Range;
use crate::interrupt::Interrupt;

/// A function that is there.
#[derive(Clone, Debug)]
pub struct Function {
    /// Where it is.
    pub address: Address,
    /// Who made it.
    pub vendor: u16,
    /// What its maker calls it.
    pub device: u16,
    /// The subsystem's vendor and number; 0 for a bridge.
    pub subsystem: (u16, u16),
    /// Class, subclass and programming interface, in the lower 24 bits.
    pub class: u32,
    /// Its revision.
    pub revision: u8,
    /// Its memory BARs. A wide one leaves the next place empty.
    pub bars: [Option<Bar>; 6],
    /// The line that its pin ends at, where it has a pin.
    pub line: Option<Interrupt>,
}

impl Function {
    /// Where BAR `index` is, if there is one and it has an address.
    #[must_use]
    pub fn bar_range(&self, index: u8) -> Option<Range> {
        self.bars
            .get(usize::from(index))
            .copied()
            .flatten()?
            .range
            .ok()
    }

    /// Lets the function answer in memory space and write to memory.
    pub fn enable(&self, space: &mut impl ConfigurationSpace) {
        let on = command::MEMORY | command::BUS_MASTER;
        set_command(space, self.address, on, command::INTX_DISABLE);
    }
}
