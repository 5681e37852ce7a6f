//! What firmware's own tables should say of a board.

use super::Range;

/// One row of the table; each is explained at `vmos_drivers::attestation::Fact`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are the fields of the kernel's type")]
pub enum Fact {
    /// The first cell of an interrupt says which row of inputs it is in.
    Inputs {
        space: &'static str,
        cell: Option<u32>,
        first: u32,
    },
    /// What follows is about the part of this key.
    Part {
        key: String,
        compatible: &'static str,
    },
    /// The same for a node that is known by a property that it has.
    Holder { key: String, property: &'static str },
    /// Another name of the part's kind.
    Or { compatible: &'static str },
    /// Where an entry of `reg` is.
    Registers {
        key: String,
        index: usize,
        range: Range,
    },
    /// What an entry of `interrupts` says.
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
    /// What pin INTA of slot 0 raises.
    Intx { key: String, number: u32 },
    /// What a property says.
    Text {
        key: String,
        property: &'static str,
        text: &'static str,
    },
    /// Where the local APIC is.
    LocalApic { key: String, range: Range },
    /// Where an I/O APIC is, and its first input.
    IoApic {
        key: String,
        range: Range,
        first: u32,
    },
    /// Where configuration space is.
    Ecam { key: String, range: Range },
    /// Where the power management timer is.
    PowerTimer { key: String, port: u16 },
}
