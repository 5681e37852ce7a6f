//! What firmware's own tables should say of a board.

use super::Range;

/// A row of the table; `vmos_drivers::attestation::Fact` explains each kind.
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
    /// An entry of `reg`.
    Registers {
        key: String,
        index: usize,
        range: Range,
    },
    /// An entry of `interrupts`.
    Interrupt {
        key: String,
        index: usize,
        number: u32,
    },
    /// A frequency.
    Frequency {
        key: String,
        property: &'static str,
        hertz: u64,
    },
    /// A node for each slot of a row.
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
    /// The text of a property.
    Text {
        key: String,
        property: &'static str,
        text: &'static str,
    },
    /// The address of the local APIC.
    LocalApic { key: String, range: Range },
    /// The address of an I/O APIC, and its first input.
    IoApic {
        key: String,
        range: Range,
        first: u32,
    },
    /// The address of configuration space.
    Ecam { key: String, range: Range },
    /// The port of the power management timer.
    PowerTimer { key: String, port: u16 },
}
