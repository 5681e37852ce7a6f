//! Names of virtio devices: `[disk.NAME]` and `[nic.NAME]`.
//!
//! Virtio devices are found at boot and not described. A name states which of them is meant, by a
//! number of its own or by its place, so that an app finds it by the name.

use crate::language::table::table;
use crate::language::{Field, Function, HardwareAddress, Number, Place, Serial};

/// The number of a virtio-mmio slot.
pub(crate) type Slot = Number<0, 1023>;

table! {
    /// A name of a disk, with what identifies the disk. A key is enough; of several, any may match.
    pub struct NamedDisk {
        /// The serial number of the disk.
        serial: Serial => optional,
        /// The virtio-mmio slot of the disk.
        slot: Slot => optional,
        /// The place of the disk on PCI: bus, device and function, as in "00:03.0".
        pci: Function => optional,
    }
}

table! {
    /// A name of a network device, with what identifies it. A key is enough; of several, any may match.
    pub struct NamedNic {
        /// The hardware address of the device, as in "52:54:00:12:34:57".
        mac: HardwareAddress => optional,
        /// The virtio-mmio slot of the device.
        slot: Slot => optional,
        /// The place of the device on PCI: bus, device and function, as in "00:03.0".
        pci: Function => optional,
    }
}

/// What a name states, for a disk and a network device alike.
pub(crate) struct Stated<'d> {
    pub(crate) place: &'d Place,
    pub(crate) name: &'d str,
    /// The key of the device's own number.
    pub(crate) own_key: &'static str,
    /// The device's own number: the hardware address or the serial number.
    pub(crate) own: Field<String>,
    pub(crate) slot: &'d Field<Slot>,
    pub(crate) pci: &'d Field<Function>,
}

impl super::Description {
    /// Returns the names of the disks.
    pub(crate) fn named_disks(&self) -> Vec<Stated<'_>> {
        let all = self.disk.value().into_iter().flat_map(|all| all.iter());
        all.map(|entry| Stated {
            place: &entry.value.place,
            name: &entry.name,
            own_key: "serial",
            own: entry.value.serial.map(|serial| serial.0.clone()),
            slot: &entry.value.slot,
            pci: &entry.value.pci,
        })
        .collect()
    }

    /// Returns the names of the network devices.
    pub(crate) fn named_nics(&self) -> Vec<Stated<'_>> {
        let all = self.nic.value().into_iter().flat_map(|all| all.iter());
        all.map(|entry| Stated {
            place: &entry.value.place,
            name: &entry.name,
            own_key: "mac",
            own: entry.value.mac.map(|mac| mac.0.clone()),
            slot: &entry.value.slot,
            pci: &entry.value.pci,
        })
        .collect()
    }
}
