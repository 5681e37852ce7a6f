//! PCI host bridges.

use super::{Interrupt, Part, Range};

/// A PCI host bridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pci {
    /// How configuration space is reached: the driver, and the key of the bridge.
    pub part: Part,
    /// Where configuration space is mapped, if it is.
    pub registers: Option<Range>,
    /// Where the processor sees it and how much of it, if not all of it at its own address.
    pub view: Option<Range>,
    /// The number of buses, from 0 on.
    pub buses: u32,
    /// Who assigns the BARs.
    pub bars: BarAssignment,
    /// The window for port I/O, if any.
    pub io: Option<Range>,
    /// The window for 32-bit memory BARs.
    pub memory32: Option<Range>,
    /// The window for 64-bit memory BARs.
    pub memory64: Option<Range>,
    /// The interrupts of the pins; the first entry for a slot applies.
    pub pins: Vec<Pins>,
    /// The receiver of message-signalled interrupts.
    pub msi: Option<Msi>,
}

impl Pci {
    /// Returns where the processor sees configuration space and how much of it, if not all of it at
    /// its own address.
    #[must_use]
    pub const fn view(&self) -> Option<Range> {
        self.view
    }
}

/// The interrupts of the pins of PCI slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pins {
    /// For all slots: pin p (INTA = 0) of slot s raises `number + (s + p) % 4`.
    From(Interrupt),
    /// For all slots: pin p of slot s raises line `(s + p) % 4` of these.
    Rotated([Interrupt; 4]),
    /// For some slots: pin p raises line p of these, in every slot.
    Straight {
        /// The first slot.
        first: u32,
        /// The last slot.
        last: u32,
        /// The lines.
        lines: [Interrupt; 4],
    },
}

/// Who assigns BARs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BarAssignment {
    /// The kernel.
    Kernel,
    /// Firmware, before the kernel starts.
    Firmware,
}

/// What turns a message into an interrupt. The bindings of interrupt controllers have one for each way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Msi {
    /// The word that stands for it in a board file.
    pub word: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// Who delivers, for a person: "by the ITS".
    pub described: &'static str,
}
