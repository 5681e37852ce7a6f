//! A device of a machine, from any source: the device tree, ACPI tables, or QEMU itself.

use crate::board::Range;

/// A device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// Its kinds, the most specific first: the `compatible` strings of its node, or QEMU's name of
    /// the model.
    pub kinds: Vec<String>,
    /// Its registers, in the order of its node; `None` if the processor cannot address them.
    pub registers: Vec<Option<Range>>,
    /// The first of its ports, if it has any.
    pub ports: Vec<u64>,
    /// Its interrupts, in the interrupt controller's own numbers and the order of its node; `None`
    /// for those of another controller.
    pub interrupts: Vec<Option<u32>>,
    /// The first address of the controller of each interrupt, in the same order; `None`, or no
    /// entry, if it is unknown or has no registers.
    pub controllers: Vec<Option<u64>>,
    /// The frequency of its clock in Hz.
    pub clock: Option<u64>,
    /// The properties of a PCI host bridge.
    pub bridge: Option<Bridge>,
    /// Numbers in its node, by the name of the property.
    pub numbers: Vec<(String, u32)>,
    /// Words in its node, by the name of the property.
    pub words: Vec<(String, String)>,
}

/// The properties of a PCI host bridge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bridge {
    /// The number of buses, from 0 on.
    pub buses: Option<u32>,
    /// The windows through which the processor accesses BARs.
    pub windows: Vec<(WindowKind, Range)>,
    /// The interrupt of INTA of slot 0.
    pub intx: Option<u32>,
    /// The wiring of the slots' pins, as far as the host bridge states it.
    pub pins: Vec<Pin>,
}

/// An interrupt pin of a PCI slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The slot.
    pub slot: u32,
    /// The pin: 0 for INTA to 3 for INTD.
    pub pin: u32,
    /// The controller's own number of the interrupt.
    pub interrupt: u32,
    /// The first address of the controller's registers; `None` if it has none.
    pub controller: Option<u64>,
}

/// The purpose of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowKind {
    /// Port I/O.
    Io,
    /// Memory BARs of 32 bits.
    Memory32,
    /// Memory BARs of 64 bits.
    Memory64,
}

impl Device {
    /// Returns whether it has one of these kinds.
    pub fn is(&self, kinds: &[&str]) -> bool {
        self.kinds.iter().any(|kind| kinds.contains(&kind.as_str()))
    }

    /// Returns whether it comes from firmware's tables.
    pub fn is_of_acpi(&self) -> bool {
        self.kinds.iter().any(|kind| kind.starts_with("acpi,"))
    }

    /// Returns whether it comes from a device tree, which names kinds differently from QEMU.
    pub fn is_of_tree(&self) -> bool {
        !self.is_of_acpi() && self.kinds.iter().any(|kind| kind.contains(','))
    }

    /// Returns its registers and windows.
    pub fn regions(&self) -> impl Iterator<Item = Range> {
        let windows = self.bridge.iter().flat_map(|bridge| &bridge.windows);
        let windows = windows.map(|(_, range)| *range);
        self.registers.iter().flatten().copied().chain(windows)
    }

    /// Returns the first address of the controller of its n-th interrupt, if it is known.
    pub fn controller(&self, nth: usize) -> Option<u64> {
        self.controllers.get(nth).copied().flatten()
    }

    /// Returns its first register, if it has one.
    pub fn base(&self) -> Option<u64> {
        self.registers
            .iter()
            .flatten()
            .map(|range| range.base)
            .next()
    }

    /// Returns a number in its node.
    pub fn number(&self, name: &str) -> Option<u32> {
        let found = self.numbers.iter().find(|(known, _)| known == name);
        found.map(|(_, number)| *number)
    }

    /// Returns a word in its node.
    pub fn word(&self, name: &str) -> Option<&str> {
        let found = self.words.iter().find(|(known, _)| known == name);
        found.map(|(_, word)| word.as_str())
    }
}
