//! Features and configuration of a network device (virtio 1.2, 5.1.3 and 5.1.4).

use bitflags::bitflags;

use super::{ETHERNET_HEADER, VLAN_TAG};
use crate::virtio::error::SetupError;
use crate::virtio::transport::Transport;

/// The longest payload of a frame if the device does not state it, in bytes.
pub(super) const ETHERNET_MTU: u16 = 1500;
/// 5.1.4.1: the smallest valid MTU.
pub(super) const LEAST_MTU: u16 = 68;
/// The largest supported MTU. Buffers are no larger; the MTU feature of a device with a larger one
/// is not accepted.
pub(super) const MOST_MTU: u16 = 9216;

/// The locally administered address used if the device has none.
const OWN_ADDRESS: [u8; 6] = [0x02, b'V', b'M', b'O', b'S', 0x01];

/// Offsets in the configuration (5.1.4).
const CONFIG_STATUS: usize = 6;
const CONFIG_MTU: usize = 10;
/// The status bit "link up".
const LINK_UP: u16 = 1;

bitflags! {
    /// The features of a network device that the driver uses (5.1.3).
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Features: u64 {
        /// The device completes checksums of sent frames.
        const CSUM = 1;
        /// The device may leave the checksums of received frames incomplete.
        const GUEST_CSUM = 1 << 1;
        /// The configuration contains the MTU.
        const MTU = 1 << 3;
        /// The configuration contains the hardware address.
        const MAC = 1 << 5;
        /// The device may put a frame into several buffers.
        const MRG_RXBUF = 1 << 15;
        /// The configuration contains the state of the link.
        const STATUS = 1 << 16;
    }
}

/// Selects from the offered features.
pub(super) fn choose<T: Transport>(transport: &T, offered: u64) -> u64 {
    let mut features = Features::from_bits_truncate(offered);
    // 5.1.4.2: the MTU may be read before it is negotiated; accepting it requires buffers of that
    // size.
    if features.contains(Features::MTU)
        && !read_mtu(transport).is_ok_and(|mtu| (LEAST_MTU..=MOST_MTU).contains(&mtu))
    {
        features.remove(Features::MTU);
    }
    features.bits()
}

pub(super) fn read_mtu<T: Transport>(transport: &T) -> Result<u16, SetupError> {
    transport.read_config(CONFIG_MTU + 2, |transport| transport.config16(CONFIG_MTU))
}

pub(super) fn read_mac<T: Transport>(
    transport: &T,
    features: Features,
) -> Result<[u8; 6], SetupError> {
    if !features.contains(Features::MAC) {
        return Ok(OWN_ADDRESS);
    }
    let mac = transport.read_config(6, |transport| {
        core::array::from_fn(|byte| transport.config8(byte))
    })?;
    // A multicast address or zero is not a valid address of a device.
    let usable = mac[0] & 1 == 0 && mac != [0; 6];
    Ok(if usable { mac } else { OWN_ADDRESS })
}

pub(super) fn read_link<T: Transport>(
    transport: &T,
    features: Features,
) -> Result<bool, SetupError> {
    if !features.contains(Features::STATUS) {
        return Ok(true);
    }
    let status = transport.read_config(CONFIG_STATUS + 2, |transport| {
        transport.config16(CONFIG_STATUS)
    })?;
    Ok(status & LINK_UP != 0)
}

/// Returns the longest frame for an MTU, in bytes.
pub(super) const fn frame_limit(mtu: u16) -> usize {
    ETHERNET_HEADER + VLAN_TAG + mtu as usize
}
