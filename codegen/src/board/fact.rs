//! The facts about a board that the kernel compares with firmware's tables at boot.

use super::Range;

/// A row of the table of facts; `vmos_drivers::attestation::Fact` explains each kind.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are the fields of the kernel's type")]
pub enum Fact {
    /// The first cell of an interrupt selects this row of inputs.
    Inputs {
        space: &'static str,
        cell: Option<u32>,
        first: u32,
    },
    /// The following rows are about the part with this key.
    Part {
        key: String,
        compatible: &'static str,
    },
    /// Like `Part`, for a node that is identified by one of its properties.
    Holder { key: String, property: &'static str },
    /// Another `compatible` string of the part.
    Or { compatible: &'static str },
    /// An expected entry of the node's `reg` property.
    Registers {
        key: String,
        index: usize,
        range: Range,
    },
    /// An expected entry of the node's `interrupts` property.
    Interrupt {
        key: String,
        index: usize,
        number: u32,
    },
    /// An expected frequency in Hz.
    Frequency {
        key: String,
        property: &'static str,
        hertz: u64,
    },
    /// A series of virtio-mmio slots, each with its own node.
    Slots {
        base: u64,
        stride: u64,
        count: u32,
        interrupt: u32,
    },
    /// A window of a PCI host bridge.
    Window {
        key: String,
        space: u32,
        range: Range,
    },
    /// The interrupt of pin INTA of slot 0.
    Intx { key: String, number: u32 },
    /// A property with an expected string value.
    Text {
        key: String,
        property: &'static str,
        text: &'static str,
    },
    /// The expected address of the local APIC.
    LocalApic { key: String, range: Range },
    /// The expected address of an I/O APIC, and the interrupt of its first input.
    IoApic {
        key: String,
        range: Range,
        first: u32,
    },
    /// The expected address of the PCI configuration space.
    Ecam { key: String, range: Range },
    /// The expected port of the power management timer.
    PowerTimer { key: String, port: u16 },
}
