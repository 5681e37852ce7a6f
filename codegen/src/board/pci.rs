//! PCI host bridges.

use super::{Interrupt, Part, Range};

/// A PCI host bridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pci {
    /// How configuration space is reached: the driver, and the key of the bridge.
    pub part: Part,
    /// Where configuration space is mapped, if it is.
    pub registers: Option<Range>,
    /// Where the processor sees it and how much of it, if not all at its own address.
    pub view: Option<Range>,
    /// How many buses it covers, from 0.
    pub buses: u32,
    /// Who has assigned the BARs when the kernel starts.
    pub bars: BarAssignment,
    /// Where port I/O is mapped, if it is.
    pub io: Option<Range>,
    /// Where 32-bit memory BARs go.
    pub memory32: Option<Range>,
    /// Where 64-bit memory BARs go.
    pub memory64: Option<Range>,
    /// What the pins raise; of several entries for a slot the first holds.
    pub pins: Vec<Pins>,
    /// What delivers message-signalled interrupts.
    pub msi: Option<Msi>,
}

impl Pci {
    /// Where the processor sees configuration space and how much of it, if not all at its own address.
    #[must_use]
    pub const fn view(&self) -> Option<Range> {
        self.view
    }
}

/// What the pins of PCI slots raise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pins {
    /// Of every slot: pin p (INTA = 0) of slot s raises `number + (s + p) % 4`.
    From(Interrupt),
    /// Of every slot: pin p of slot s raises the line `(s + p) % 4` of these.
    Rotated([Interrupt; 4]),
    /// Of some slots: pin p raises the line p of these, whatever the slot.
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

/// What turns a message into an interrupt, by the word that stands for it in a board file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Msi {
    /// The GICv3's interrupt translation service.
    Its,
    /// The GICv2m frame.
    V2m,
    /// The local APIC.
    LocalApic,
}

impl Msi {
    /// Who delivers, for a person.
    #[must_use]
    pub const fn described(self) -> &'static str {
        match self {
            Self::Its => "by the ITS",
            Self::V2m => "by the v2m frame",
            Self::LocalApic => "by the local APIC",
        }
    }
}
