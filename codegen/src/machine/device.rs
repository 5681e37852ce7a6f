//! A device of a machine, from any source: the device tree, ACPI tables, or QEMU itself.

use crate::board::Range;

/// A device of a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// The device's kinds, the most specific first: the `compatible` strings of its node, or QEMU's
    /// name of the model.
    pub kinds: Vec<String>,
    /// The device's register ranges, in the order of its node; `None` for a range that the
    /// processor cannot address.
    pub registers: Vec<Option<Range>>,
    /// The first I/O port of the device, if it has any.
    pub ports: Vec<u64>,
    /// The device's interrupts, in the interrupt controller's own numbers and the order of its
    /// node; `None` for interrupts of another controller.
    pub interrupts: Vec<Option<u32>>,
    /// The first address of the controller of each interrupt, in the same order; `None`, or no
    /// entry, if it is unknown or has no registers.
    pub controllers: Vec<Option<u64>>,
    /// The frequency of the device's clock in Hz.
    pub clock: Option<u64>,
    /// The properties of a PCI host bridge; `None` for other devices.
    pub bridge: Option<Bridge>,
    /// The numeric properties of the device's node, by name.
    pub numbers: Vec<(String, u32)>,
    /// The text properties of the device's node, by name.
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
    /// The first address of the device that receives the messages of functions, if it is known.
    pub messages: Option<u64>,
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
    /// A window for port I/O.
    Io,
    /// Memory BARs of 32 bits.
    Memory32,
    /// Memory BARs of 64 bits.
    Memory64,
}

impl Device {
    /// Returns whether the device has one of the given kinds.
    pub fn is(&self, kinds: &[&str]) -> bool {
        self.kinds.iter().any(|kind| kinds.contains(&kind.as_str()))
    }

    /// Returns whether the device comes from firmware's tables.
    pub fn is_of_acpi(&self) -> bool {
        self.kinds.iter().any(|kind| kind.starts_with("acpi,"))
    }

    /// Returns whether the device comes from a device tree, which names kinds differently from
    /// QEMU.
    pub fn is_of_tree(&self) -> bool {
        !self.is_of_acpi() && self.kinds.iter().any(|kind| kind.contains(','))
    }

    /// Returns the device's registers and windows.
    pub fn regions(&self) -> impl Iterator<Item = Range> {
        let windows = self.bridge.iter().flat_map(|bridge| &bridge.windows);
        let windows = windows.map(|(_, range)| *range);
        self.registers.iter().flatten().copied().chain(windows)
    }

    /// Returns the first address of the controller of its n-th interrupt, if it is known.
    pub fn controller(&self, nth: usize) -> Option<u64> {
        self.controllers.get(nth).copied().flatten()
    }

    /// Returns the address of the device's first register, if it has one.
    pub fn base(&self) -> Option<u64> {
        self.registers
            .iter()
            .flatten()
            .map(|range| range.base)
            .next()
    }

    /// Returns a numeric property of the device's node.
    pub fn number(&self, name: &str) -> Option<u32> {
        let found = self.numbers.iter().find(|(known, _)| known == name);
        found.map(|(_, number)| *number)
    }

    /// Returns a text property of the device's node.
    pub fn word(&self, name: &str) -> Option<&str> {
        let found = self.words.iter().find(|(known, _)| known == name);
        found.map(|(_, word)| word.as_str())
    }
}
