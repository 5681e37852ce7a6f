//! The capability list (PCI 3.0, 6.7).

use super::{Address, ConfigurationSpace, STATUS_CAPABILITIES, register};

/// PCI Express; the four bits from 4 on of its start are the type of the device or port (PCI
/// Express Base 4.0, 7.5.3.2).
pub const EXPRESS: u8 = 0x10;
/// The capability ID of MSI-X.
pub const MSI_X: u8 = 0x11;
/// The capability ID for vendor-specific structures, by which virtio describes its own.
pub const VENDOR: u8 = 0x09;

/// The longest possible list: capabilities start at 0x40 and take at least 4 bytes.
const MOST: u8 = 48;

/// A capability of a PCI function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capability {
    /// The offset of the capability in the configuration header: 0x40 to 0xfc, a multiple of 4.
    pub offset: u16,
    /// The capability ID (PCI 3.0, appendix H).
    pub id: u8,
    /// The two bytes after ID and link; the first one is the length of a [`VENDOR`] capability.
    pub start: u16,
}

/// The capabilities of a function, in the order of its list. A cyclic list ends after 48 steps, and
/// a link outside the capability area ends the list.
#[derive(Debug)]
pub struct Capabilities<'a, C> {
    space: &'a C,
    address: Address,
    next: u16,
    left: u8,
}

impl<'a, C: ConfigurationSpace> Capabilities<'a, C> {
    /// Reads the list of the function at `address`.
    #[must_use]
    pub fn new(space: &'a C, address: Address) -> Self {
        let listed = space.read(address, register::COMMAND) & STATUS_CAPABILITIES != 0;
        let next = if listed {
            space.read(address, register::CAPABILITIES) & 0xff
        } else {
            0
        };
        Self {
            space,
            address,
            next: next as u16,
            left: MOST,
        }
    }
}

impl<C: ConfigurationSpace> Iterator for Capabilities<'_, C> {
    type Item = Capability;

    fn next(&mut self) -> Option<Capability> {
        let offset = self.next;
        if self.left == 0 || !(0x40..=0xfc).contains(&offset) || !offset.is_multiple_of(4) {
            return None;
        }
        self.left -= 1;
        let header = self.space.read(self.address, offset);
        self.next = (header >> 8 & 0xff) as u16;
        Some(Capability {
            offset,
            id: header as u8,
            start: (header >> 16) as u16,
        })
    }
}
