//! What the firmware's own tables say of a board whose description is right.
//!
//! The generator writes the facts, one a row and those of one part together; the kernel looks each
//! up in the device tree, or in the tables of ACPI, and names the key of the description where the
//! two contradict each other.

use crate::board::Region;

/// What no first cell of an interrupt holds.
pub const NO_CELL: u32 = u32::MAX;

/// One row of the table. Those before the first [`Part`](Fact::Part) are about the whole board;
/// every other one is about the part that the last such row opens.
///
/// `cargo xtask audit` reads the rows in an image: each is its variant's number in four bytes, then
/// the fields, all of them in the order below and as C aligns them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Fact {
    /// The first cell of an interrupt says which row of inputs it is in.
    Inputs {
        /// What the description calls the row.
        space: &'static str,
        /// What stands in the cell; [`NO_CELL`] where there is but one row, and no such cell.
        cell: u32,
        /// The controller's own number of the input that is 0 in the row.
        first: u32,
    },
    /// What follows is about the part of this key.
    Part {
        /// Its table in the description.
        key: &'static str,
        /// What its node is compatible with (Devicetree Specification 0.4, 2.3.1).
        compatible: &'static str,
    },
    /// What follows is about the part of this key, whose node has no name of its kind: it is the
    /// one that has this property.
    Holder {
        /// Its table in the description.
        key: &'static str,
        /// The property.
        property: &'static str,
    },
    /// The part's node may be compatible with this instead.
    Or {
        /// The other name.
        compatible: &'static str,
    },
    /// Registers begin at `base`, and there are `size` bytes of them at least.
    Registers {
        /// The key below the part's.
        key: &'static str,
        /// Which entry of `reg` it is.
        index: usize,
        /// The first address.
        base: u64,
        /// How many bytes.
        size: u64,
    },
    /// The part raises this.
    Interrupt {
        /// The key below the part's.
        key: &'static str,
        /// Which entry of `interrupts` it is.
        index: usize,
        /// The controller's own number.
        number: u32,
    },
    /// A frequency in Hz: of the node itself, or else of the clock that feeds it.
    Frequency {
        /// The key below the part's.
        key: &'static str,
        /// The property of the node that tells it.
        property: &'static str,
        /// The frequency.
        hertz: u64,
    },
    /// There is a node for each slot of a row.
    Slots {
        /// The registers of slot 0.
        base: u64,
        /// From one slot to the next.
        stride: u64,
        /// How many.
        count: u32,
        /// What slot 0 raises; slot n raises the n-th after it.
        interrupt: u32,
    },
    /// A PCI host bridge forwards these addresses, unchanged.
    Window {
        /// The key below the part's.
        key: &'static str,
        /// The space code of the window (PCI Bus Binding to Open Firmware 2.1, 2.2.1.1).
        space: u32,
        /// The first address, as the processor sees it.
        base: u64,
        /// How many bytes.
        size: u64,
    },
    /// Pin INTA of slot 0 raises this.
    Intx {
        /// The key below the part's.
        key: &'static str,
        /// The controller's own number.
        number: u32,
    },
    /// A property of the node holds this text.
    Text {
        /// The key below the part's.
        key: &'static str,
        /// The property.
        property: &'static str,
        /// What it holds.
        text: &'static str,
    },
    /// ACPI's MADT has the local APIC here (ACPI 6.5, 5.2.12).
    LocalApic {
        /// Its table in the description.
        key: &'static str,
        /// Its first address.
        base: u64,
    },
    /// The MADT has an I/O APIC here (5.2.12.3).
    IoApic {
        /// Its table in the description.
        key: &'static str,
        /// Its first address.
        base: u64,
        /// The global system interrupt of its first input.
        first: u32,
    },
    /// The MCFG has configuration space here (PCI Firmware Specification 3.3, 4.1.2).
    Ecam {
        /// Its table in the description.
        key: &'static str,
        /// The first address.
        base: u64,
        /// How many bytes.
        size: u64,
    },
    /// The FADT has the power management timer here (5.2.9).
    PowerTimer {
        /// Its table in the description.
        key: &'static str,
        /// The first of its ports.
        port: u32,
    },
}

impl Fact {
    /// See [`Fact::Inputs`].
    #[must_use]
    pub const fn inputs(space: &'static str, cell: Option<u32>, first: u32) -> Self {
        let cell = match cell {
            Some(cell) => cell,
            None => NO_CELL,
        };
        Self::Inputs { space, cell, first }
    }

    /// See [`Fact::Part`].
    #[must_use]
    pub const fn part(key: &'static str, compatible: &'static str) -> Self {
        Self::Part { key, compatible }
    }

    /// See [`Fact::Holder`].
    #[must_use]
    pub const fn holder(key: &'static str, property: &'static str) -> Self {
        Self::Holder { key, property }
    }

    /// See [`Fact::Or`].
    #[must_use]
    pub const fn or(compatible: &'static str) -> Self {
        Self::Or { compatible }
    }

    /// See [`Fact::Registers`].
    #[must_use]
    pub const fn registers(key: &'static str, index: usize, region: Region) -> Self {
        Self::Registers {
            key,
            index,
            base: region.physical.0,
            size: region.range.size,
        }
    }

    /// See [`Fact::Interrupt`].
    #[must_use]
    pub const fn interrupt(key: &'static str, index: usize, number: u32) -> Self {
        Self::Interrupt { key, index, number }
    }

    /// See [`Fact::Frequency`].
    #[must_use]
    pub const fn frequency(key: &'static str, property: &'static str, hertz: u64) -> Self {
        Self::Frequency {
            key,
            property,
            hertz,
        }
    }

    /// See [`Fact::Slots`].
    #[must_use]
    pub const fn slots(region: Region, stride: u64, count: u32, interrupt: u32) -> Self {
        Self::Slots {
            base: region.physical.0,
            stride,
            count,
            interrupt,
        }
    }

    /// See [`Fact::Window`].
    #[must_use]
    pub const fn window(key: &'static str, space: u32, region: Region) -> Self {
        Self::Window {
            key,
            space,
            base: region.physical.0,
            size: region.range.size,
        }
    }

    /// See [`Fact::Intx`].
    #[must_use]
    pub const fn intx(key: &'static str, number: u32) -> Self {
        Self::Intx { key, number }
    }

    /// See [`Fact::Text`].
    #[must_use]
    pub const fn text(key: &'static str, property: &'static str, text: &'static str) -> Self {
        Self::Text {
            key,
            property,
            text,
        }
    }

    /// See [`Fact::LocalApic`].
    #[must_use]
    pub const fn local_apic(key: &'static str, region: Region) -> Self {
        Self::LocalApic {
            key,
            base: region.physical.0,
        }
    }

    /// See [`Fact::IoApic`].
    #[must_use]
    pub const fn io_apic(key: &'static str, region: Region, first: u32) -> Self {
        Self::IoApic {
            key,
            base: region.physical.0,
            first,
        }
    }

    /// See [`Fact::Ecam`].
    #[must_use]
    pub const fn ecam(key: &'static str, region: Region) -> Self {
        Self::Ecam {
            key,
            base: region.physical.0,
            size: region.range.size,
        }
    }

    /// See [`Fact::PowerTimer`].
    #[must_use]
    pub const fn power_timer(key: &'static str, port: u32) -> Self {
        Self::PowerTimer { key, port }
    }

    /// The table of the description that the rows from this one on are about, where it opens one.
    #[must_use]
    pub const fn opens(&self) -> Option<&'static str> {
        match self {
            Self::Part { key, .. } | Self::Holder { key, .. } => Some(*key),
            _ => None,
        }
    }
}
