//! A device of a machine, whoever told of it: the device tree, ACPI tables, or QEMU itself.

use crate::board::Range;

/// A device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// What it is, the most exact word first: the `compatible` strings of its node, or QEMU's name
    /// of the model.
    pub kinds: Vec<String>,
    /// Its registers, in the order of its node. `None` is what the processor cannot address.
    pub registers: Vec<Option<Range>>,
    /// The first of its ports, where it is reached by `in` and `out`.
    pub ports: Vec<u64>,
    /// What it raises, by the interrupt controller's own numbers, in the order of its node. `None`
    /// is what another controller takes.
    pub interrupts: Vec<Option<u32>>,
    /// The frequency of the clock that it is driven by, in Hz.
    pub clock: Option<u64>,
    /// What it is besides, where it is a PCI host bridge.
    pub bridge: Option<Bridge>,
    /// Numbers that its node gives, by the name of the property.
    pub numbers: Vec<(String, u32)>,
    /// Words that its node gives, by the name of the property.
    pub words: Vec<(String, String)>,
}

/// What a PCI host bridge is besides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bridge {
    /// How many buses, from 0 on.
    pub buses: Option<u32>,
    /// Windows through which the processor reaches BARs.
    pub windows: Vec<(WindowKind, Range)>,
    /// What INTA of slot 0 raises.
    pub intx: Option<u32>,
}

/// What a window is for.
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
    /// Whether it is one of these.
    pub fn is(&self, kinds: &[&str]) -> bool {
        self.kinds.iter().any(|kind| kinds.contains(&kind.as_str()))
    }

    /// Whether the tables of firmware told of it.
    pub fn is_of_acpi(&self) -> bool {
        self.kinds.iter().any(|kind| kind.starts_with("acpi,"))
    }

    /// Whether a device tree told of it, which has another way to name kinds than QEMU.
    pub fn is_of_tree(&self) -> bool {
        !self.is_of_acpi() && self.kinds.iter().any(|kind| kind.contains(','))
    }

    /// Its registers and windows.
    pub fn regions(&self) -> impl Iterator<Item = Range> {
        let windows = self.bridge.iter().flat_map(|bridge| &bridge.windows);
        let windows = windows.map(|(_, range)| *range);
        self.registers.iter().flatten().copied().chain(windows)
    }

    /// Its first register, where it has one.
    pub fn base(&self) -> Option<u64> {
        self.registers
            .iter()
            .flatten()
            .map(|range| range.base)
            .next()
    }

    /// A number that its node gives.
    pub fn number(&self, name: &str) -> Option<u32> {
        let found = self.numbers.iter().find(|(known, _)| known == name);
        found.map(|(_, number)| *number)
    }

    /// A word that its node gives.
    pub fn word(&self, name: &str) -> Option<&str> {
        let found = self.words.iter().find(|(known, _)| known == name);
        found.map(|(_, word)| word.as_str())
    }
}
