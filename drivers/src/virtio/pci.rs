//! Identifies virtio devices among PCI functions (virtio 1.2, 4.1.2).

use super::DeviceKind;
use crate::pci::Function;

/// The vendor of every virtio function.
pub const VENDOR: u16 = 0x1af4;
/// Device ids of devices that also have the legacy interface.
const TRANSITIONAL: core::ops::RangeInclusive<u16> = 0x1000..=0x103f;
/// Device ids of devices that do not: this base plus the virtio device id.
const MODERN: core::ops::RangeInclusive<u16> = 0x1040..=0x107f;

/// Returns the kind of the virtio device `function`; `None` if it is not a virtio device.
///
/// [`PciTransport::new`](super::transport::PciTransport::new) finds out whether it can be driven: a
/// device with only the legacy interface looks the same here.
#[must_use]
pub fn kind(function: &Function) -> Option<DeviceKind> {
    if function.vendor != VENDOR {
        return None;
    }
    let id = function.device;
    if MODERN.contains(&id) {
        return Some(DeviceKind(u32::from(id - MODERN.start())));
    }
    if !TRANSITIONAL.contains(&id) {
        return None;
    }
    Some(match id {
        0x1000 => DeviceKind::NET,
        0x1001 => DeviceKind::BLK,
        0x1002 => DeviceKind::BALLOON,
        0x1003 => DeviceKind::CONSOLE,
        0x1004 => DeviceKind::SCSI,
        0x1005 => DeviceKind::RNG,
        0x1009 => DeviceKind::P9,
        // The others are identified by their subsystem id.
        _ => DeviceKind(u32::from(function.subsystem.1)),
    })
}
