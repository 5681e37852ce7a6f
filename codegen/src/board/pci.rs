//! PCI host bridges.

use super::{Interrupt, Part, Range};

/// A PCI host bridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pci {
    /// The driver for the access to configuration space, and the key of the bridge.
    pub part: Part,
    /// The range at which configuration space is mapped; `None` if it is behind ports.
    pub registers: Option<Range>,
    /// The range at which the processor sees configuration space, and its size there; `None` if it
    /// sees all of it at its bus address.
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
    /// Returns the range at which the processor sees configuration space, and its size there;
    /// `None` if it sees all of it at its bus address.
    #[must_use]
    pub const fn view(&self) -> Option<Range> {
        self.view
    }
}

/// The interrupts of the pins INTA to INTD of PCI slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pins {
    /// For all slots: pin p (INTA = 0) of slot s raises `number + (s + p) % 4`.
    From(Interrupt),
    /// For all slots: pin p of slot s raises entry `(s + p) % 4` of this list of lines.
    Rotated([Interrupt; 4]),
    /// For some slots: pin p raises entry p of this list of lines, in every slot.
    Straight {
        /// The first PCI slot of the range.
        first: u32,
        /// The last PCI slot of the range.
        last: u32,
        /// The interrupt lines of the four pins.
        lines: [Interrupt; 4],
    },
}

/// Who assigns the BARs of PCI functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BarAssignment {
    /// The kernel assigns the BARs.
    Kernel,
    /// Firmware assigns the BARs before the kernel starts.
    Firmware,
}

/// The receiver of PCI messages (MSI-X), which turns them into interrupts. The bindings of
/// interrupt controllers define one for each way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Msi {
    /// The receiver's word in a board file.
    pub word: &'static str,
    /// A description of the receiver.
    pub doc: &'static str,
    /// The phrase that names the receiver in generated text, such as "by the ITS".
    pub described: &'static str,
}
