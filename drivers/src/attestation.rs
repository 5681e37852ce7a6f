//! The values that firmware's tables should contain if the board file is right.
//!
//! The generator writes one row per fact, grouped by device. At boot, the kernel looks each fact up
//! in the device tree or in the ACPI tables, and reports each difference with the key of the board
//! file.

use crate::board::Region;

/// The value of `cell` if an interrupt has no first cell.
pub const NO_CELL: u32 = u32::MAX;

/// One row of the table. Rows before the first [`Part`](Fact::Part) are about the whole board;
/// every other row is about the device that the last `Part` or [`Holder`](Fact::Holder) opens.
///
/// `cargo xtask audit` reads the rows in an image: the variant's number in four bytes, then all
/// fields in the order below, aligned as in C.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Fact {
    /// The first cell of an interrupt selects an interrupt space, such as the SPIs of a GIC.
    Inputs {
        /// The name of the space in board files.
        space: &'static str,
        /// The value of the cell; [`NO_CELL`] if there is only one space and no such cell.
        cell: u32,
        /// The controller's number for input 0 of the space.
        first: u32,
    },
    /// The rows that follow are about the device with this key.
    Part {
        /// The key of the device's table in the board file.
        key: &'static str,
        /// A `compatible` string of the device's node (Devicetree Specification 0.4, 2.3.1).
        compatible: &'static str,
    },
    /// The rows that follow are about the device with this key. Its node has no `compatible`
    /// string; it is found by a property.
    Holder {
        /// The key of the device's table in the board file.
        key: &'static str,
        /// The property that only this node has.
        property: &'static str,
    },
    /// An alternative `compatible` string of the device's node.
    Or {
        /// The alternative `compatible` string.
        compatible: &'static str,
    },
    /// The registers start at `base` and have at least `size` bytes.
    Registers {
        /// The key, relative to the device's table.
        key: &'static str,
        /// The index of the entry in `reg`.
        index: usize,
        /// The first address of the registers.
        base: u64,
        /// The size of the registers in bytes.
        size: u64,
    },
    /// The device raises this interrupt.
    Interrupt {
        /// The key, relative to the device's table.
        key: &'static str,
        /// The index of the entry in `interrupts`.
        index: usize,
        /// The interrupt's number in the controller.
        number: u32,
    },
    /// A frequency in Hz, from the node itself or from the clock that it refers to.
    Frequency {
        /// The key, relative to the device's table.
        key: &'static str,
        /// The property of the node that contains the frequency.
        property: &'static str,
        /// The frequency in Hz.
        hertz: u64,
    },
    /// Each slot of a series of virtio-mmio slots has a node.
    Slots {
        /// The first register of slot 0.
        base: u64,
        /// The distance between slots, in bytes.
        stride: u64,
        /// The number of virtio-mmio slots.
        count: u32,
        /// The interrupt of slot 0; slot n raises this number plus n.
        interrupt: u32,
    },
    /// A PCI host bridge forwards these addresses without translation.
    Window {
        /// The key, relative to the device's table.
        key: &'static str,
        /// The space code of the window (PCI Bus Binding to Open Firmware 2.1, 2.2.1.1).
        space: u32,
        /// The first address, as the processor sees it.
        base: u64,
        /// The size of the window in bytes.
        size: u64,
    },
    /// Pin INTA of slot 0 raises this interrupt.
    Intx {
        /// The key, relative to the device's table.
        key: &'static str,
        /// The interrupt's number in the controller.
        number: u32,
    },
    /// A property of the node has this string value.
    Text {
        /// The key, relative to the device's table.
        key: &'static str,
        /// The name of the property.
        property: &'static str,
        /// The expected value of the property.
        text: &'static str,
    },
    /// The MADT has the local APIC at this address (ACPI 6.5, 5.2.12).
    LocalApic {
        /// The key of the local APIC in the board file.
        key: &'static str,
        /// The expected address of the local APIC.
        base: u64,
    },
    /// The MADT has an I/O APIC at this address (ACPI 6.5, 5.2.12.3).
    IoApic {
        /// The key of the I/O APIC in the board file.
        key: &'static str,
        /// The expected address of the I/O APIC.
        base: u64,
        /// The global system interrupt of its first input.
        first: u32,
    },
    /// The MCFG has the PCI configuration space at this address (PCI Firmware Specification 3.3,
    /// 4.1.2).
    Ecam {
        /// The key of the configuration space in the board file.
        key: &'static str,
        /// The expected address of the configuration space.
        base: u64,
        /// The size of the configuration space in bytes.
        size: u64,
    },
    /// The FADT has the power management timer at this port (ACPI 6.5, 5.2.9).
    PowerTimer {
        /// The key of the power management timer in the board file.
        key: &'static str,
        /// The expected first port of the timer.
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

    /// Returns the key of the device that this row opens; `None` for other rows.
    #[must_use]
    pub const fn opens(&self) -> Option<&'static str> {
        match self {
            Self::Part { key, .. } | Self::Holder { key, .. } => Some(*key),
            _ => None,
        }
    }
}
